"""What the target says of an eval that the harness cannot be, and its closed lists."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.lm_eval.known import check
from tests.support.projects import MINIMAL

ROWS = 'rows: [{vars: {question: "May I?", right: "no"}}]\n'
SUBJECT = "subject: {prompt: answer, model: answerer}\n"
METRIC = "metrics: {m: {type: equals, column: right}}\n"
MODEL = "subject: {model: answerer}\n"


def compiled(eval_: str, **files: str) -> Compilation:
    project = {k: v for k, v in MINIMAL.items() if not k.startswith("conf/pipeline/")}
    project["conf/config.yaml"] = project["conf/config.yaml"].replace("  - pipeline: [pull_request]\n", "")
    project["conf/eval/quality.yaml"] = f"runner: lm-eval\n{eval_}"
    project.update(files)
    return compile_project(Memory({k: v.encode() for k, v in project.items()}), Request())


def said(result: Compilation) -> list[tuple[str, str, int]]:
    found = [d for d in result.diagnostics if d.code == "TGT002"]
    return [(d.severity, d.message, d.labels[0].span.line) for d in found]


@pytest.mark.parametrize(
    ("eval_", "severity", "message", "line"),
    [
        (SUBJECT, "error", "the harness needs `tasks` or `rows`", 1),
        (f"{SUBJECT}{ROWS}", "error", "no metric compares the answers", 1),
        (f"{SUBJECT}{ROWS}{METRIC}repetitions: 2", "warning", "it asks each row once", 5),
        (f"{SUBJECT}{ROWS}{METRIC}budget: {{usd_per_run: 5}}", "warning", "counts neither tokens nor money", 5),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: equals, column: wrong}}}}", "error", "not every row has `wrong`", 4),
        (f"{SUBJECT}{ROWS.replace('right', '7*7')}metrics: {{m: {{type: equals, column: 7*7}}}}", "error",
         "is no name of a column", 4),
        (f"{SUBJECT}{ROWS}{METRIC}  n: {{type: icontains, value: x}}\n".replace("{m: {type: equals, column: right}}\n",
         "\n  m: {type: equals, column: right}\n"), "error", "cannot measure `icontains`", 6),
        (f"{MODEL}type: benchmark\ntasks: [gsm8kk]", "error", "has no task `gsm8kk`", 4),
        (f"{MODEL}type: benchmark\ntasks: [gsm8k]\ngate: {{pass_rate: 0.5}}", "error", "scores and no pass rate", 5),
        (f"{MODEL}type: benchmark\ntasks: [gsm8k]\ngate: {{min: {{ifeval: 0.5}}}}", "error", "no task of this eval", 5),
        (f"{SUBJECT}type: benchmark\ntasks: [gsm8k]", "warning", "bring prompts of their own", 2),
        (f"subject: {{code: app.py}}\n{ROWS}{METRIC}", "error", "calls models alone", 2),
    ],
)
def test_what_it_cannot_express_is_said_with_its_place(eval_: str, severity: str, message: str, line: int) -> None:
    found = said(compiled(eval_, **{"app.py": ""}))
    assert [(s, message in text, at) for s, text, at in found] == [(severity, True, line)], found


def test_a_prompt_is_a_template_of_names_alone() -> None:
    plain = {"conf/prompt/answer.yaml": "syntax: none\nmessages: [{user: 'A {{ b }} {% c %} {d}'}]\nvariables: {}\n"}
    result = compiled(f"{SUBJECT}{ROWS}{METRIC}", **plain)
    made = next(e.data for e in result.emitted if e.path.endswith("lm-eval/quality.yaml"))
    assert ImmutableSandboxedEnvironment().from_string(made["doc_to_text"]).render() == "A {{ b }} {% c %} {d}"
    clever = {"conf/prompt/answer.yaml": "messages: [{user: '{{ question | upper }}'}]\n"
              "variables: {question: string}\n"}
    told = said(compiled(f"{SUBJECT}{ROWS}{METRIC}", **clever))
    assert ("error", "the harness is given plain variables only", 1) in told


@pytest.mark.parametrize(
    ("data", "complaints"),
    [
        ({"task": "x", "metric_list": [{"metric": "exact_match", "aggregation": "mean"}]}, []),
        ({"doc_to_txt": "x"}, ["a task has no key `doc_to_txt`; did you mean `doc_to_text`?"]),
        ({"output_type": "generate_untill"},
         ["there is no output type `generate_untill`; did you mean `generate_until`?"]),
        ({"metric_list": [{"metric": "exact_mach", "aggregation": "means"}]},
         ["there is no metric `exact_mach`; did you mean `exact_match`?",
          "there is no aggregation `means`; did you mean `mean`?"]),
        ([], []),
    ],
)  # fmt: skip
def test_the_harnesss_own_lists(data: Any, complaints: list[str]) -> None:
    assert list(check("quality.yaml", data)) == complaints
