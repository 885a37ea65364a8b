"""Where a word stands inside a text of a config: for labels that are smaller than a value."""

from __future__ import annotations

from collections.abc import Iterable

from llmops.compiler.derive.template import find
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.project import Composed
from llmops.compiler.model.sources import At, FromFile, FromOverride, Source, Sources, Span


def named_at(sources: Sources, composed: Composed, at: KeyPath, name: str, syntax: str) -> Span | None:
    """The first place where the template at a path names a variable, as it stands in its file, quotes and all."""
    writes = composed.history.writes(at)
    origin = writes[-1].origin if writes else None
    if not isinstance(origin, FromFile | FromOverride) or origin.span.file not in sources:
        return None
    whole = origin.span
    lines = sources[whole.file].text.split("\n")
    start = offset(lines, whole.line, whole.column)
    text = "\n".join(lines)[start : offset(lines, whole.end_line, whole.end_column)]
    found = find(name, text, syntax)
    return None if found is None else span(whole.file, lines, start + found.start, start + found.end)


def config_place(sources: Iterable[Source]) -> KeyPath | None:
    """The first place of a config among the origins of a value."""
    return next((source.path for source in sources if isinstance(source, At)), None)


def offset(lines: list[str], line: int, column: int) -> int:
    """How many characters stand before a place."""
    return sum(len(text) + 1 for text in lines[: line - 1]) + column - 1


def span(file: str, lines: list[str], start: int, end: int) -> Span:
    """The stretch from character `start` to before `end`."""
    line, column = place(lines, start)
    end_line, end_column = place(lines, end)
    return Span(file, line, column, end_line, end_column)


def place(lines: list[str], characters: int) -> tuple[int, int]:
    """Line and column, from 1, of a character."""
    for number, text in enumerate(lines, start=1):
        if characters <= len(text):
            return number, characters + 1
        characters -= len(text) + 1
    return len(lines), len(lines[-1]) + 1
