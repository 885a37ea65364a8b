"""The real promptfoo with the compiled suites: what reaches the models is what the configs say, and gates hold.

A scripted server stands in for the models' weights, for the judge and for an app of one's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler.derive.scripts import gate as judging
from llmops.compiler.driver import compile_project
from llmops.compiler.emit.escapes import CANARIES
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.compiler.model.target import Refusal
from llmops.targets.promptfoo.escapes import unrendered, variable
from tests.e2e.fakeai import FakeAI
from tests.targets.test_cases import HERE, compile_case, project_files
from tests.tools.toolbox import promptfoo_eval, promptfoo_validate, require_tool, run_tool

pytestmark = pytest.mark.tools
CASE = HERE / "promptfoo" / "cases" / "suites"
SUITES = ("compare", "from_data", "app", "served")
RULES: list[dict[str, Any]] = [
    {"when": {"model": "gpt-4o-2024-08-06", "text": "context"}, "reply": "[Attributed] all of it"},
    {"when": {"model": "gpt-4o-2024-08-06"}, "reply": {"pass": True, "score": 1, "reason": "good"}},
    {"when": {"model": "gpt-4o-mini-2024-07-18"}, "reply": "About returns: yes."},
    {"when": {"user": "Name the intent"}, "reply": {"intent": "30 days, 5 working days, fault, exchanged"}},
    {"when": {"path": "chat/completions"}, "echo": "user", "usage": {"prompt_tokens": 100, "completion_tokens": 50}},
]


@dataclass(frozen=True, slots=True)
class Bench:
    """The compiled project on disk, and the server that answers it."""

    root: Path
    models: FakeAI
    variables: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.root / "generated" / "dev" / "promptfoo"

    def run(self, suite: str, **env: str) -> tuple[int, list[dict[str, Any]], str]:
        """Exit code, results of the rows, and what was said."""
        out = self.root / f"{suite}.json"
        done = promptfoo_eval(self.folder / f"{suite}.yaml", out, {**self.variables, **env})
        return done.exit_code, json.loads(out.read_text())["results"]["results"], done.output

    def asked(self, model: str) -> list[dict[str, Any]]:
        return [r["body"] for r in self.models.requests if r["body"].get("model") == model]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = tmp_path_factory.mktemp("suites")
    written = {e.path: e.content for e in compile_case(CASE).emitted if e.target == "promptfoo"}
    for name, data in {**project_files(CASE), **written}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    with FakeAI(RULES) as models:
        url = models.base_url
        yield Bench(root, models, {
            "SMALL_URL": url, "LARGE_URL": url, "JUDGE_URL": url, "APP_URL": f"{url}/chat/completions",
            "OPENAI_API_KEY": "sk-openai-1a2b", "APP_KEY": "Bearer app-key-77",
        })


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_is_valid(suite: str, bench: Bench) -> None:
    done = promptfoo_validate(bench.folder / f"{suite}.yaml", bench.variables)
    assert done.ok, done.output


def test_subjects_with_their_own_words_and_parameters(bench: Bench) -> None:
    code, rows, said = bench.run("compare")
    assert code == 0, said
    assert sorted(row["provider"]["label"] for row in rows) == ["looking", "small", "the large one"]
    small = bench.asked("small")[-1]
    large, looking = sorted(bench.asked("gpt-4o-mini-2024-07-18")[-2:], key=lambda body: "max_tokens" not in body)
    question = "Are returns of worn {{ shoes }} possible?"
    assert small["messages"] == [
        {"role": "system", "content": "Answer in one paragraph about returns."},
        {"role": "user", "content": "Do you {{ repair }} shoes?"},
        {"role": "assistant", "content": "We do {% not %}."},
        {"role": "user", "content": question},
    ]
    assert {k: v for k, v in small.items() if k not in ("messages", "model")} == {
        "max_tokens": 250, "min_p": 0.1, "tenant": "demo", "seed": 7,
    }
    assert [m["content"] for m in large["messages"]] == [
        "About repairs, in short: Do you {{ repair }} shoes?", "We do {% not %}.",
        f"About returns, in short: {question}",
    ]
    assert large["max_tokens"] == 250
    assert "temperature" not in large
    assert looking["temperature"] == 0.7
    assert looking["messages"] == [{"role": "user", "content": [
        {"type": "text", "text": f"Look at this returns: {question}"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]}]
    judged = json.dumps(bench.asked("gpt-4o-2024-08-06")[-1]["messages"])
    assert "It is about returns.\\n\\nThe answer is written in the language `en`." in judged.replace("\\\\n", "\\n")
    row = next(row for row in rows if row["provider"]["label"] == "small")
    parts = row["gradingResult"]["componentResults"]
    graded = {part["assertion"]["metric"]: part for part in parts if "metric" in part["assertion"]}
    assert set(graded) == {"graded", "near", "quick", "cheap"}
    assert graded["cheap"]["reason"] == "it cost 0.000200 US dollars"


def test_rows_of_a_dataset_and_an_answer_with_a_schema(bench: Bench) -> None:
    code, rows, said = bench.run("from_data")
    assert (code, len(rows)) == (0, 2), said
    sent = bench.asked("small")[-1]
    assert sent["response_format"]["json_schema"]["schema"]["required"] == ["intent"]
    assert sent["messages"][0]["content"].startswith('Name the intent as JSON {"intent": …}: ')


def test_an_app_of_ones_own(bench: Bench) -> None:
    code, rows, said = bench.run("app", PROMPTFOO_FAILED_TEST_EXIT_CODE="0")
    assert (code, rows[0]["success"]) == (0, True), said
    assert rows[0]["response"]["output"] == rows[0]["vars"]["question"]
    request = next(r for r in bench.models.requests if r["body"].get("model") == "app")
    assert request["bearer"] == "app-key-77"
    assert request["body"]["note"] == "fixed"


def test_a_deployment_is_sent_the_rows_own_words(bench: Bench) -> None:
    code, rows, said = bench.run("served")
    assert code == 0, said
    assert rows[0]["response"]["output"] == "Say {{ hello }} {% now %}"


def gate(bench: Bench, change: Callable[[dict[str, Any]], None]) -> tuple[int, str]:
    """The gate as the job runs it, over results that are there already."""
    rules = json.loads((bench.folder / "compare.gate.json").read_text())
    change(rules)
    changed = bench.root / "changed.gate.json"
    changed.write_text(json.dumps(rules))
    script = bench.root / "generated" / "project" / "promptfoo" / "gate.mjs"
    results = bench.root / "compare.json"
    if not results.is_file():
        bench.run("compare")
    done = run_tool([require_tool("node"), script, changed, results, "true"], bench.root)
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({}, 0, "ok  graded is 1.0000, at least 0.9 is asked"),
        ({"min": {"graded": 1.5}}, 100, "RED graded is 1.0000, at least 1.5 is asked"),
        ({"max": {"graded": 0.5}}, 100, "RED graded is 1.0000, at most 0.5 is asked"),
        ({"min": {"nothing": 0.1}}, 100, "RED nothing was not measured"),
        ({"min": {"graded": 1.5}, "mode": "report"}, 0, "RED graded"),
        ({"baseline": {"subject": "nobody"}}, 100, "RED the subject nobody gave no results"),
        ({"baseline": {"file": "compare.json"}, "tolerance": 0}, 0, "ok  graded is 1.0000; the baseline had 1.0000"),
    ],
)
def test_the_gate(change: dict[str, Any], code: int, said: str, bench: Bench) -> None:
    found, output = gate(bench, lambda rules: rules.update(change))
    assert found == code, output
    assert said in output


@pytest.mark.parametrize(("rules", "code", "said"), [
    ({"min": {"recall": 0.9}}, 100, "RED 1 of 2 rows got no answer"),
    ({"min": {"recall": 0.9}, "mode": "report"}, 0, "RED 1 of 2 rows got no answer"),
    ({"pass_rate": 0.5}, 0, "ok  1 of 2 rows got no answer"),
    ({"pass_rate": 1.0}, 100, "RED pass_rate is 0.5000"),
])
def test_rows_without_an_answer_are_no_good_rows(
    rules: dict[str, Any], code: int, said: str, bench: Bench, tmp_path: Path
) -> None:
    """The mean of a metric is that of rows that were answered: an app that fails on half of them is not better."""
    good = {"success": True, "vars": {"q": 1}, "gradingResult": {"componentResults": [
        {"pass": True, "score": 1, "assertion": {"type": "javascript", "metric": "recall"}},
    ]}}
    failed = {"success": False, "vars": {"q": 2}, "error": "HTTP 500"}
    (tmp_path / "results.json").write_text(json.dumps({"results": {"results": [good, failed]}}))
    (tmp_path / "gate.json").write_text(json.dumps(rules))
    script = bench.root / "generated" / "project" / "promptfoo" / "gate.mjs"
    done = run_tool([require_tool("node"), script, "gate.json", "results.json", "true"], tmp_path)
    assert (done.exit_code, said in done.output) == (code, True), done


def _all(metric: str, score: float) -> Callable[[dict[str, Any]], Any]:
    return lambda scores: scores[metric].update(mean=score, rows=dict.fromkeys(scores[metric]["rows"], score))


OF = {"project": "case", "environment": "dev", "eval": "compare"}
EARLIER: dict[str, Callable[[dict[str, Any]], Any]] = {
    "the same": lambda scores: None,
    "a bit better": _all("graded", 1.05),
    "much better": _all("graded", 1.5),
    "other rows": lambda scores: scores["near"].update(mean=0.75, count=2, rows={"x": 1, "y": 0.5}),
    "another metric": lambda scores: scores.update(tone=scores.pop("quick")),
    "no score": lambda scores: scores["graded"].update(mean="1"),
}
GATES: dict[str, dict[str, Any]] = {
    "by means": {"tolerance": 0.1}, "by metric": {"tolerance": {"graded": 0.6}}, "surely": {"confidence": 0.9},
    "less is better": {"max": {"graded": 2}}, "attacks": {"fresh_rows": True, "confidence": 0.9},
    "only told": {"informational": ["graded", "near"], "mode": "report"},
}


@pytest.fixture(scope="module")
def kept(bench: Bench) -> dict[str, Any]:
    """What the script keeps of the real runner's results."""
    where = {"baseline": {"branch": "main", "file": "nothing.json"}, "of": OF, "keep": "compare.scores.json"}
    code, said = gate(bench, lambda rules: rules.update(where))
    assert (code, "no earlier results of main: nothing to compare with yet" in said) == (0, True), said
    found: dict[str, Any] = json.loads((bench.root / "compare.scores.json").read_text())
    assert set(found["subjects"]) == {"looking", "small", "the large one"}
    assert "worn" not in json.dumps(found)
    return found


