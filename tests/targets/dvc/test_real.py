"""DVC runs the compiled pipeline: code of the project, a model behind a scripted server, and what is left out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.e2e.fakeai import FakeAI
from tests.targets.test_cases import HERE, project_files
from tests.tools.toolbox import ToolResult, make_git_repo, own_home, require_tool, run_tool

pytestmark = pytest.mark.tools
CASE = HERE / "dvc" / "cases" / "recipes"
FOLDER = "generated/dev/dvc"
LEFT_OUT = ("conf/gateway/", "conf/eval/", "conf/target/", "conf/dataset/prices.yaml")
WRITER = """\
provider: openai
id: gpt-4o-mini-2024-07-18
endpoint: {url: {variable: WRITER_URL}, secret: writer}
params: {temperature: 0.2, max_tokens: 300}
"""
RULES: list[dict[str, Any]] = [
    {"when": {"user": "30 days"}, "times": 1, "status": 503, "message": "busy"},
    {"when": {"user": "30 days"}, "times": 1, "reply": {"question": "no answer"}},
    {"when": {"user": "30 days"}, "times": 2, "reply": {
        "question": "How LONG may I send shoes back?", "answer": "30 days"}},
    {"when": {"user": "30 days"}, "reply": {"question": "Can I return them?", "answer": "within 30 days"}},
    {"when": {"user": "50 euros"}, "times": 1, "reply": '```json\n[{"question": "Free?", "answer": "yes"}]\n```'},
    {"when": {"user": "50 euros"}, "reply": {"question": "From 50 euros?", "answer": "yes"}},
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pipeline:
    folder: Path
    server: FakeAI
    home: Path

    def dvc(self, *words: str) -> ToolResult:
        """DVC with `python` as its own environment has it."""
        program = require_tool("dvc")
        search = os.pathsep.join([str(program.parent), os.environ.get("PATH", os.defpath)])
        env = {"PATH": search, "DVC_NO_ANALYTICS": "1", "WRITER_URL": self.server.base_url, "WRITER_KEY": "sk-w"}
        command = [program, *words] if words[0] != "python" else [program.parent / "python", *words[1:]]
        return run_tool(command, self.folder, env, home=self.home)

    def rows(self, name: str) -> list[dict[str, Any]]:
        lines = (self.folder / FOLDER / "data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def write(self, name: str, data: Any) -> None:
        (self.folder / FOLDER / name).write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


def project() -> dict[str, bytes]:
    files = {n: data for n, data in project_files(CASE).items() if not n.startswith(LEFT_OUT)}
    files["conf/model/writer.yaml"] = WRITER.encode()
    files["conf/secret/writer.yaml"] = b"variable: WRITER_KEY\n"
    kinds: dict[str, list[str]] = {}
    for name in files:
        parts = name.split("/")
        if len(parts) == 3 and parts[0] == "conf" and parts[1] != "env":
            kinds.setdefault(parts[1], []).append(parts[2].removesuffix(".yaml"))
    chosen = [f"  - {kind}: [{', '.join(names)}]" for kind, names in sorted(kinds.items())]
    files["conf/config.yaml"] = "\n".join(["defaults:", *chosen, "  - env: dev", ""]).encode()
    return files


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    folder = tmp_path_factory.mktemp("dvc")
    result = compile_project(Memory(project()), Request())
    assert not result.failed, result.diagnostics
    for path, data in {**project(), **{e.path: e.content for e in result.emitted}}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    make_git_repo(folder)
    with FakeAI(RULES) as server, own_home() as home:
        made = Pipeline(folder, server, home)
        done = made.dvc("python", "generated/project/dvc/init.py")
        assert done.ok, done
        yield made


@pytest.fixture(scope="module")
def made(pipeline: Pipeline) -> ToolResult:
    return pipeline.dvc("repro", f"{FOLDER}/dvc.yaml")


def test_all_stages_run(pipeline: Pipeline, made: ToolResult) -> None:
    assert made.ok, made
    files = [f"{FOLDER}/data/{name}.metrics.json" for name in ("questions", "training")]
    shown = pipeline.dvc("metrics", "show", "--json", *files)
    assert shown.ok, shown
    found = {path.rpartition("/")[2]: one["data"] for path, one in json.loads(shown.output)[""]["data"].items()}
    assert found["questions.metrics.json"] == {"rows": 4, "calls": 7, "refused": 1}
    assert found["training.metrics.json"] == {"rows": 4, "read": 6, "dropped": 2}


def test_code_of_the_project_made_the_paragraphs(pipeline: Pipeline, made: ToolResult) -> None:
    assert pipeline.rows("paragraphs") == [
        {"text": "Shoes may be returned within 30 days.", "file": "returns.md"},
        {"text": "Shipping is free above 50 euros.", "file": "shipping.md"},
    ]


def test_the_model_was_asked_what_the_configs_say(pipeline: Pipeline, made: ToolResult) -> None:
    asked = [r for r in pipeline.server.requests if r["path"].endswith("chat/completions")]
    first = asked[0]["body"]
    assert {key: first[key] for key in ("model", "temperature", "max_tokens", "seed")} == {
        "model": "gpt-4o-mini-2024-07-18", "temperature": 0.7, "max_tokens": 300, "seed": 7,
    }  # fmt: skip
    assert first["response_format"]["json_schema"]["schema"]["required"] == ["question", "answer"]
    assert first["messages"][0]["content"].endswith("A price such as ${5} is in dollars.")
    assert [(one["role"], one["content"]) for one in first["messages"][1:3]] == [
        ("user", "Write one question that this text answers:\n\nWe mend {{ shoes }} for ${9}."),
        ("assistant", '{"question": "Do you mend {% shoes %}?", "answer": "For ${9}."}'),
    ]
    assert first["messages"][3]["content"].endswith("answers:\n\nShoes may be returned within 30 days.")
    assert asked[0]["bearer"] == "sk-w"
    assert sorted({r["body"]["seed"] for r in asked}) == list(range(7, 14))


def test_equal_and_broken_answers_are_asked_anew(pipeline: Pipeline, made: ToolResult) -> None:
    assert [row["question"] for row in pipeline.rows("questions")] == [
        "Free?", "How LONG may I send shoes back?", "From 50 euros?", "Can I return them?",
    ]  # fmt: skip


def test_rows_of_the_eval_are_left_out(pipeline: Pipeline, made: ToolResult) -> None:
    rows = pipeline.rows("training")
    assert [row["question"] for row in rows] == [
        "Free?", "From 50 euros?", "Can I return them?", "Do you ship to ${HOME}, please?",
    ]  # fmt: skip
    assert rows[3]["asked"] == rows[3]["question"]


def test_only_what_changed_runs_again(pipeline: Pipeline, made: ToolResult) -> None:
    again = pipeline.dvc("repro", f"{FOLDER}/dvc.yaml")
    assert again.ok, again
    assert "Data and pipelines are up to date." in again.output
    params = yaml.safe_load((pipeline.folder / FOLDER / "params.yaml").read_bytes())
    params["training"]["ngram"] = 3
    pipeline.write("params.yaml", params)
    changed = pipeline.dvc("repro", f"{FOLDER}/dvc.yaml:training")
    assert changed.ok, changed
    assert "dvc.yaml:questions' didn't change" in changed.output
    assert "dvc.yaml:training':" in changed.output


TWINS: dict[str, tuple[str, dict[str, Any]]] = {
    "an unknown key": ("extra keys not allowed", {"dep": ["x"]}),
    "an output that it needs": ("both a dependency and an output", {"deps": ["data/paragraphs.jsonl"]}),
    "no command": ("required key not provided", {"cmd": None}),
}


def test_broken_twins_are_refused(pipeline: Pipeline, made: ToolResult) -> None:
    path = pipeline.folder / FOLDER / "dvc.yaml"
    sound = yaml.safe_load(path.read_bytes())
    try:
        for name, (said, change) in TWINS.items():
            twin = json.loads(json.dumps(sound))
            stage = {**twin["stages"]["paragraphs"], **change}
            twin["stages"]["paragraphs"] = {key: value for key, value in stage.items() if value is not None}
            pipeline.write("dvc.yaml", twin)
            done = pipeline.dvc("dag", f"{FOLDER}/dvc.yaml")
            assert not done.ok, name
            assert said in done.output.lower(), (name, done)
    finally:
        pipeline.write("dvc.yaml", sound)
    assert pipeline.dvc("dag", f"{FOLDER}/dvc.yaml").ok
