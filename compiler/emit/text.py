"""Text files of lines, Markdown among them, and what makes a config's text harmless in Markdown."""

from __future__ import annotations

import re
from typing import Any

from llmops.compiler.emit.sourcemap import Lines, Origins, line_of, together
from llmops.compiler.emit.tree import Tree
from llmops.compiler.model.sourced import Sourced

INVISIBLE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e0fff"
)
"""For a character class: controls, line separators, bidi and zero-width characters, tags. Written out instead of
asked from `unicodedata`, whose tables differ between versions of Python."""

_invisible = re.compile(f"[{INVISIBLE}\t\n]").sub
_ticks = re.compile("`+").findall
_pipe = re.compile(r"(\\?)\|").sub


def visible(text: str) -> str:
    """A text on one line, whose control and invisible characters show as `\\u{…}`, for people to read."""
    return _invisible(lambda found: f"\\u{{{ord(found[0]):x}}}", text)


def code_span(text: str) -> str:
    """A text as Markdown code: no HTML, link, image, mention or `#12` in it has an effect."""
    if not text:
        return "(empty)"
    text = visible(text)
    fence = "`" * (max(map(len, _ticks(text)), default=0) + 1)
    # Readers strip one space on either side if there is one on both, so such a text gets one more.
    padded = text[0] == "`" or text[-1] == "`" or (text[0] == " " == text[-1] and text.strip(" ") != "")
    return f"{fence} {text} {fence}" if padded else f"{fence}{text}{fence}"


def table_cell(text: str) -> str:
    """As `code_span`, for a cell of a table, where a bar would end the cell even inside code."""
    return code_span(_pipe(lambda found: "\\\\u{7c}" if found[1] else "\\|", text))


def write(body: Any, tree: Tree, markdown: bool = False) -> Lines:
    """The lines of a TEXT or MARKDOWN body.

    A line is a `str` or `Sourced[str]`, or a tuple of such parts. In Markdown, a part that is a config's text and not
    `raw` becomes code. A text with line breaks in it makes several lines.
    """
    out = Lines()
    outer: Origins = ()
    trusted = True
    while isinstance(body, Sourced) and not isinstance(body.value, (str, tuple)):
        outer, trusted, body = together(outer, body.sources), body.raw, body.value
    for line in body if isinstance(body, list) else [body]:
        parts = line if isinstance(line, tuple) else (line,)
        made, origins, numbered = "", outer, False
        for part in parts:
            value, sources, lines = tree.node(part, outer, trusted)
            numbered = lines is True
            text = value if isinstance(value, str) else str(value)
            made += code_span(text) if markdown and not _trusted(part, trusted) else text
            origins = together(origins, sources)
        # The last line break ends the last line; a text without one ends there too.
        for index, piece in enumerate(made.removesuffix("\n").split("\n")):
            out.add(piece, line_of(origins, index) if numbered and len(parts) == 1 else origins)
    return out


def _trusted(part: Any, trusted: bool) -> bool:
    while isinstance(part, Sourced):
        trusted, part = part.raw, part.value
    return trusted