@pytest.mark.parametrize("change", EARLIER.values(), ids=list(EARLIER))
@pytest.mark.parametrize("rules", GATES.values(), ids=list(GATES))
def test_both_scripts_judge_alike(
    rules: dict[str, Any], change: Callable[[dict[str, Any]], Any], kept: dict[str, Any], bench: Bench,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """promptfoo's gate and the one of the other runners, word for word."""
    before = json.loads(json.dumps(kept))
    for scores in before["subjects"].values():
        change(scores)
    (bench.root / "earlier.json").write_text(json.dumps(before))
    whole = {**rules, "baseline": {"branch": "main", "file": str(bench.root / "earlier.json")}, "of": OF}
    (bench.root / "alike.json").write_text(json.dumps({**whole, "keep": "now.json"}))
    script = bench.root / "generated" / "project" / "promptfoo" / "gate.mjs"
    done = run_tool([require_tool("node"), script, "alike.json", "compare.json", "true"], bench.root)
    ours = judging.finish(whole, kept, bench.root / "ours.json") if judging.ready(whole) else judging.UNFIT
    captured = capsys.readouterr()
    assert (done.exit_code, sorted(done.output.splitlines())) == (
        ours, sorted((captured.out + captured.err).splitlines())
    )  # fmt: skip


def test_an_eval_that_did_not_run_is_no_green_gate(bench: Bench) -> None:
    script = bench.root / "generated" / "project" / "promptfoo" / "gate.mjs"
    rules = bench.folder / "compare.gate.json"
    assert run_tool([require_tool("node"), script, rules, "nowhere.json", "true"], bench.root).exit_code == 1
    assert run_tool([require_tool("node"), script, rules, "nowhere.json", "false"], bench.root).exit_code == 1


def test_a_file_that_the_schema_refuses_is_refused_before_the_eval(bench: Bench, tmp_path: Path) -> None:
    text = (bench.folder / "served.yaml").read_text()
    assert "type: equals" in text
    text = text.replace("type: equals", "type: equals\n        threshold: soon")
    (tmp_path / "served.yaml").write_text(text)
    assert not promptfoo_validate(tmp_path / "served.yaml", bench.variables).ok


def test_a_wrong_expectation_is_red(bench: Bench) -> None:
    suite = bench.folder / "wrong.yaml"
    suite.write_text((bench.folder / "served.yaml").read_text().replace('value: "{{ prompt }}"', "value: another"))
    code, _, said = bench.run("wrong")
    suite.unlink()
    assert code == 100, said




# --- hostile texts -----------------------------------------------------------------------------------------------


def taken(escape: Callable[[str], str]) -> list[str]:
    """The canaries that have a writing in promptfoo's language of some place."""
    out = []
    for canary in CANARIES:
        try:
            escape(canary)
        except Refusal:
            continue
        out.append(canary)
    return out


def test_hostile_rows_parameters_and_bodies_arrive_as_they_are(tmp_path: Path) -> None:
    """Every text that compiles reaches the model unchanged, and nothing in it is rendered, loaded or run."""
    rows, texts = taken(variable(["question", "n"])), taken(unrendered)
    plain = safe([text for text in texts if not any(sign in text for sign in ("{{", "{%", "{#"))])
    params, body = dict(enumerate_(safe(texts))), dict(enumerate_(plain))
    files = {
        "llmops.yaml": "name: case\nenvironments: {dev: []}\n",
        "conf/config.yaml": "defaults:\n  - model: [m]\n  - prompt: [p]\n  - dataset: [d]\n  - eval: [rows, app]\n"
        "  - env: dev\n",
        "conf/model/m.yaml": "weights: {repo: Qwen/Qwen3-8B}\nendpoint: {url: {variable: URL}, auth: none}\n"
        f"params: {json.dumps({'metadata': params})}\n",
        "conf/prompt/p.yaml": 'messages: [{user: "{{ question }}"}]\nvariables: {question: string}\n',
        "conf/dataset/d.yaml": "files: rows.jsonl\ntrust: untrusted\nsensitivity: public\n",
        "rows.jsonl": "".join(json.dumps({"question": q, "n": n}) + "\n" for n, q in enumerate(rows)),
        "conf/eval/rows.yaml": "runner: promptfoo\nsubject: {prompt: p, model: m}\nrows: {dataset: d}\n",
        "conf/eval/app.yaml": "runner: promptfoo\nsubject:\n  http:\n    url: {variable: APP_URL}\n"
        f"    body: {json.dumps({'model': 'app', 'messages': [], **body})}\n"
        "rows: [{vars: {question: x}}]\n",
    }
    result = compile_project(Memory({k: v.encode() for k, v in files.items()}), Request())
    assert [(d.code, d.message) for d in result.diagnostics if d.severity == "error"] == []
    for emitted in result.emitted:
        target = tmp_path / emitted.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(emitted.content)
    folder = tmp_path / "generated" / "dev" / "promptfoo"
    with FakeAI([{"echo": "user"}, {"reply": "ok"}]) as models:
        variables = {"URL": models.base_url, "APP_URL": f"{models.base_url}/chat/completions"}
        for suite in ("rows", "app"):
            done = promptfoo_eval(folder / f"{suite}.yaml", tmp_path / f"{suite}.json", variables)
            assert done.exit_code == 0, done.output
        sent = [r["body"] for r in models.requests]
    arrived = sorted(r["messages"][0]["content"] for r in sent if r["model"] == "m")
    assert arrived == sorted(text.removesuffix("\n") for text in rows)
    assert next(r for r in sent if r["model"] == "m")["metadata"] == params
    app = next(r for r in sent if r["model"] == "app")
    assert {name: app[name] for name in body} == body


def safe(texts: list[str]) -> list[str]:
    """Those that a config may hold as a value: no control characters and their kin, no interpolation."""
    return [text for text in texts if text.isprintable() and text.isascii() and "${" not in text]


def enumerate_(texts: list[str]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts):
        yield f"k{number}", text
