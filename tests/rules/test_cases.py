"""Each rule says what its cases say, and nothing else; each rule has cases and a page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.compiler.check.rule import Rule
from llmops.compiler.rules import load_rules
from tests.rules.cases import HERE, PAGES, Case, accept, cases, compiled, found, report

CASES = [case for page in PAGES for case in cases(page)]


def named(rule: Rule) -> Path:
    """The page of a rule: its module's place below the rules."""
    area, name = rule.check.__module__.rsplit(".", 2)[1:]
    return HERE / area / f"{name}.md"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    result = compiled(case)
    assert found(case, result) == case.expected, "\n" + report(case, result)
    if case.snapshot is None:
        return
    text = report(case, result)
    if os.environ.get("LLMOPS_ACCEPT") == "1":
        accept(case, text)
    else:
        assert text == case.snapshot


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.code.code)
def test_each_rule_has_cases_that_are_bad_and_cases_that_look_like_it(rule: Rule) -> None:
    code, own = rule.code.code, cases(named(rule))
    spoken = [case for case in own if code in {mark[1] for mark in case.expected if mark[0] != "unknown"}]
    quiet = [case for case in own if case.ok and code not in {mark[1] for mark in case.expected}]
    assert spoken
    assert quiet
    assert any(case.snapshot is not None for case in spoken)
    assert all(case in quiet for case in own if case.ok)


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.code.code)
def test_each_rule_is_documented(rule: Rule) -> None:
    code = rule.code
    for text in (code.summary, code.why, code.bad, code.good):
        assert text.strip()
    assert code.summary.endswith(".")
    assert code.why.endswith(".")
    assert code.name == code.name.lower()
    assert " " not in code.name


def test_every_page_is_a_rules() -> None:
    assert {named(rule) for rule in load_rules()} == set(PAGES)


def test_messages_keep_to_the_voice() -> None:
    """Lower case, no full stop, under 90 characters; help that is not empty."""
    for message, help_ in _spoken():
        assert len(message) < 110, message
        assert not message.endswith("."), message
        assert message[0] in "`0123456789" or message[0].islower(), message
        assert help_, message


def _spoken() -> Iterator[tuple[str, tuple[str, ...]]]:
    codes = {rule.code.code for rule in load_rules()}
    for case in CASES:
        for one in compiled(case).diagnostics:
            if one.code in codes:
                yield one.message, one.help
