from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given, settings

from llmops.compiler.emit import toml as writer
from llmops.compiler.model.artifact import Format
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At
from tests.compiler.emit.trees import NUMBERS, TEXTS, at, labelled, maps, text_of, try_emit, write


def ordered(value: Any) -> Any:
    """Types and order of lists, without the order of keys."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, list) else (type(value), repr(value))


@settings(max_examples=120, deadline=None)
@given(maps(TEXTS | NUMBERS))
def test_any_map_without_null_reads_back(tree: Any) -> None:
    emitted = write(labelled(tree), Format.TOML)
    assert ordered(tomllib.loads(emitted.content.decode())) == ordered(tree)
    assert len(emitted.lines) == emitted.content.count(b"\n")


def test_a_document_in_full() -> None:
    body = {
        "tool": Sourced({"name": "x", "deep": {"a b": Sourced(1.5, (at("deep"),))}}, (at("tool"),)),
        "list": [Sourced("a", (at("item"),)), {"x": Sourced(True, (at("x"),)), "y": []}],
        "rows": [{"a": 1}, Sourced({"a": 2}, (at("row"),))],
        "top": Sourced(1, (at("top"),)),
        "none": [],
    }
    emitted = write(body, Format.TOML)
    assert list(
        zip(
            emitted.content.decode().split("\n"),
            [[s.path[0] for s in line if isinstance(s, At)] for line in emitted.lines],
            strict=False,
        )
    ) == [
        ("list = [", []),
        ('  "a",', ["item"]),
        ("  { x = true, y = [] },", ["x"]),
        ("]", []),
        ("top = 1", ["top"]),
        ("none = []", []),
        ("", []),
        ("[tool]", ["tool"]),
        ('name = "x"', ["tool"]),
        ("", []),
        ("[tool.deep]", ["tool"]),
        ('"a b" = 1.5', ["tool", "deep"]),
        ("", []),
        ("[[rows]]", []),
        ("a = 1", []),
        ("", []),
        ("[[rows]]", ["row"]),
        ("a = 2", ["row"]),
    ]


def test_null_is_a_problem_with_its_place() -> None:
    result = try_emit({"a": {"b": Sourced(None, (at("b"),))}}, Format.TOML)
    assert [(p.code.code, p.where, p.place) for p in result.problems] == [("TGT011", ("a", "b"), at("b"))]


def test_a_list_is_no_document() -> None:
    assert [p.code.code for p in try_emit([1], Format.TOML).problems] == ["BUG001"]


def test_a_wrong_file_is_noticed() -> None:
    assert writer.difference("a = 1\n", {"a": 1.0}) is not None
    assert writer.difference("a = 1\n", {"a": 1, "b": 2}) is not None
    assert writer.difference("a = \n", {"a": 1}) is not None


def test_text_is_one_line() -> None:
    assert text_of({"a": 'x\n"y"\t\\\x00'}, Format.TOML) == 'a = "x\\n\\"y\\"\\t\\\\\\u0000"\n'
