"""The real harness with the compiled evals: what reaches the models, the gate, and faults that its dry run refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
CASE = HERE / "lm_eval" / "cases" / "suites"
RULES: list[dict[str, Any]] = [{"when": {"user": "Paris"}, "reply": "France"}, {"reply": "Nowhere at all"}]


@dataclass(frozen=True, slots=True)
class Bench:
    root: Path
    models: FakeAI
    plans: dict[str, Check]

    @property
    def folder(self) -> Path:
        return self.root / "generated" / "dev" / "lm-eval"

    def run(self, name: str, words: tuple[str, ...]) -> ToolResult:
        url = self.models.base_url
        env = {"SMALL_URL": url, "LARGE_URL": url, "SMALL_KEY": "small-77", "OPENAI_API_KEY": "sk-openai-1a2b",
               "HF_HUB_OFFLINE": "1", "HF_HOME": str(self.root / "hf")}
        assert set(env) >= {variable.name.value for variable in self.plans[name].variables}
        assert words[0] == "python"
        return run_tool([require_tool("lm_eval").with_name("python"), *words[1:]], self.root, env)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = tmp_path_factory.mktemp("harness")
    compiled, found = asked(Memory(project_files(CASE)), Check, "lm-eval")
    written = {e.path: e.content for e in compiled.emitted if e.target == "lm-eval"}
    for name, data in {**project_files(CASE), **written}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    plans = {name.removeprefix("dev.eval."): check for name, check in found.items()}
    with FakeAI(RULES) as models:
        yield Bench(root, models, plans)


def test_rows_reach_the_models_and_the_gate_judges(bench: Bench) -> None:
    done = bench.run("cities", tuple(word.value for word in bench.plans["cities"].argv))
    assert done.ok, done.output
    assert "ok  4 answers were judged" in done.output
    assert "ok  right is 0.5000, at least 0.5 is asked" in done.output
    assert 'pass_rate is 1.0000 of 2 where continent is "Europe"' in done.output
    small = [r for r in bench.models.requests if r["body"]["model"] == "small"]
    assert {r["bearer"] for r in small} == {"small-77"}
    assert {r["bearer"] for r in bench.models.requests if r["body"]["model"] != "small"} == {"sk-openai-1a2b"}
    assert small[0]["body"]["messages"][0] == {"role": "system", "content": "Answer with a country {as one word}."}
    questions = {r["body"]["messages"][1]["content"] for r in small}
    assert questions == {"Where is Paris?", "Where is {{ 7 * 7 }}?"}
    body = small[0]["body"]
    assert {name: body[name] for name in body if name not in ("messages", "model")} == {
        "temperature": 0, "max_tokens": 20, "min_p": 0.1, "tenant": "demo", "seed": 7, "stop": ["###"],
    }
    found = json.loads((bench.root / "results" / "cities.json").read_text())
    assert found["subjects"]["large"]["right"]["mean"] == 0.5


Twin = Callable[[dict[str, Any], str], str]


def _red(spec: dict[str, Any], task: str) -> str:
    spec["gate"]["min"]["right"] = 0.9
    return task


def _compared(spec: dict[str, Any], task: str) -> str:
    """Against what another eval has kept: the file that the twin of before left has no name in it."""
    of = {"project": "case", "environment": "dev", "eval": "cities"}
    spec["gate"] |= {"baseline": {"branch": "main", "file": "results/cities.json"}, "of": of}
    return task


def _first(spec: dict[str, Any], task: str) -> str:
    """Nothing is kept yet."""
    _compared(spec, task)
    spec["gate"]["baseline"]["file"] = "results/nothing.json"
    return task


def _instead(before: str, after: str) -> Twin:
    return lambda spec, task: task.replace(before, after)


def _published(name: str) -> Twin:
    def change(spec: dict[str, Any], task: str) -> str:
        spec["tasks"] = [name]
        return task

    return change


TWINS: dict[str, tuple[Twin, str]] = {
    "as compiled": (lambda spec, task: task, "check"),
    "a gate that does not hold": (_red, ""),
    "earlier results of something else": (_compared, ""),
    "no earlier results": (_first, ""),
    "a metric that there is not": (_instead("metric: exact_match", "metric: exact_mach"), "check"),
    "an output that there is not": (_instead("output_type: generate_until", "output_type: generate"), "check"),
    "a column that there is not": (_instead("{{ country }}", "{{ land }}"), "check"),
    "a published task": (_published("gsm8k"), "check"),
    "a task that nobody published": (_published("gsm8kk"), "check"),
}
DRIVER = """
import contextlib, io, json, sys, traceback
sys.path.insert(0, sys.argv[1])
import run
for name, words in json.loads(sys.argv[2]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = run.main(*words)
        except (Exception, SystemExit) as error:
            code, _ = 1, said.write(f"{type(error).__name__}: {error}")
    print("TWIN " + json.dumps([name, code, said.getvalue()[-4000:]]))
"""


@pytest.fixture(scope="module")
def twins(bench: Bench) -> dict[str, tuple[int, str]]:
    """What `run.py` says of the compiled task and of its broken twins: in one process, since each start takes long."""
    spec, task = (bench.folder / "cities.json").read_text(), (bench.folder / "cities.yaml").read_text()
    steps = []
    for number, (name, (change, word)) in enumerate(TWINS.items()):
        folder = bench.root / "twins" / str(number)
        folder.mkdir(parents=True)
        about = json.loads(spec)
        # each twin is a task of its own, since the harness remembers the files of a task
        changed = change(about, task.replace("llmops_cities", f"llmops_cities_{number}"))
        about["task"] = f"llmops_cities_{number}"
        (folder / "cities.json").write_text(json.dumps(about))
        (folder / "cities.yaml").write_text(changed)
        steps.append([name, [str(folder / "cities.json"), str(folder / "results.json"), *([word] if word else [])]])
    shared = bench.root / "generated" / "project" / "lm-eval"
    done = bench.run("cities", ("python", "-c", DRIVER, str(shared), json.dumps(steps)))
    assert done.ok, done.output
    lines = [json.loads(line[5:]) for line in done.output.splitlines() if line.startswith("TWIN ")]
    return {name: (code, said) for name, code, said in lines}


def test_the_dry_run_takes_what_was_compiled_and_what_is_published(twins: dict[str, tuple[int, str]]) -> None:
    assert {name: twins[name][0] for name in ("as compiled", "a published task")} == {
        "as compiled": 0, "a published task": 0,
    }, twins


def test_the_dry_run_refuses_what_the_harness_lacks(twins: dict[str, tuple[int, str]]) -> None:
    refused = {name: said for name, (code, said) in twins.items() if code not in (0, 2, 100)}
    assert set(refused) == {
        "a metric that there is not", "an output that there is not", "a column that there is not",
        "a task that nobody published",
    }, twins
    assert "exact_mach" in refused["a metric that there is not"]
    assert "'land' is undefined" in refused["a column that there is not"]
    assert "the harness has no task gsm8kk" in refused["a task that nobody published"]


def test_earlier_results_of_something_else_end_it(twins: dict[str, tuple[int, str]]) -> None:
    code, said = twins["earlier results of something else"]
    assert (code, "results/cities.json cannot be compared with" in said) == (2, True), said
    code, said = twins["no earlier results"]
    assert (code, "no earlier results of main: nothing to compare with yet" in said) == (0, True), said


def test_a_gate_that_does_not_hold_is_red(twins: dict[str, tuple[int, str]]) -> None:
    code, said = twins["a gate that does not hold"]
    assert code == 100
    assert "RED right is 0.5000, at least 0.9 is asked" in said
