from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.compiler.emit import json as writer
from llmops.compiler.model.artifact import Format
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At
from tests.compiler.emit.trees import at, exact, labelled, text_of, trees, write


@settings(max_examples=150, deadline=None)
@given(trees())
def test_any_tree_reads_back_and_looks_like_json_dumps(tree: Any) -> None:
    text = text_of(tree, Format.JSON)
    assert exact(json.loads(text)) == exact(tree)
    assert text.count("\n") == json.dumps(tree, indent=2).count("\n") + 1
    assert "\u2028" not in text
    assert "\u202e" not in text


@settings(max_examples=80, deadline=None)
@given(st.lists(trees(), max_size=5))
def test_each_item_is_a_line_of_jsonl(items: list[Any]) -> None:
    emitted = write(labelled(items), Format.JSONL)
    lines = emitted.content.decode().split("\n")
    assert lines.pop() == ""
    assert [exact(json.loads(line)) for line in lines] == [exact(item) for item in items]
    assert len(emitted.lines) == len(items)


def test_origins_of_a_document() -> None:
    body = {"a": Sourced({"b": [Sourced(1, (at("b"),)), 2]}, (at("a"),)), "c": Sourced("x", (at("c"),)), "d": {}}
    emitted = write(body, Format.JSON)
    assert list(
        zip(
            emitted.content.decode().split("\n"),
            [[s.path[0] for s in line if isinstance(s, At)] for line in emitted.lines],
            strict=False,
        )
    ) == [
        ("{", []),
        ('  "a": {', ["a"]),
        ('    "b": [', ["a"]),
        ("      1,", ["a", "b"]),
        ("      2", ["a"]),
        ("    ]", ["a"]),
        ("  },", ["a"]),
        ('  "c": "x",', ["c"]),
        ('  "d": {}', []),
        ("}", []),
    ]


def test_a_line_of_jsonl_has_all_origins_of_its_item() -> None:
    body = [Sourced({"a": Sourced(1, (at("a"),)), "b": [Sourced(2, (at("b"), at("a")))]}, (at("row"),)), {}]
    assert write(body, Format.JSONL).lines == ((at("row"), at("a"), at("b")), ())


def test_what_the_eye_does_not_see_is_escaped() -> None:
    assert text_of("\u2028\u2029\x7f\U000e0041é😀", Format.JSON) == '"\\u2028\\u2029\\u007f\\udb40\\udc41é😀"\n'


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("1", 1.0),
        ("1", True),
        ("{}", []),
        ("[1]", []),
        ('{"a":1,"b":2}', {"b": 2, "a": 1}),
        ("", None),
        ("NaN", 0.0),
        ("-0.0", 0.0),
    ],
)
def test_a_wrong_file_is_noticed(text: str, data: Any) -> None:
    assert writer.difference(text, data) is not None


def test_a_wrong_line_is_noticed() -> None:
    assert writer.lines_difference("1\n2\n", [1, 2]) is None
    assert writer.lines_difference("1\n", [1, 2]) is not None
    assert writer.lines_difference("1\n2", [1, 2]) is not None
