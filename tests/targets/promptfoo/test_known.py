"""Assertion types are promptfoo's own, in what is compiled and in what `overrides` make of it."""

from __future__ import annotations

from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.promptfoo.known import assertion_types, check
from tests.support.projects import MINIMAL


def test_types_that_promptfoo_has() -> None:
    assert {"icontains", "not-icontains", "similar:cosine", "select-best", "assert-set"} <= assertion_types()
    assert "not-select-best" not in assertion_types()


def test_a_misspelt_type_is_told_wherever_it_stands() -> None:
    data = {
        "defaultTest": {"assert": [{"type": "llm-rubic"}]},
        "tests": [{"assert": [{"type": "icontains"}, {"type": "assert-set", "assert": [{"type": "zzz"}]}]}, {}],
    }
    assert list(check("quality.yaml", data)) == [
        "there is no assertion of type `llm-rubic`; did you mean `llm-rubric`?",
        "there is no assertion of type `zzz`",
    ]
    assert list(check("prompts/answer.json", [])) == []


def test_a_project_with_a_misspelt_type_does_not_compile() -> None:
    files = dict(MINIMAL)
    files["conf/eval/quality.yaml"] = files["conf/eval/quality.yaml"].replace("type: icontains", "type: icontainz")
    result = compile_project(Memory(files), Request())
    errors = [d for d in result.diagnostics if d.severity == "error"]
    assert [(d.code, d.message, d.labels[0].text) for d in errors] == [
        ("TGT002", "promptfoo has no assertion of type `icontainz`", "did you mean `icontains`?"),
    ]
