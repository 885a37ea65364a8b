"""Where two texts part, and the sides of a text with conflict markers."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[\w.+-]")
_MARKER = re.compile(rb"(<{7}|\|{7}|={7}|>{7})(?: [^\n]*)?\r?\n?$")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """The first line that differs, in both texts (from 1), and the part of it that does.

    `old` and `new` are the words that differ; None where the whole line is missing on that side. Columns count from 1.
    """

    old_line: int
    new_line: int
    column: int
    end_column: int
    old: str | None
    new: str | None


def first_difference(old: bytes, new: bytes) -> Difference | None:
    """From what stands to what is wanted; None if they are equal as text."""
    before, after = (data.decode("utf-8", errors="replace").split("\n") for data in (old, new))
    at = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    if at == len(before) == len(after):
        return None
    a = before[at] if at < len(before) else None
    b = after[at] if at < len(after) else None
    if a is not None and (b is None or before[at + 1 : at + 2] == [b]):
        return Difference(at + 1, at + 1, 1, max(2, len(a) + 1), a, None)
    if a is None or after[at + 1 : at + 2] == [a]:
        return Difference(at + 1, at + 1, 1, 2, None, b)
    assert b is not None
    start, old_end, new_end = _differing(a, b)
    return Difference(at + 1, at + 1, start + 1, max(start + 2, old_end + 1), a[start:old_end], b[start:new_end])


def shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def sides(content: bytes) -> tuple[bytes, bytes] | None:
    """Both versions of a file that git left with conflict markers (any style); None if it has none."""
    ours, theirs = list[bytes](), list[bytes]()
    state, found = "both", False
    for line in content.splitlines(keepends=True):
        marker = _MARKER.match(line)
        sign = marker[1][:1] if marker else b""
        if sign == b"<" and state == "both":
            state, found = "ours", True
        elif sign == b"|" and state == "ours":
            state = "ancestor"
        elif sign == b"=" and state in ("ours", "ancestor"):
            state = "theirs"
        elif sign == b">" and state == "theirs":
            state = "both"
        else:
            if state in ("both", "ours"):
                ours.append(line)
            if state in ("both", "theirs"):
                theirs.append(line)
    return (b"".join(ours), b"".join(theirs)) if found and state == "both" else None


def _differing(a: str, b: str) -> tuple[int, int, int]:
    """Where the differing words start, and where they end in each."""
    start = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    tail = 0
    while tail < min(len(a), len(b)) - start and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    while start and _WORD.match(a[start - 1]):
        start -= 1
    while tail and _WORD.match(a[len(a) - tail]):
        tail -= 1
    return start, len(a) - tail, len(b) - tail
