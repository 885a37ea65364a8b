"""What the target says of a load test that GuideLLM cannot be, or would take another way than it is meant."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.guidellm.known import check
from tests.support.projects import MINIMAL

START = "type: load\nsubject: {prompt: answer, model: answerer}\n"
ROWS = f'{START}rows: [{{vars: {{question: "May I?"}}}}]\n'
LOAD = f"{ROWS}load: "
MADE_UP = "type: load\nsubject: {model: answerer}\nload: "
SHORT = f"{LOAD}{{requests: 5}}\n"


def compiled(eval_: str) -> Compilation:
    project = {k: v for k, v in MINIMAL.items() if not k.startswith("conf/pipeline/")}
    project["conf/config.yaml"] = project["conf/config.yaml"].replace("  - pipeline: [pull_request]\n", "")
    project["conf/eval/quality.yaml"] = f"runner: guidellm\n{eval_}"
    return compile_project(Memory({k: v.encode() for k, v in project.items()}), Request())


def said(result: Compilation) -> list[tuple[str, str, int]]:
    found = [d for d in result.diagnostics if d.code == "TGT002"]
    return [(d.severity, d.message, d.labels[0].span.line) for d in found]


@pytest.mark.parametrize(
    ("eval_", "severity", "message", "line"),
    [
        ("subject: {prompt: answer, model: answerer}\n", "error", "this eval is of type `quality`", 1),
        (ROWS, "error", "nothing says how many requests come", 2),
        (f"{LOAD}{{rate: 5}}", "error", "nothing ends this load", 5),
        (f"{LOAD}{{profile: constant, requests: 5}}", "error", "`constant` needs a rate", 5),
        (f"{LOAD}{{rate: 5, sweep: [1, 2], duration: 1m}}", "error", "one rate and a sweep", 5),
        (f"{LOAD}{{profile: synchronous, rate: 5, requests: 5}}", "error", "`synchronous` has no rate", 5),
        (f"{LOAD}{{profile: sweep, sweep: [1, 2], duration: 1m}}", "error", "`sweep` has no rate", 5),
        (f"{LOAD}{{profile: concurrent, requests: 5}}", "error", "needs a number of requests at the same time", 5),
        (f"{LOAD}{{profile: throughput, requests: 5}}", "error", "needs a number of requests at the same time", 5),
        (f"{LOAD}{{profile: synchronous, concurrency: 2, requests: 5}}", "error", "makes one request at a time", 5),
        (f"{LOAD}{{profile: poison, rate: 5, requests: 5}}", "error", "has no profile `poison`", 5),
        (f"{LOAD}{{profile: knee, requests: 5}}", "error", "needs settings that `load` does not have", 5),
        (f"{LOAD}{{requests: 5, warmup: 5s}}", "error", "the warm-up would have no effect", 5),
        (f"{LOAD}{{duration: 5s, warmup: 5s}}", "error", "nothing would be measured", 5),
        (f"{LOAD}{{requests: 5, input_tokens: 9}}", "error", "rows have a length of their own", 5),
        (f"{MADE_UP}{{requests: 5}}", "error", "nothing says what the requests are", 4),
        (f"{MADE_UP}{{requests: 5, input_tokens: 9}}", "error", "nobody knows how model.answerer counts tokens", 4),
        (f"{MADE_UP}{{requests: 5}}\nrows: [{{vars: {{question: x}}}}]", "error", "a row says nothing to send", 5),
        (f"{SHORT}gate: {{max: {{ttft_p9: 1}}}}", "error", "GuideLLM measures no `ttft_p9`", 6),
        (f"{SHORT}gate: {{max: {{ttft: 1}}, confidence: 0.9}}", "error", "nobody knows here", 6),
        (f"{SHORT}gate: {{baseline: {{branch: main}}}}", "error", "which metrics should not become worse", 6),
        (f"{LOAD}{{sweep: [1, 2], duration: 1m}}\ngate: {{max: {{ttft: 1}}, baseline: {{branch: main}}}}", "error",
         "several runs cannot be compared", 6),
        (f"{SHORT}metrics: {{m: {{type: equals, value: x}}}}", "warning", "reads no answer", 6),
        (f"{SHORT}repetitions: 3", "warning", "rows come again until the load ends", 6),
        (f"{SHORT}concurrency: 3", "warning", "the load says how many requests", 6),
        (f"{SHORT}budget: {{usd_per_month: 5}}", "warning", "it sees one run", 6),
        ("type: load\nsubject: {http: {url: https://app.example.com/ask}}\nload: {requests: 5}", "error",
         "speaks OpenAI's API alone", 3),
    ],
)  # fmt: skip
def test_what_it_cannot_express_is_said_with_its_place(eval_: str, severity: str, message: str, line: int) -> None:
    found = said(compiled(eval_))
    assert [(s, message in text, at) for s, text, at in found] == [(severity, True, line)], found


@pytest.mark.parametrize(
    ("load", "profile"),
    [
        ("{requests: 5}", {"kind": "synchronous"}),
        ("{concurrency: 3, requests: 5}", {"kind": "concurrent", "streams": [3]}),
        ("{rate: 3, concurrency: 9, requests: 5}", {"kind": "constant", "rate": [3], "max_concurrency": 9}),
        ("{sweep: [3, 4], requests: 5}", {"kind": "constant"}),
        ("{profile: sweep, requests: 5}", {"kind": "sweep"}),
    ],
)
def test_the_fields_say_the_profile(load: str, profile: dict[str, Any]) -> None:
    result = compiled(f"{LOAD}{load}\n")
    assert said(result) == []
    made = next(e.data for e in result.emitted if e.path.endswith("guidellm/quality.yaml"))
    assert made["spec"]["profile"] == profile


@pytest.mark.parametrize(
    ("data", "complaints"),
    [
        ({"spec": {"profile": {"kind": "constant", "rate": [1]}}}, []),
        ({"spek": {}}, ["a scenario has no key `spek`; did you mean `spec`?"]),
        ({"spec": {"profil": {}}}, ["`spec` has no key `profil`; did you mean `profile`?"]),
        ({"spec": {"profile": {"kind": "constnt"}}}, ["GuideLLM has no profile `constnt`; did you mean `constant`?"]),
        ({"spec": {"constraints": [{"kind": "max_requests", "value": 3}]}},
         ["the constraints `max_requests` has no key `value`"]),
        ({"spec": {"backend": {"target": "x"}}},
         ["`backend` needs a `kind`: openai_http, openai_websocket, vllm_python, vllm_python_async, "
          "vllm_python_batch"]),
    ],
)  # fmt: skip
def test_keys_that_guidellm_lacks_are_told(data: Any, complaints: list[str]) -> None:
    assert list(check("quality.yaml", data)) == complaints
