"""What a user is told of the likeliest mistakes, word by word, and what every message has to have."""

from __future__ import annotations

import os
import re

import pytest

from llmops.compiler.link.codes import CODES as LINK
from llmops.compiler.model.finding import Severity
from llmops.compiler.validate.codes import CODES as VALIDATE
from llmops.schemas import kind_names
from tests.mistakes.mistakes import BASE, CASES, report, sane, told
from tests.rules.cases import Case, accept

PARAMETERS = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.page.stem}: {case.title}")
JARGON = re.compile(
    r"\b(anyOf|oneOf|allOf|additionalProperties|minItems|minProperties|propertyNames|JSON ?pointer|dict|NoneType"
    r"|not valid under|is not of type|does not match|Traceback|x-[a-z]+|hydra|omegaconf)\b|\$ref|\^\[|Error:"
)


@PARAMETERS
def test_what_is_told(case: Case) -> None:
    text = report(case)
    if os.environ.get("LLMOPS_ACCEPT") == "1":
        accept(case, text)
    else:
        assert text == case.snapshot


@PARAMETERS
def test_one_message_for_each_cause(case: Case) -> None:
    """One, or as many as the title says: `(2)`."""
    several = re.search(r"\(([0-9]+)\)$", case.title)
    _, found = told(case)
    assert len(found) == (int(several[1]) if several else 1), [f"{one.code} {one.message}" for one in found]


@PARAMETERS
def test_each_message_has_what_it_needs(case: Case) -> None:
    """A code, a place, a short headline without a cure, and in label or help what to do instead."""
    _, found = told(case)
    for one in found:
        assert re.fullmatch(r"[A-Z]{3}[0-9]{3}", one.code)
        assert one.primary is not None
        assert one.primary.span.line >= 1
        assert one.primary.span.column >= 1
        assert len(one.message) < 100, one.message
        assert not one.message.endswith("."), one.message
        allowed = re.search(r" (must be|is one of|can stand|at most) ", one.message)
        assert one.help or "did you mean" in one.primary.text or allowed, f"no cure: {one.message}"
        words = " ".join((one.message, *(label.text for label in one.labels), *one.help, *one.notes))
        assert not JARGON.search(words), words


def test_the_project_below_is_sane() -> None:
    assert [one.message for one in sane().diagnostics if one.severity is not Severity.INFO] == []


def test_titles_are_names() -> None:
    assert len({(case.page, case.title) for case in CASES}) == len(CASES)
    assert all(case.snapshot is not None for case in CASES)


@pytest.mark.parametrize("kind", [*kind_names(), "env"])
def test_each_kind_has_its_mistakes(kind: str) -> None:
    assert any(path.startswith(f"conf/{kind}/") for path in BASE)
    own = [case for case in CASES if any(path.startswith(f"conf/{kind}/") for path in case.files)]
    assert len(own) >= 3


ELSEWHERE = {
    "SCH011": "profiles and folders of no kind are told when they are read (CFG054)",
    "REF009": "it takes 20,001 files: tests/compiler/link",
}


@pytest.mark.parametrize("code", [code.code for code in (*VALIDATE, *LINK) if code.code not in ELSEWHERE])
def test_each_code_of_schemas_and_links_is_in_the_table(code: str) -> None:
    assert any(f"[{code}]:" in (case.snapshot or "") for case in CASES)
