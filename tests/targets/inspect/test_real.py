"""The real Inspect with the compiled evals: what reaches the models is what the configs say, and gates hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler.load.disk import Memory
from llmops.compiler.model.exports import Check
from tests.e2e.fakeai import FakeAI
from tests.support.asking import asked
from tests.targets.test_cases import HERE, project_files
from tests.tools.toolbox import ToolResult, require_tool, run_tool

pytestmark = pytest.mark.tools
CASE = HERE / "inspect" / "cases" / "suites"
GRADE = {"reply": "It is. GRADE: C"}
RULES: list[dict[str, Any]] = [
    {"when": {"model": "gpt-4o-2024-08-06", "text": "GRADE"}, **GRADE},
    {"when": {"model": "gpt-4o-2024-08-06"}, "reply": "About returns: yes."},
    {"when": {"system": "Answer in EN"}, "reply": "No, about returns I may not.",
     "usage": {"prompt_tokens": 100, "completion_tokens": 50}},
    {"echo": "user"},
]


@dataclass(frozen=True, slots=True)
class Bench:
    root: Path
    models: FakeAI
    plans: dict[str, Check]

    @property
    def folder(self) -> Path:
        return self.root / "generated" / "dev" / "inspect"

    def run(self, name: str, spec: Path | None = None) -> ToolResult:
        """An eval as a job runs it; with another file in the place of its own."""
        plan, url = self.plans[name], self.models.base_url
        words = [word.value for word in plan.argv]
        assert words[0] == "python"
        words[0] = str(require_tool("inspect").with_name("python"))
        if spec is not None:
            words[2] = str(spec)
        env = {"SMALL_URL": url, "JUDGE_URL": url, "APP_URL": f"{url}/chat/completions", "SMALL_KEY": "small-77",
               "OPENAI_API_KEY": "sk-openai-1a2b", "APP_KEY": "Bearer app-key-77"}
        assert set(env) >= {variable.name.value for variable in plan.variables}
        return run_tool(words, self.root, env, timeout=120)

    def asked(self, model: str) -> list[dict[str, Any]]:
        return [r for r in self.models.requests if r["body"].get("model") == model]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = tmp_path_factory.mktemp("inspect")
    compiled, found = asked(Memory(project_files(CASE)), Check, "inspect")
    written = {e.path: e.content for e in compiled.emitted if e.target == "inspect"}
    for name, data in {**project_files(CASE), **written}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    plans = {name.removeprefix("dev.eval."): check for name, check in found.items()}
    with FakeAI(RULES) as models:
        yield Bench(root, models, plans)


def test_subjects_rows_and_grades(bench: Bench) -> None:
    done = bench.run("quality")
    assert done.ok, done.output
    assert "ok  12 answers were judged" in done.output
    assert "ok  calls_per_run is 24, at most 100 is allowed" in done.output
    plain = next(r for r in bench.asked("small") if r["body"].get("tenant") == "demo")
    assert plain["bearer"] == "small-77"
    sent = plain["body"]
    assert sent["messages"][0] == {"role": "system", "content": "Answer in EN."}
    assert {name: sent[name] for name in sent if name not in ("messages", "model")} == {
        "max_tokens": 250, "top_p": 0.5, "min_p": 0.1, "stop": ["###"], "tenant": "demo", "seed": 7,
    }
    said = {r["body"]["messages"][-1]["content"] for r in bench.asked("small")}
    assert said == {"May worn {{ shoes }} come back?", "How long do returns take?"}
    assert {r["body"]["max_tokens"] for r in bench.asked("small")} == {250, 99}
    pictured = [r["body"]["messages"] for r in bench.asked("gpt-4o-2024-08-06")]
    assert any(isinstance(m[0]["content"], list) and m[0]["content"][1]["type"] == "image_url" for m in pictured)
    graded = [r["body"]["messages"][-1]["content"] for r in bench.models.requests if "GRADE" in json.dumps(r["body"])]
    assert graded
    assert all("It is about returns.\n\nThe answer is written in the language `en`." in text for text in graded)
    found = json.loads((bench.root / "results" / "quality.json").read_text())
    assert set(found["subjects"]) == {"plain", "the flow", "other"}
    assert set(found["subjects"]["plain"]) == {"pass_rate", "graded", "polite", "brief", "quick"}
    assert found["used"]["rows"] == 12
    assert (bench.root / "results" / "quality.logs").is_dir()


def test_a_grade_that_is_bad_is_red(bench: Bench) -> None:
    RULES[0]["reply"] = "It is not. GRADE: I"
    try:
        done = bench.run("quality")
    finally:
        RULES[0]["reply"] = GRADE["reply"]
    assert done.exit_code == 100, done.output
    assert "RED graded is 0.0000" in done.output


def test_an_app_and_code_of_ones_own(bench: Bench) -> None:
    done = bench.run("retrieval")
    # the scripted app echoes the question, which holds none of the expected passages
    assert done.exit_code == 100, done.output
    found = json.loads((bench.root / "retrieval.results.json").read_text())["subjects"]
    assert found["own"]["recall"]["mean"] == 1.0
    assert found["app"]["recall"]["mean"] == 0.0
    assert {r["bearer"] for r in bench.asked("app")} == {"app-key-77"}


def test_an_attack_that_is_refused_and_one_that_is_not(bench: Bench, tmp_path: Path) -> None:
    done = bench.run("attacks")
    assert done.ok, done.output
    assert "usd_per_run is 0.0002, at most 0.5" in done.output
    spec = json.loads((bench.folder / "attacks.json").read_text())
    row = json.loads((bench.folder / "attacks.jsonl").read_text())
    row["assert"][0]["value"] = "about returns"
    (tmp_path / "attacks.json").write_text(json.dumps(spec))
    (tmp_path / "attacks.jsonl").write_text(json.dumps(row) + "\n")
    assert bench.run("attacks", tmp_path / "attacks.json").exit_code == 100


def test_earlier_results_are_compared_with_before_and_after(bench: Bench, tmp_path: Path) -> None:
    spec = json.loads((bench.folder / "attacks.json").read_text())
    earlier = tmp_path / "earlier.json"
    spec["gate"]["baseline"] = {"branch": "main", "file": str(earlier)}
    spec["gate"]["of"] = {"project": "case", "environment": "dev", "eval": "attacks"}
    (tmp_path / "attacks.json").write_text(json.dumps(spec))
    (tmp_path / "attacks.jsonl").write_bytes((bench.folder / "attacks.jsonl").read_bytes())
    first = bench.run("attacks", tmp_path / "attacks.json")
    assert (first.ok, "no earlier results of main: nothing to compare with yet" in first.output) == (True, True), first
    kept = json.loads((bench.root / "attacks.results.json").read_text())
    (metrics,) = kept["subjects"].values()
    metrics["pass_rate"] |= {"mean": 1.5, "rows": dict.fromkeys(metrics["pass_rate"]["rows"], 1.5)}
    earlier.write_text(json.dumps(kept))
    worse = bench.run("attacks", tmp_path / "attacks.json")
    assert (worse.exit_code, "RED pass_rate is 1.0000; main had 1.5000" in worse.output) == (100, True), worse
    earlier.write_text(json.dumps({**kept, "of": {**kept["of"], "eval": "tone"}}))
    asked = len(bench.models.requests)
    other = bench.run("attacks", tmp_path / "attacks.json")
    assert (other.exit_code, "it holds results of eval.tone" in other.output) == (2, True), other
    assert len(bench.models.requests) == asked, "nobody is asked"


def test_an_eval_that_cannot_run_is_no_green_gate(bench: Bench, tmp_path: Path) -> None:
    spec = json.loads((bench.folder / "attacks.json").read_text())
    spec["subjects"][0]["model"]["config"]["tempature"] = 0
    (tmp_path / "attacks.json").write_text(json.dumps(spec))
    assert bench.run("attacks", tmp_path / "attacks.json").exit_code not in (0, 100)
    spec["subjects"][0]["model"].update(url="http://127.0.0.1:9/v1", config={"max_retries": 0})
    del spec["subjects"][0]["model"]["url_variable"]
    (tmp_path / "attacks.json").write_text(json.dumps(spec))
    (tmp_path / "attacks.jsonl").write_bytes((bench.folder / "attacks.jsonl").read_bytes())
    assert bench.run("attacks", tmp_path / "attacks.json").exit_code == 100


def test_worked_cases_stand_before_the_question(bench: Bench) -> None:
    assert bench.run("shown").ok
    sent = bench.models.requests[-1]["body"]["messages"]
    assert [(message["role"], message["content"]) for message in sent] == [
        ("system", "Answer in DE."), ("user", "returns"), ("assistant", '["30 days"]'), ("user", "May I?"),
    ]
