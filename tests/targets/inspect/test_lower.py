"""What the target says of an eval that Inspect cannot be, and what it makes of hostile rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.emit.escapes import CANARIES
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.inspect.known import check
from tests.support.projects import MINIMAL

ROWS = 'rows: [{vars: {question: "May I?"}, assert: [{type: icontains, value: "30"}]}]\n'
SUBJECT = "subject: {prompt: answer, model: answerer}\n"


def compiled(eval_: str, **files: str) -> Compilation:
    project = {k: v for k, v in MINIMAL.items() if not k.startswith("conf/pipeline/")}
    project["conf/config.yaml"] = project["conf/config.yaml"].replace("  - pipeline: [pull_request]\n", "")
    project["conf/eval/quality.yaml"] = f"runner: inspect\n{eval_}"
    project.update(files)
    return compile_project(Memory({k: v.encode() for k, v in project.items()}), Request())


def said(result: Compilation) -> list[tuple[str, str, int]]:
    found = [d for d in result.diagnostics if d.code == "TGT002"]
    return [(d.severity, d.message, d.labels[0].span.line) for d in found]


@pytest.mark.parametrize(
    ("eval_", "severity", "message", "line"),
    [
        (SUBJECT, "error", "Inspect needs rows", 1),
        (f"{SUBJECT}{ROWS}type: load", "error", "runs no eval of type `load`", 4),
        (f"{SUBJECT}{ROWS}budget: {{usd_per_month: 5}}", "warning", "it sees one run", 4),
        (f"{SUBJECT}{ROWS}gate: {{pass_rate: 1, confidence: 0.9}}", "error", "no number of rows can prove", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: icontainz, value: x}}}}", "error", "no assertion of type", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: javascript, value: x}}}}", "error", "no assertion of type", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: llm-rubric, value: x}}}}", "error", "needs a model that judges", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: equals, value: x, language: de}}}}", "warning", "by a rubric", 4),
        (f"{SUBJECT}rows: [{{vars: {{question: x}}, assert: [{{type: equals, value: x, language: de}}]}}]", "warning",
         "which language an answer is in", 3),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: cost}}}}", "error", "needs a `threshold`", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: python}}}}", "error", "needs a `value` or a `file`", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: equals, value: x, weight: 2}}}}", "warning", "a row passes if each", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: equals, value: x, transform: y}}}}", "warning", "no expressions", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: context-recall, column: x}}}}", "error", "recall is counted from", 4),
        (f"subject: {{code: app.rb}}\n{ROWS}", "error", "runs no such file as a subject", 2),
    ],
)
def test_what_it_cannot_express_is_said_with_its_place(eval_: str, severity: str, message: str, line: int) -> None:
    found = said(compiled(eval_, **{"app.rb": ""}))
    assert [(s, message in text, at) for s, text, at in found] == [(severity, True, line)], found


def test_hostile_rows_stand_as_they_are() -> None:
    """Nothing of a row is read before the model sees it: every text is carried unchanged, as data."""
    rows = "".join(json.dumps({"question": text}) + "\n" for text in CANARIES)
    result = compiled(
        f"{SUBJECT}rows: {{dataset: d}}\n", **{
            "conf/config.yaml": MINIMAL["conf/config.yaml"].replace("  - pipeline: [pull_request]\n",
                                                                    "  - dataset: [d]\n"),
            "conf/dataset/d.yaml": "files: rows.jsonl\ntrust: untrusted\nsensitivity: public\n", "rows.jsonl": rows,
        },
    )
    assert [d.message for d in result.diagnostics if d.severity == "error"] == []
    made = next(e.content for e in result.emitted if e.path.endswith("inspect/quality.jsonl")).decode()
    assert [json.loads(line)["vars"]["question"] for line in made.splitlines()] == list(CANARIES)


@pytest.mark.parametrize(
    ("model", "complaints"),
    [
        ({"config": {"temperature": 0}}, []),
        ({"config": {"temprature": 0}}, ["Inspect has no parameter `temprature`; did you mean `temperature`?"]),
        ({"config": "x"}, []),
    ],
)
def test_parameters_that_inspect_lacks_are_told(model: Any, complaints: list[str]) -> None:
    assert list(check("quality.json", {"subjects": [{"model": model}]})) == complaints
