"""A source line as a terminal shows it: which cells each column takes, what is escaped, cut or hidden."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from llmops.compiler.diagnostics.escape import escape_char

TAB = 4
WIDEST = 160
"""Cells of source text on a line; a longer line is cut around the caret."""
AROUND = 1_000
"""Characters before and after the caret that are looked at: a line may have a million."""
HIDDEN = "‹redacted›"


def width(char: str) -> int:
    """The cells that a printed character takes."""
    if char < "\x7f":
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


@dataclass(frozen=True, slots=True)
class Row:
    """A line to be shown, or a part of it that begins after `skipped` columns.

    `starts[c]` is the cell at which column c+1 of that part begins; the last one is the end.
    """

    text: str
    starts: tuple[int, ...]
    skipped: int = 0

    def cell(self, column: int) -> int:
        return self.starts[min(max(column - self.skipped, 1), len(self.starts)) - 1]

    def extent(self, column: int, end: int | None) -> tuple[int, int]:
        """The first cell of a stretch of columns, and how many; to the end of the line without `end`, never none."""
        first = self.cell(column)
        last = self.starts[-1] if end is None else self.cell(end)
        return first, max(last - first, 1)


def row(line: str, hidden: Iterable[tuple[int, int]] = (), around: int = 1) -> Row:
    """The line, with each stretch of columns in `hidden` (end exclusive) shown as one word that says so.

    Of a very long line it is the part around a column, which `cut` makes shorter still.
    """
    skipped = max(0, around - AROUND)
    if skipped or len(line) > 2 * AROUND:
        line = line[skipped : skipped + 2 * AROUND]
        hidden = [(start - skipped, end - skipped) for start, end in hidden]
    pieces: list[str] = []
    starts: list[int] = []
    cell = 0
    spans = sorted((start, end) for start, end in hidden if end > start)
    inside = 0  # columns up to here are hidden already
    for column, char in enumerate(line, 1):
        starts.append(cell)
        if column < inside:
            continue
        end = max((e for s, e in spans if s <= column < e), default=0)
        if end:
            inside = end
            pieces.append(HIDDEN)
            cell += len(HIDDEN)
        elif char == "\t":
            step = TAB - cell % TAB
            pieces.append(" " * step)
            cell += step
        else:
            shown = escape_char(char)
            pieces.append(shown)
            cell += len(shown) if len(shown) > 1 else width(char)
    starts.append(cell)
    return Row("".join(pieces), tuple(starts), skipped)


def cut(shown: Row, first: int) -> Row:
    """A line that is too long, reduced to what stands around cell `first`."""
    if shown.starts[-1] <= WIDEST:
        return shown
    begin = max(0, min(first - WIDEST // 3, shown.starts[-1] - WIDEST))
    text, cell, kept = [], 0, 0
    for char in shown.text:
        size = width(char)
        if begin <= cell and kept + size <= WIDEST - 2:
            text.append(char)
            kept += size
        cell += size
    left = "…" if begin else ""
    right = "…" if begin + kept < shown.starts[-1] else ""
    move = begin - len(left)
    limit = kept + len(left)
    starts = tuple(min(max(s - move, 0), limit) for s in shown.starts)
    return Row(left + "".join(text) + right, starts, shown.skipped)
