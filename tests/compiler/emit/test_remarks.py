"""Comments behind a value, and texts of several lines with origins each."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.compiler.emit.emitter import EmitResult, emit
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.sourced import Joined, Remark, Sourced
from llmops.compiler.model.sources import At

A, B = At("dev", ("x", "a")), At("dev", ("x", "b"))


def made(body: Any, kind: Format = Format.YAML, comment: str | None = None) -> EmitResult:
    return emit(
        Artifact("f", body, format=kind, comment=comment), target="t", scope="dev", path="f",
        escape=lambda text: text.replace("$", "$$"),
    )  # fmt: skip


def test_a_remark_stands_behind_its_value() -> None:
    body = {"uses": Remark(Sourced("a@b", (A,)), "v1.2.3"), "list": [Remark(False, "why")]}
    result = made(body, comment="#")
    assert result.emitted is not None
    assert result.emitted.content.decode().splitlines()[1:] == ["uses: a@b # v1.2.3", "list:", "  - false # why"]
    assert result.emitted.lines[1:] == ((A,), (), ())
    assert result.emitted.data == {"uses": "a@b", "list": [False]}


@pytest.mark.parametrize("kind", [Format.JSON, Format.TOML, Format.JSONL])
def test_other_formats_pass_over_remarks(kind: Format) -> None:
    body: Any = {"a": Remark("b", "c")}
    result = made([body] if kind is Format.JSONL else body, kind)
    assert result.emitted is not None
    assert b"c" not in result.emitted.content


@pytest.mark.parametrize("remark", [Remark({}, "c"), Remark("a", "c\nd: e"), Remark("a", "")])
def test_a_remark_that_no_line_can_hold_is_a_mistake(remark: Remark) -> None:
    assert [p.code.code for p in made({"a": remark}, comment="#").problems] == ["BUG001"]


def test_joined_lines_have_their_own_origins() -> None:
    body = {"path": Joined((Sourced("one", (A,)), Sourced("$two", (B,)), "three"))}
    result = made(body)
    assert result.emitted is not None
    assert result.emitted.content.decode() == "path: |\n  one\n  $$two\n  three\n"
    assert result.emitted.lines == ((), (A,), (B,), ())
    hostile = made({"path": Joined((Sourced("a\nb", (A,)), Sourced("\x85", (B,))))})
    assert hostile.emitted is not None
    assert hostile.emitted.lines == ((A, B),)
    assert made({"path": Joined((Sourced("a\nb", (A,)), Sourced("c", (B,))))}).emitted.lines == ((), (A,), (A,), (B,))  # type: ignore[union-attr]
