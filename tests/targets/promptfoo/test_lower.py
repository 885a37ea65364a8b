"""What the target says of an eval that promptfoo cannot be, and what it makes of rows, gates and ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmops.compiler.derive.rows import Row
from llmops.compiler.derive.splits import part
from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.compiler.model.view import Reader
from llmops.schemas.types import DATASET
from tests.support.projects import MINIMAL

ROWS = 'rows: [{vars: {question: "May I?"}, assert: [{type: icontains, value: "30"}]}]\n'
SUBJECT = "subject: {prompt: answer, model: answerer}\n"


def row(question: str) -> str:
    return f"{SUBJECT}rows: [{{vars: {{question: {json.dumps(question)}, other: x}}}}]\n"


def compiled(eval_: str, config: str = "", **files: str) -> Compilation:
    project = {k: v for k, v in MINIMAL.items() if not k.startswith("conf/pipeline/")}
    selected = project["conf/config.yaml"].replace("  - pipeline: [pull_request]\n", config)
    project["conf/config.yaml"] = selected
    project["conf/eval/quality.yaml"] = f"runner: promptfoo\n{eval_}"
    project.update(files)
    return compile_project(Memory({k: v.encode() for k, v in project.items()}), Request())


def suite(result: Compilation) -> Any:
    assert [(d.code, d.message) for d in result.diagnostics if d.severity == "error"] == []
    return next(e.data for e in result.emitted if e.path.endswith("promptfoo/quality.yaml"))


def said(result: Compilation) -> list[tuple[str, str, int]]:
    """Severity, message and line of what the target said."""
    found = [d for d in result.diagnostics if d.code == "TGT002"]
    return [(d.severity, d.message, d.labels[0].span.line) for d in found]


@pytest.mark.parametrize(
    ("eval_", "severity", "message", "line"),
    [
        (f"{SUBJECT}{ROWS}budget: {{usd_per_month: 5}}", "warning", "it sees one run", 4),
        (f"{SUBJECT}{ROWS}budget: {{eur_per_run: 5}}", "warning", "it sees one run", 4),
        (f"{SUBJECT}{ROWS}type: load", "error", "runs no eval of type `load`", 4),
        (f"{SUBJECT}{ROWS}gate: {{pass_rate: 1, confidence: 0.9}}", "error", "no number of rows can prove", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: icontainz, value: x}}}}", "error", "no assertion of type", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: llm-rubric, value: x}}}}", "warning", "a model of its own choice", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: equals, value: x, columns: {{answer: y}}}}}}", "warning",
         "it reads no column as `answer`", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: equals, column: 7*7}}}}", "error", "a column that is compared with", 4),
        (f"{SUBJECT}{ROWS}metrics: {{m: {{type: cost}}}}", "error", "needs a `threshold`", 4),
        (SUBJECT, "error", "promptfoo needs rows", 1),
        (f"subject: {{code: app.rb}}\n{ROWS}", "error", "runs no such file as a subject", 2),
        (f"subject: {{code: app.js, function: answer}}\n{ROWS}", "warning", "the module's default export", 2),
        (row("file:///etc/passwd"), "error", "would load or run", 3),
        (row("{{ env.HOME }}"), "error", "a variable of the environment", 3),
        (row("{{ other }}"), "error", "the row's own `other`", 3),
    ],
)
def test_what_it_cannot_express_is_said_with_its_place(eval_: str, severity: str, message: str, line: int) -> None:
    found = said(compiled(eval_, **{"app.rb": "", "app.js": ""}))
    assert len(found) == 1, found
    assert found[0][0] == severity
    assert message in found[0][1]
    assert found[0][2] == line


PURPOSE = "purpose: Sells shoes"
OWN_ATTACKS = f"{SUBJECT}judge: answerer\nredteam: {{{PURPOSE}, plugins: [pii], strategies: [base64]}}"


@pytest.mark.parametrize(
    ("eval_", "message", "mark"),
    [
        (f"{SUBJECT}judge: answerer\ntype: redteam", "a red team must know what the app is for", "attacks are made"),
        (f"{SUBJECT}redteam: {{{PURPOSE}, plugins: [pii]}}", "a red team without promptfoo's service", "it makes the"),
        (OWN_ATTACKS.replace("[pii]", "[pii:dirct]"), "has no plugin `pii:dirct`", "did you mean `pii:direct`?"),
        (OWN_ATTACKS.replace("[base64]", "[bas64]"), "has no strategy `bas64`", "did you mean `base64`?"),
        (OWN_ATTACKS.replace("[pii]", "[ssrf]"), "only promptfoo's service can make `ssrf`", "it would be sent"),
        (OWN_ATTACKS.replace("[base64]", "[goat]"), "only promptfoo's service can make `goat`", "it would be sent"),
        (OWN_ATTACKS.replace("[pii]", "[policy]"), "the plugin `policy` needs a config of its own", "a name alone"),
        (OWN_ATTACKS.replace(", plugins: [pii]", ""), "own choice of attacks needs its service", "no `plugins`"),
    ],
)
def test_attacks_that_cannot_be_made_here(eval_: str, message: str, mark: str) -> None:
    result = compiled(eval_)
    found = [d for d in result.diagnostics if d.code == "TGT002" and d.severity == "error"]
    assert [(message in d.message, d.labels[0].text.startswith(mark)) for d in found] == [(True, True)], found


def test_what_only_the_service_makes_is_written_where_it_is_allowed() -> None:
    allowed = {"conf/target/promptfoo.yaml": "remote: true\n"}
    more = f"{SUBJECT}redteam: {{{PURPOSE}, strategies: [goat]}}"
    data = suite(compiled(more, "  - target: [promptfoo]\n", **allowed))
    assert data["redteam"] == {
        "injectVar": "question", "purpose": "Sells shoes", "plugins": ["default"], "strategies": ["goat"],
    }


def test_attacks_go_into_what_users_write() -> None:
    prompt = "messages: [{user: '{{ question }} in {{ language }}'}]\nvariables: "
    both = {"conf/prompt/answer.yaml": f"{prompt}{{question: string, language: string}}\n"}
    found = said(compiled(OWN_ATTACKS, **both))
    assert ("error", "it is not clear which variable of prompt.answer attacks go into", 4) in found
    users = {"conf/prompt/answer.yaml": f"{prompt}{{question: {{type: string, trust: user}}, language: string}}\n"}
    assert suite(compiled(OWN_ATTACKS, **users))["redteam"]["injectVar"] == "question"


AGAIN = "  again: {prompt: answer, model: answerer, with: {question: answer.text}}\n"


def test_a_flow_that_nothing_serves_is_told_unless_it_is_one_prompt() -> None:
    flow = "access: internal\ninputs: {question: string}\nsteps:\n  answer: {prompt: answer, model: answerer}\n"
    rest = f"subject: {{flow: answer}}\n{ROWS}"
    one = suite(compiled(rest, "  - flow: [answer]\n", **{
        "conf/flow/answer.yaml": f"{flow}outputs: {{answer: answer.text}}\n",
    }))
    assert one["providers"][0]["id"].startswith("openai:chat:")
    two = compiled(rest, "  - flow: [answer]\n", **{
        "conf/flow/answer.yaml": f"{flow}{AGAIN}outputs: {{answer: again.text}}\n",
    })
    assert ("error", "promptfoo cannot reach flow.answer", 2) in said(two)


def test_a_served_flow_is_called_as_whoever_serves_it_says() -> None:
    files = {
        "conf/flow/answer.yaml": "access: internal\ninputs: {question: string}\n"
        f"steps:\n  answer: {{prompt: answer, model: answerer}}\n{AGAIN}outputs: {{answer: again.text}}\n",
        "conf/deployment/app.yaml": "engine: langgraph\nserves: {answer: {path: /ask}}\nport: 8123\n",
    }
    served = "subject: {flow: answer, body: {tenant: demo}}\n"
    provider = suite(compiled(served + ROWS, "  - flow: [answer]\n  - deployment: [app]\n", **files))["providers"][0]
    assert provider == {"id": "http", "config": {
        "url": "http://127.0.0.1:8123/ask", "method": "POST", "headers": {"Content-Type": "application/json"},
        "body": {"question": "{{ question }}", "tenant": "demo"}, "transformResponse": 'json?.["answer"]',
    }}


def test_a_way_that_no_target_answers_is_told_and_no_exception() -> None:
    result = compiled(f"{SUBJECT}{ROWS}", "  - target: [litellm]\n", **{
        "conf/gateway/main.yaml": "engine: vllm\nroutes: {answerer: {}}\n",
        "conf/target/litellm.yaml": "port: 4000\n",
    })
    assert ("error", "promptfoo cannot reach model.answerer", 2) in said(result)
    assert not any(e.path.endswith("quality.yaml") for e in result.emitted)


@pytest.mark.parametrize(
    ("selected", "cure"), [("", "select conf/target/compose.yaml, "), ("  - target: [compose]\n", "publish one, ")]
)
def test_a_deployment_that_nobody_outside_reaches_says_what_is_missing(selected: str, cure: str) -> None:
    subject = "subject: {prompt: answer, model: answerer, via: {deployment: answerer}}\n"
    result = compiled(f"{subject}{ROWS}", f"  - deployment: [answerer]\n{selected}", **{
        "conf/target/compose.yaml": "{}\n",
        "conf/deployment/answerer.yaml": "model: answerer\nengine: vllm\nversion: '0.20.2'\nplatform: compose\n"
                                         "hardware: {cpu: 4}\n",
        "conf/model/answerer.yaml": "weights: {repo: Qwen/Qwen3-8B, revision: b968826d9c46dd6066d109eabc6255188de91218}"
                                    "\n",
    })
    found = next(d for d in result.diagnostics if d.message == "promptfoo cannot reach model.answerer")
    assert found.help[0].startswith(cure)


JUDGED = "judge: answerer\nrows: [{vars: {question: x}, assert: ["


@pytest.mark.parametrize(("asserted", "value"), [
    ("{type: llm-rubric, value: It is short., language: de}",
     "It is short.\n\nThe answer is written in the language `de`."),
    ("{type: llm-rubric, language: pt-BR}", "The answer is written in the language `pt-BR`."),
    ("{type: g-eval, value: [It is short.], language: de}",
     ["It is short.", "The answer is written in the language `de`."]),
    ("{type: model-graded-closedqa, column: question, language: de}",
     "{{ question }}\n\nThe answer is written in the language `de`."),
])
def test_a_rubric_says_the_language_of_the_answer(asserted: str, value: Any) -> None:
    result = compiled(f"{SUBJECT}{JUDGED}{asserted}]}}]\n")
    assert said(result) == []
    assert suite(result)["tests"][0]["assert"][0]["value"] == value


@pytest.mark.parametrize(("asserted", "why"), [
    ("{type: icontains, value: Tage, language: de}", "a model judges by a rubric"),
    ("{type: not-llm-rubric, value: It is rude., language: de}", "a model judges by a rubric"),
    ("{type: llm-rubric, value: It is short., language: '{{ env.KEY }}'}", "is no tag of a language"),
])
def test_no_other_assertion_knows_a_language(asserted: str, why: str) -> None:
    (found,) = said(compiled(f"{SUBJECT}{JUDGED}{asserted}]}}]\n"))
    assert (found[0], why in found[1]) == ("warning", True), found


def test_null_takes_a_parameter_away_and_the_subject_wins() -> None:
    data = suite(compiled(
        f"subject: {{prompt: answer, model: answerer, params: {{max_tokens: null, top_p: 0.5}}}}\n{ROWS}"
    ))
    assert data["providers"][0]["config"]["passthrough"] == {"temperature": 0, "top_p": 0.5}


def test_lists_in_rows_make_no_further_cases() -> None:
    data = suite(compiled(f'{SUBJECT}rows: [{{vars: {{question: x, tags: [a, b]}}}}]\n'))
    assert data["defaultTest"] == {"options": {"disableVarExpansion": True}}


def test_a_pass_rate_alone_needs_no_script_and_a_limit_does() -> None:
    alone = compiled(f"{SUBJECT}{ROWS}gate: {{pass_rate: 0.9}}")
    assert not any(e.path.endswith(("gate.mjs", "gate.json")) for e in alone.emitted)
    more = compiled(f"{SUBJECT}{ROWS}metrics: {{m: {{type: icontains, value: x}}}}\ngate: {{min: {{m: 0.5}}}}")
    rules = next(e.data for e in more.emitted if e.path.endswith("quality.gate.json"))
    assert rules == {"min": {"m": 0.5}}
    assert any(e.path.endswith("generated/project/promptfoo/gate.mjs") for e in more.emitted)


DATA = {
    "conf/dataset/questions.yaml": "files: rows.jsonl\nsplits: {train: 0.75, test: 0.25}\n"
    "trust: trusted\nsensitivity: public\n",
    "rows.jsonl": "".join(json.dumps({"question": f"q{n}"}) + "\n" for n in range(40)),
}
OF = "rows: {dataset: questions, split: "


def test_shares_split_the_rows_once_for_all() -> None:
    config = "  - dataset: [questions]\n"
    parts = {
        name: [t["vars"]["question"] for t in suite(compiled(f"{SUBJECT}{OF}{name}}}", config, **DATA))["tests"]]
        for name in ("train", "test")
    }
    assert (len(parts["train"]), len(parts["test"])) == (30, 10)
    assert not set(parts["train"]) & set(parts["test"])
    few = suite(compiled(f"{SUBJECT}{OF}test, count: 3}}", config, **DATA))["tests"]
    assert [t["vars"]["question"] for t in few] == parts["test"][:3]


def test_more_rows_move_few_of_a_split() -> None:
    project = compiled(f"{SUBJECT}{OF}test}}", "  - dataset: [questions]\n", **DATA).workspace
    assert project is not None
    dataset = Reader(project.projects["dev"]).get(DATASET, "questions")
    assert dataset is not None
    rows = [Row({"question": f"q{n}"}, ()) for n in range(200)]
    before, after = part(dataset, rows[:180], "test"), part(dataset, rows, "test")
    assert before is not None
    assert after is not None
    assert len({r.vars["question"] for r in before} - {r.vars["question"] for r in after}) <= 4


def test_a_split_that_the_dataset_lacks_is_an_error() -> None:
    found = said(compiled(f"{SUBJECT}{OF}holdout}}", "  - dataset: [questions]\n", **DATA))
    assert [(s, line) for s, message, line in found if "no rows of a split `holdout`" in message] == [("error", 3)]
