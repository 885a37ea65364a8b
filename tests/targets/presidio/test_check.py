"""What the target says of guardrails that Presidio cannot be."""

from __future__ import annotations

import json

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.presidio.known import check, data, version


def with_rail(text: str, **files: str) -> Compilation:
    project = {
        "llmops.yaml": "name: case\nenvironments: {dev: []}\n",
        "conf/config.yaml": "defaults:\n  - guardrail: [rail]\n  - env: dev\n",
        "conf/guardrail/rail.yaml": f"engine: presidio\nstage: input\n{text}\n",
        **files,
    }
    return compile_project(Memory({name: content.encode() for name, content in project.items()}), Request())


def said(result: Compilation, code: str = "TGT002") -> list[tuple[str, int, str]]:
    found = [(d, d.labels[0]) for d in result.diagnostics if d.code == code]
    return [(d.message.removeprefix("presidio cannot express this: "), at.span.line, at.text) for d, at in found]


PII = "detector: pii\naction: block\nentities: [EMAIL_ADDRESS]"


@pytest.mark.parametrize(
    ("rail", "found"),
    [
        (
            "detector: pii\naction: block\nentities: [EMAIL_ADRESS]",
            ("Presidio finds no `EMAIL_ADRESS`", 5, "did you mean `EMAIL_ADDRESS`?"),
        ),
        ("detector: jailbreak\naction: block", ("Presidio has no detector `jailbreak`", 3, "it has: pii, secrets")),
        (
            "detector: pii\naction: rewrite\nentities: [URL]",
            ("Presidio cannot rewrite a text", 4, "it can block, redact, flag"),
        ),
        ("detector: pii\naction: block", ("no entities are named", 3, "without them it looks for nothing")),
        (f"{PII}\nlatency: 1s", ("it answers when it has read the text", 6, "has no effect there")),
        (f"{PII}\nparams: {{alow_list: [a]}}", ("Presidio has no setting `alow_list` of a guardrail", 6,
                                               "did you mean `allow_list`?")),
        (
            "detector: pii\naction: redact\nentities: [URL]\nparams: {operators: {URL: {type: mas}}}",
            ("Presidio has no operator `mas`", 6, "did you mean `mask`?"),
        ),
        (
            "detector: pii\naction: redact\nentities: [URL]\nparams: {operators: {URL: {type: encrypt, key: abc}}}",
            ("its key would stand in the file", 6, "not written"),
        ),
        (
            f"{PII}\nparams: {{recognizers: [{{name: a, supported_entity: A, patern: []}}]}}",
            ("a recognizer has no key `patern`", 6, "did you mean `patterns`?"),
        ),
        (
            f"{PII}\nparams: {{recognizers: [{{name: a, supported_entity: A, patterns: [{{regex: '('}}]}}]}}",
            ("the pattern is none: missing ), unterminated subpattern", 6, ""),
        ),
        (
            "detector: pii\naction: block\nentities: [PERSON]\nlanguages: [fr]",
            ("no model is known that finds names in `fr`", 6, "known are: de, en, es"),
        ),
    ],
)
def test_what_it_cannot_be_is_said_with_its_place(rail: str, found: tuple[str, int, str]) -> None:
    assert said(with_rail(rail)) == [found]


def test_a_flow_is_told_that_nothing_calls_it_by_itself() -> None:
    result = with_rail(PII, **{
        "conf/config.yaml": "defaults:\n  - guardrail: [rail]\n  - flow: [answer]\n  - prompt: [answer]\n"
        "  - model: [answerer]\n  - env: dev\n",
        "conf/model/answerer.yaml": "provider: openai\nid: gpt-5.4-mini-2026-03-17\n",
        "conf/prompt/answer.yaml": "messages: [{user: '{{ question }}'}]\nvariables: {question: string}\n",
        "conf/flow/answer.yaml": "inputs: {question: string}\nsteps: {answer: {prompt: answer, model: answerer}}\n"
        "outputs: {answer: answer.text}\naccess: public\nguardrails: [rail]\n",
    })
    assert said(result) == [
        ("it is a library without a server: the app itself must call it", 5, "has no effect there"),
    ]


def test_an_override_that_would_find_nothing_is_refused() -> None:
    patch = "overrides: {presidio: {rail.json: {operators: {URL: {type: mas}}}}}"
    found = said(with_rail(f"detector: pii\naction: redact\nentities: [URL]\n{patch}"), "TGT006")
    assert [text for text, _, _ in found] == [
        "`rail.json`: there is no operator `mas` for `URL`; did you mean `mask`?",
    ]


def test_unknown_keys_of_the_analyser_are_found() -> None:
    file = {"supported_language": ["en"], "recognizer_registry": {"recognizers": [{"nam": "EmailRecognizer"}]}}
    assert list(check("rail.analyzer.yaml", file)) == [
        "the analyser has no key `supported_language`; did you mean `supported_languages`?",
        "recognizer `None` has no key `nam`; did you mean `name`?",
    ]


def test_the_lists_are_those_of_the_locked_release() -> None:
    assert f"presidio-analyzer=={version()} " in json.dumps(data()["source"])
