"""Each property's example is valid where it stands, and a value of a wrong type is told in our words, at its place."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from llmops.compiler.model.kinds import Shape, json_type
from llmops.compiler.validate.explain import explain
from llmops.compiler.validate.found import Whole
from llmops.compiler.validate.messages import finding
from llmops.compiler.validate.validator import compiled
from llmops.schemas import bundled, load_kinds

KINDS = load_kinds()
WRONG: tuple[Any, ...] = (None, True, -1, 0.5, "", "wrong value!", [], [[]], {}, {"no_such_key": 1})


def properties(shape: Shape, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Shape]]:
    for branch in shape.branches or (shape,):
        for key, below in branch.properties.items():
            yield (*way, key), below
            yield from properties(below, (*way, key))
        if isinstance(branch.schema.get("additionalProperties"), dict) and branch.additional is not None:
            yield from properties(branch.additional, (*way, "*"))
        if branch.items is not None:
            yield from properties(branch.items, (*way, "[]"))


@pytest.mark.parametrize("kind", KINDS)
def test_each_example_is_valid_where_it_stands(kind: str) -> None:
    looked_at = 0
    for way, shape in properties(KINDS[kind].shape):
        for example in shape.schema.get("examples", ()):
            looked_at += 1
            problems = [(p.keyword, p.path, p.about) for p in explain(shape, example, way, way)]
            assert problems == [], (way, example)
    assert looked_at


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_value_at_each_property_has_a_message_and_a_place(kind: str) -> None:
    whole = KINDS[kind].shape
    validator = compiled(bundled(whole.schema))
    base = copy.deepcopy(whole.schema["examples"][0])
    refused = 0
    for key in whole.properties:
        for value in WRONG:
            spec = {**base, key: value}
            problems = list(explain(whole, spec, (kind, "it"), (kind, "it")))
            assert validator.accepts(spec) == (not problems), (key, value)
            for problem in problems:
                code, found = finding(problem, Whole((kind, "it"), whole, {kind: {"it": spec}}))
                assert code.code.startswith("SCH")
                assert found.message
                assert any(label.primary and tuple(label.at)[:2] == (kind, "it") for label in found.labels)
            refused += bool(problems)
    assert refused or not whole.properties


def test_the_wrong_values_are_of_every_type() -> None:
    assert {json_type(value) for value in WRONG} == {
        "null", "boolean", "integer", "number", "string", "array", "object",
    }  # fmt: skip
