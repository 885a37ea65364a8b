"""The real GuideLLM with the compiled load tests: what reaches a model is what the configs say, and gates hold."""

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
CASE = HERE / "guidellm" / "cases" / "loads"
RULES: list[dict[str, Any]] = [
    {"when": {"model": "gpt-4o"}, "status": 500},
    {"when": {"system": "Answer in"}, "reply": "After thirty days they may.", "delay": 0.02},
    {"reply": "One two three four.", "delay": 0.02},
]
TOKENIZER = """
import string, sys
from tokenizers import Tokenizer, models, pre_tokenizers, decoders
from transformers import PreTrainedTokenizerFast
signs = sorted(pre_tokenizers.ByteLevel.alphabet())
made = Tokenizer(models.BPE({sign: number for number, sign in enumerate(signs)}, []))
made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
PreTrainedTokenizerFast(tokenizer_object=made).save_pretrained(sys.argv[1])
"""
"""A tokenizer in which each byte is a token: made, since none is at hand without a hub."""


@dataclass(frozen=True, slots=True)
class Bench:
    root: Path
    models: FakeAI
    plans: dict[str, Check]
    python: Path
    whole: ToolResult
    """The run of `steady`, which the tests judge."""

    @property
    def folder(self) -> Path:
        return self.root / "generated" / "dev" / "guidellm"

    def judge(self, changes: dict[str, Any], name: str = "steady") -> ToolResult:
        """The reports of a run, judged by another gate, or of fewer subjects."""
        plan = {**json.loads((self.folder / f"{name}.json").read_text()), **changes}
        (self.folder / "changed.json").write_text(json.dumps(plan))
        words = [self.python, "generated/project/guidellm/run.py", "generated/dev/guidellm/changed.json", "other.json"]
        return run_tool([*words, "judge"], self.root)


def run(root: Path, python: Path, plan: Check, url: str) -> ToolResult:
    """A load test as a job runs it."""
    words = [word.value for word in plan.argv]
    assert words[0] == "python"
    env = {"SMALL_URL": url, "SMALL_KEY": "small-77", "HF_HUB_OFFLINE": "1"}
    assert set(env) >= {variable.name.value for variable in plan.variables}
    return run_tool([python, *words[1:]], root, env, timeout=240)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = tmp_path_factory.mktemp("guidellm")
    python = require_tool("guidellm").with_name("python")
    compiled, found = asked(Memory(project_files(CASE)), Check, "guidellm")
    written = {e.path: e.content for e in compiled.emitted if e.target == "guidellm"}
    for name, data in {**project_files(CASE), **written}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    made = run_tool([python, "-c", TOKENIZER, root / "tokenizer"], root)
    assert made.ok, made.output
    plans = {name.removeprefix("dev.eval."): check for name, check in found.items()}
    with FakeAI(RULES) as models:
        yield Bench(root, models, plans, python, run(root, python, plans["steady"], models.base_url))


def test_what_is_sent_and_what_is_measured(bench: Bench) -> None:
    assert bench.whole.exit_code == 100, bench.whole.output
    sent = [r for r in bench.models.requests if r["body"]["model"] == "gpt-4o-mini"]
    assert len(sent) == 8
    assert {r["bearer"] for r in sent} == {"small-77"}
    body = sent[0]["body"]
    assert {name: body[name] for name in body if name not in ("messages", "model", "stream_options")} == {
        "stream": True, "max_completion_tokens": 40, "temperature": 0, "top_p": 0.9, "tenant": "demo",
    }
    asked_for = {tuple(message["content"] for message in r["body"]["messages"]) for r in sent}
    # three rows, which come again until eight requests are made
    assert asked_for == {
        ("Answer in EN.", "May worn {{ shoes }} come back?"), ("Answer in DE.", "How long do returns take?"),
        ("Answer in DE.", "Who pays the postage?"),
    }
    found = json.loads((bench.root / "results" / "steady.json").read_text())
    good, bad = found["subjects"]["good"], found["subjects"]["the broken one"]
    assert 0.02 <= good["ttft"]["mean"] <= good["ttft_p99"]["mean"] <= good["e2e_latency_p99"]["mean"] < 5
    assert good["error_rate"] == {"mean": 0.0, "count": 8}
    assert bad["error_rate"] == {"mean": 1.0, "count": 8}
    # of what failed there is no time: nothing is taken for 0
    assert not any(name.startswith(("ttft", "tpot", "e2e")) for name in bad)
    assert found["used"]["calls"] == 16
    assert "    8 failed: " in bench.whole.output
    assert "RED the broken one: ttft_p95 was not measured" in bench.whole.output
    assert "RED the broken one: error_rate is 1.0000, at most 0.25 is asked" in bench.whole.output
    assert "small-77" not in (bench.root / "results" / "steady.reports" / "good.json").read_text()


