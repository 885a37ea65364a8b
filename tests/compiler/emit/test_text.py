from __future__ import annotations

import re

import pytest
from hypothesis import given

from llmops.compiler.emit.text import code_span, table_cell, visible
from llmops.compiler.model.artifact import Format
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import Content
from tests.compiler.emit.trees import TEXTS, at, write


def pairs(body: object, form: Format) -> list[tuple[str, list[object]]]:
    emitted = write(body, form)
    return list(
        zip(emitted.content.decode().split("\n"), [[s[1] for s in line] for line in emitted.lines], strict=False)
    )


def test_lines_with_their_origins() -> None:
    body = [
        "plain",
        Sourced("one\ntwo", (at("a"),)),
        ("x=", Sourced(1, (at("b"),)), " ", literal("y")),
        "",
        Sourced("first\nsecond\n", (Content("p.md", 4),)),
    ]
    assert pairs(body, Format.TEXT) == [
        ("plain", []),
        ("one", [("a",)]),
        ("two", [("a",)]),
        ("x=1 y", [("b",)]),
        ("", []),
        ("first", [4]),
        ("second", [5]),
    ]


def test_a_body_in_a_sourced() -> None:
    assert pairs(Sourced(["a", Sourced("b", (at("b"),))], (at("all"),)), Format.TEXT) == [
        ("a", [("all",)]),
        ("b", [("all",), ("b",)]),
    ]
    assert write(Sourced("a\nb\n", (Content("p", 1),)), Format.TEXT).content == b"a\nb\n"
    assert write([], Format.TEXT).content == b""
    assert write("a", Format.TEXT).content == b"a\n"


def test_a_config_text_in_markdown_is_code() -> None:
    body = [
        "# Title",
        ("| name | ", Sourced("<b>`x`\n@here", (at("n"),)), " |"),
        Sourced("# not a title", (at("t"),)),
        literal("*yes*"),
    ]
    assert write(body, Format.MARKDOWN).content.decode() == (
        "# Title\n| name | ``<b>`x`\\u{a}@here`` |\n`# not a title`\n*yes*\n"
    )


def test_escape_sees_a_config_text_before_it_becomes_code() -> None:
    assert write([Sourced("a$b", ())], Format.MARKDOWN, escape=lambda t: t.replace("$", "$$")).content == b"`a$$b`\n"


@given(TEXTS)
def test_a_code_span_holds_the_text_and_nothing_gets_out(text: str) -> None:
    span = code_span(text)
    assert "\n" not in span
    assert visible(span) == span
    if not text:
        return
    fence = re.match("`+", span)
    assert fence is not None
    inside = span[len(fence[0]) : -len(fence[0])]
    assert span.endswith(fence[0])
    # CommonMark: the span ends at the next run of exactly as many backticks.
    assert fence[0] not in re.findall("`+", inside)
    if inside[0] == " " == inside[-1] and inside.strip(" "):
        inside = inside[1:-1]
    assert inside == visible(text)


@given(TEXTS)
def test_a_table_cell_is_one_cell(text: str) -> None:
    cell = table_cell(text)
    assert re.search(r"(?<!\\)\|", cell) is None
    assert re.search(r"\\\\\|", cell) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31m", "a\\u{1b}[31m"),
        ("a\u202eb", "a\\u{202e}b"),
        ("a\u200bb", "a\\u{200b}b"),
        ("\U000e0041", "\\u{e0041}"),
        ("é😀", "é😀"),
    ],
)
def test_what_the_eye_does_not_see_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown
