"""Which places in the config stand behind each line of an artifact."""

from __future__ import annotations

from llmops.compiler.model.sourced import merge
from llmops.compiler.model.sources import Content, Source

Origins = tuple[Source, ...]


class Lines:
    """A text while it grows: lines without their ends, and the origins of each."""

    __slots__ = ("origins", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.origins: list[Origins] = []

    def add(self, line: str, origins: Origins = ()) -> None:
        self.text.append(line)
        self.origins.append(origins)


def together(*parts: Origins) -> Origins:
    """All origins once, outer ones first."""
    some = [part for part in parts if part]
    if not some:
        return ()
    return some[0] if len(some) == 1 and len(some[0]) < 2 else merge(*some)


def starts_a_file_text(sources: Origins) -> bool:
    """Whether a text that was made from these is text of one file from a known line on.

    A target says so by `Content(file, line)` with a line, on the text itself: it stands there line by line. (Text from
    a single line of a file, such as a row of JSONL, has its `Content` around the row instead.)
    """
    if not sources:
        return False
    contents = [s for s in sources if isinstance(s, Content)]
    return len(contents) == 1 and contents[0].line > 0


def line_of(origins: Origins, index: int) -> Origins:
    """The origins of line `index` (from 0) of a text that starts a file's text."""
    at = max(n for n, s in enumerate(origins) if isinstance(s, Content) and s.line > 0)
    start = origins[at]
    assert isinstance(start, Content)
    return merge((*origins[:at], Content(start.file, start.line + index), *origins[at + 1 :]))
