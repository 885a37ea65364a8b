"""Levels and silences, with two rules of our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.driver import Compilation, Options, compile_project, toolkit
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.request import Request
from llmops.schemas.types import MODEL
from tests.support.projects import MINIMAL


def hot(scope: Scope) -> Iterator[Finding]:
    for model in scope.reader.of(MODEL):
        value = model.maybe_number("params", "temperature")
        if value is not None and value.value > 0.5:
            yield Finding("too hot", (Label(model.at("params", "temperature"), "", primary=True),))


def unsure(scope: Scope) -> Iterator[Finding]:
    for model in scope.reader.of(MODEL):
        yield Finding("who knows", (Label(model.at("id"), "", primary=True),), unknown=True)


def rule(code: str, check: object, severity: Severity = Severity.WARNING) -> Rule:
    return Rule(Code(code, "a-name", severity, "s", "w", "b", "g"), check)  # type: ignore[arg-type]


RULES = (rule("MOD002", hot), rule("MOD005", unsure))
"""Codes that exist, so that silences may name them."""
HOT = "provider: openai\nid: gpt-5.4-mini-2026-03-17\nparams:\n  temperature: 1{silence}\n"


def checked(silence: str = "", *, above: str = "", settings: str = "", as_of: date | None = None) -> Compilation:
    text = HOT.replace("{silence}", silence)
    if above:
        text = text.replace("  temperature", f"  {above}\n  temperature")
    files = {**MINIMAL, "conf/model/answerer.yaml": text, "llmops.yaml": MINIMAL["llmops.yaml"] + settings}
    return compile_project(Memory(files), Request(), Options(as_of, emit=False), replace(toolkit(), rules=RULES))


def said(result: Compilation) -> list[tuple[str, str, str]]:
    return [
        (d.code, d.severity.value, f"{d.primary.span.file}:{d.primary.span.line}" if d.primary else "")
        for d in result.diagnostics
    ]


def test_a_finding_has_its_rules_level() -> None:
    assert said(checked()) == [("MOD002", "warning", "conf/model/answerer.yaml:4")]


def test_what_is_unknown_is_counted_and_silent() -> None:
    result = checked()
    assert [(d.code, d.message) for d in result.unknown] == [("MOD005", "who knows")]


@pytest.mark.parametrize(("level", "expected"), [
    ('"off"', []),
    ("info", [("MOD002", "info", "conf/model/answerer.yaml:4")]),
    ("error", [("MOD002", "error", "conf/model/answerer.yaml:4")]),
])
def test_levels_of_the_project(level: str, expected: list[tuple[str, str, str]]) -> None:
    assert said(checked(settings=f"rules: {{MOD002: {level}}}\n")) == expected


def test_a_silence_on_the_line_or_above_it() -> None:
    comment = "# llmops: ignore[MOD002]: it is a poet"
    assert said(checked(f"  {comment}")) == []
    assert said(checked(above=comment)) == []
    assert [d.code for d in checked(f"  {comment}").silenced] == ["MOD002"]


def test_a_silence_without_a_reason() -> None:
    assert said(checked("  # llmops: ignore[MOD002]")) == [("CFG090", "warning", "conf/model/answerer.yaml:4")]


def test_a_silence_that_silences_nothing() -> None:
    comment = "  # llmops: ignore[MOD002, MOD005]: two at once"
    assert said(checked(comment)) == [("CFG091", "warning", "conf/model/answerer.yaml:4")]


def test_a_silence_past_its_date_is_judged_only_by_a_given_day() -> None:
    comment = "  # llmops: ignore[MOD002] until 2026-06-30: until the poem is done"
    assert said(checked(comment)) == []
    assert said(checked(comment, as_of=date(2026, 6, 30))) == []
    assert said(checked(comment, as_of=date(2026, 7, 1))) == [
        ("MOD002", "warning", "conf/model/answerer.yaml:4"), ("CFG092", "warning", "conf/model/answerer.yaml:4"),
    ]


@pytest.mark.parametrize(("comment", "codes"), [
    ("# llmops: ignore MOD002", ["CFG094", "MOD002"]),
    ("# llmops: ignore[MOD002] until tomorrow: x", ["CFG094", "MOD002"]),
    ("# llmops: ignore[MOD002] until 2026-02-30: x", ["CFG094", "MOD002"]),
    ("# llmops: ignore[MOD9999]: x", ["CFG093", "MOD002"]),
])
def test_silences_that_are_not_understood(comment: str, codes: list[str]) -> None:
    assert sorted(d.code for d in checked(f"  {comment}").diagnostics) == codes


UNUSED = "provider: openai{silence}\nid: gpt-5.4-2026-03-05\n"


def passes(silence: str = "", settings: str = "", model: str = UNUSED) -> Compilation:
    """A project in which the link pass hints at a model that nothing uses."""
    files = {
        **MINIMAL,
        "llmops.yaml": MINIMAL["llmops.yaml"] + settings,
        "conf/config.yaml": MINIMAL["conf/config.yaml"].replace("model: [answerer]", "model: [answerer, other]"),
        "conf/model/other.yaml": model.replace("{silence}", silence),
    }
    return compile_project(Memory(files), Request(), Options(), replace(toolkit(), rules=()))


def test_levels_and_silences_are_for_what_passes_warn_of_too() -> None:
    place = "conf/model/other.yaml:1"
    assert said(passes()) == [("REF004", "info", place)]
    assert said(passes(settings='rules: {REF004: "off"}\n')) == []
    assert said(passes(settings="rules: {REF004: error}\n")) == [("REF004", "error", place)]
    assert said(passes("  # llmops: ignore[REF004]: for later")) == []
    assert said(passes("  # llmops: ignore[REF005]: what?")) == [
        ("REF004", "info", place), ("CFG091", "warning", place),
    ]


def test_an_error_of_a_pass_keeps_its_level_and_cannot_be_silenced() -> None:
    wrong = "provider: openai\nid: 5  # llmops: ignore[SCH003]: it works for me\n"
    assert ("SCH003", "error", "conf/model/other.yaml:2") in said(passes(model=wrong))
    assert ("CFG095", "error", "llmops.yaml:3") in said(passes(settings='rules: {SCH003: "off"}\n'))


def test_a_level_of_a_code_that_does_not_exist() -> None:
    assert said(passes(settings='rules: {REF404: "off"}\n')) == [
        ("REF004", "info", "conf/model/other.yaml:1"), ("CFG093", "error", "llmops.yaml:3"),
    ]


def test_comments_inside_texts_are_no_silences() -> None:
    text = "messages:\n  - user: |\n      # llmops: ignore[MOD002]\n      {{ question }}\n"
    prompt = f"{text}variables: {{question: string}}\n"
    files = {**MINIMAL, "conf/prompt/answer.yaml": prompt}
    result = compile_project(Memory(files), Request(), Options(emit=False), replace(toolkit(), rules=RULES))
    assert said(result) == []