def test_a_gate_that_holds_and_one_that_does_not(bench: Bench) -> None:
    plan = json.loads((bench.folder / "steady.json").read_text())
    alone = {"subjects": plan["subjects"][:1]}
    green = bench.judge(alone)
    assert green.ok, green.output
    assert "ok  ttft_p95 is " in green.output
    strict = bench.judge({**alone, "gate": {"max": {"ttft_p95": 0.001}}})
    assert strict.exit_code == 100, strict.output
    assert "RED ttft_p95 is " in strict.output
    assert bench.judge({**alone, "gate": {"max": {"ttft_p95": 0.001}, "mode": "report"}}).ok
    short = bench.judge({**alone, "requests": 9})
    assert short.exit_code == 100, short.output
    assert "RED good: 8 of 9 requests were made" in short.output


def test_failed_requests_are_in_no_mean(bench: Bench) -> None:
    """Some requests fail, one is still waiting, and the others are quick."""
    report = bench.root / "results" / "steady.reports" / "good.json"
    kept = report.read_text()
    data = json.loads(kept)
    requests = data["benchmarks"][0]["requests"]
    requests["errored"] = [{**requests["successful"].pop(), "time_to_first_token_ms": None} for _ in range(2)]
    # a request that had been waiting for longer than all others got no answer; of one that had just begun nobody knows
    hung, begun = requests["successful"].pop(), requests["successful"].pop()
    for one, seconds in ((hung, 60), (begun, 0.001)):
        one["info"]["timings"]["resolve_end"] = one["info"]["timings"]["request_start"] + seconds
    requests["incomplete"] = [hung, begun]
    # and one answer that has no token is none
    requests["successful"][0]["time_to_first_token_ms"] = None
    report.write_text(json.dumps(data))
    plan = json.loads((bench.folder / "steady.json").read_text())
    alone = {"subjects": plan["subjects"][:1]}
    try:
        red = bench.judge({**alone, "gate": {"max": {"ttft": 5}}})
        assert red.exit_code == 100, red.output
        assert "RED 4 of 7 rows got no answer" in red.output
        assert "    1 failed: no token came\n    1 failed: still no answer at the end\n" in red.output
        assert "1 were on their way when it ended, and are left out" in red.output
        assert bench.judge({**alone, "gate": {"max": {"ttft": 5, "error_rate": 0.6}}}).ok
        assert bench.judge({**alone, "gate": {"max": {"ttft": 5, "error_rate": 0.5}}}).exit_code == 100
        assert bench.judge({**alone, "gate": {"pass_rate": 0.4}}).ok
    finally:
        report.write_text(kept)


def test_requests_that_are_made_up(bench: Bench) -> None:
    before = len(bench.models.requests)
    done = run(bench.root, bench.python, bench.plans["made_up"], bench.models.base_url)
    assert done.ok, done.output
    sent = bench.models.requests[before:]
    assert len(sent) == 15
    texts = [r["body"]["messages"][0]["content"][0]["text"] for r in sent]
    assert len(set(texts)) == 15
    assert {len(one.encode()) for one in texts} == {24}
    assert {r["body"]["max_tokens"] for r in sent} == {300}
    found = json.loads((bench.root / "made_up.results.json").read_text())
    # what was sent in the warm-up is not judged, and was paid for
    assert 0 < found["subjects"]["made_up"]["error_rate"]["count"] < 15
    assert found["used"]["calls"] == 15


def test_its_own_classes_take_every_scenario(bench: Bench, tmp_path: Path) -> None:
    """Also those that are not run here; and a broken twin of one is refused."""
    check = (
        "import json, sys, yaml\nfrom guidellm.schemas.benchmark import BenchmarkScenario\n"
        "for path in sys.argv[1:]:\n"
        "    data = yaml.safe_load(open(path))\n"
        "    data['spec']['backend'].setdefault('target', 'http://127.0.0.1/v1')\n"
        "    print(len(BenchmarkScenario.model_validate(data).get_benchmarks()))\n"
    )
    scenarios = sorted(bench.folder.glob("*.yaml"))
    done = run_tool([bench.python, "-c", check, *scenarios], bench.root)
    assert done.ok, done.output
    assert [path.name for path in scenarios] == [
        "capacity.yaml", "made_up.yaml", "nightly.yaml", "steady.bad.yaml", "steady.good.yaml",
    ]
    assert done.output.split() == ["3", "1", "1", "1", "1"]
    twin = tmp_path / "twin.yaml"
    twin.write_text((bench.folder / "nightly.yaml").read_text().replace("max_concurrency", "max_concurency"))
    assert run_tool([bench.python, "-c", check, twin], bench.root).exit_code == 1
