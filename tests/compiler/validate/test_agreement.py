"""Three readings of one schema: jsonschema_rs, jsonschema and our own `explain` accept and refuse the same."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.kinds import json_type
from llmops.compiler.validate.explain import explain
from llmops.compiler.validate.found import Whole
from llmops.compiler.validate.messages import finding
from llmops.compiler.validate.validator import _Python, _Rust
from llmops.schemas import bundled, load_kinds, schema
from tests.compiler.validate.test_language import EXAMPLES

KINDS = load_kinds()
RUST = {name: _Rust(bundled(schema(name))) for name in KINDS}
PYTHON = {name: _Python(bundled(schema(name))) for name in KINDS}

CORPUS: list[tuple[str, Any]] = [
    (kind, spec)
    for example in EXAMPLES.values()
    for kind, group in example.items()
    for spec in ([group] if kind == "env" else group.values())
] + [(name, example) for name in KINDS for example in schema(name)["examples"]]

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 3, 0.5, 2.0, 1e9, 10**30, "", "a", "answerer", "8k", "30s", "30s\n", "٣s", "16GiB",
    "https://x", "block", "none", "2026-01-31", "A" * 41, "{{ x }}", [], [1], ["a", "a"], ["a", True, 1], [{}, {}], {},
    {"a": 1}, {"model": "a"}, {"variable": "X"}, {"B": {}}, {"cron": "0 2 * * *"}, [[]], [None], {"x": None},
]
KEYS = ["model", "provider", "id", "weights", "extra", "Bad Name", "params", "eval", "run", "via", "timeout", "x" * 41]


def places(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def mutate(value: Any, draw: st.DrawFn) -> Any:
    """One change somewhere: another value, a key less, a key more, an item twice."""
    path = draw(st.sampled_from(list(places(value))))
    if not path:
        return value
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    here = holder[path[-1]]
    change = draw(st.integers(0, 4))
    if change == 0:
        del holder[path[-1]]
    elif change == 1 and isinstance(here, dict):
        here[draw(st.sampled_from(KEYS))] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    elif change == 2 and isinstance(here, list) and here:
        here.append(copy.deepcopy(here[0]))
    elif change == 3 and isinstance(here, str):
        holder[path[-1]] = here + draw(st.sampled_from(["\n", " ", "x", ".", "é"]))
    else:
        holder[path[-1]] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    return value


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, Any]:
    kind, spec = draw(st.sampled_from(CORPUS))
    spec = copy.deepcopy(spec)
    for _ in range(draw(st.integers(1, 3))):
        spec = mutate(spec, draw)
    return kind, spec


@settings(max_examples=600, deadline=None)
@given(broken())
def test_they_agree(case: tuple[str, Any]) -> None:
    kind, spec = case
    shape = KINDS[kind].shape
    problems = list(explain(shape, spec, (kind, "it"), (kind, "it")))
    assert RUST[kind].accepts(spec) == PYTHON[kind].accepts(spec) == (not problems)
    for problem in problems:
        _, found = finding(problem, Whole((kind, "it"), shape))
        assert found.message
        assert len(found.message) < 120
    if problems:
        told = [(problem.path, problem.keyword) for problem in problems]
        assert len(set(told)) == len(told) or json_type(spec) != "object" or _only_repeats(told)


def _only_repeats(told: list[tuple[KeyPath, str]]) -> bool:
    """Several fields may be missing in one place; nothing else is told twice."""
    repeated = {keyword for path, keyword in told if told.count((path, keyword)) > 1}
    return repeated <= {"required", "dependentRequired"}


@pytest.mark.parametrize(("kind", "spec"), CORPUS)
def test_the_corpus_is_sound(kind: str, spec: Any) -> None:
    assert RUST[kind].accepts(spec)
    assert PYTHON[kind].accepts(spec)
