"""Assertion types are promptfoo's own, in what is compiled and in what `overrides` make of it."""

from __future__ import annotations

import json
from importlib.resources import files

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
    project = dict(MINIMAL)
    project["conf/eval/quality.yaml"] = project["conf/eval/quality.yaml"].replace("type: icontains", "type: icontainz")
    result = compile_project(Memory(project), Request())
    errors = [d for d in result.diagnostics if d.severity == "error"]
    assert [(d.code, d.message, d.labels[0].text) for d in errors] == [
        ("TGT002", "promptfoo has no assertion of type `icontainz`", "did you mean `icontains`?"),
    ]


def test_the_lists_are_of_the_locked_release() -> None:
    target = files("llmops.targets.promptfoo")
    locked = json.loads(target.joinpath("lock", "package.json").read_text())["dependencies"]["promptfoo"]
    assert json.loads(target.joinpath("data", "keys.json").read_text())["source"].startswith(f"npm:promptfoo@{locked},")


def test_misspelt_keys_and_providers_that_run_code_are_told() -> None:
    data = {
        "evaluateOption": {}, "providers": [{"id": "exec:id"}, {"id": "opnai:chat:x", "confg": {}}, "openai:chat:x"],
        "tests": [{"var": {}, "options": {"providr": 1}}], "prompts": 3,
    }
    assert list(check("quality.yaml", data)) == [
        "the suite has no key `evaluateOption`; did you mean `evaluateOptions`?",
        "`exec:` runs or loads what it names",
        "a provider has no key `confg`; did you mean `config`?",
        "there is no provider `opnai`; did you mean `openai`?",
        "a test has no key `var`; did you mean `vars`?",
        "options has no key `providr`; did you mean `provider`?",
    ]
