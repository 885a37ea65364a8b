"""What stands in comments: `# @package`, which Hydra reads from the first lines only, and silences.

No parser reports comments, so they are found in the text between the scalars.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import ScalarEvent

from llmops.compiler.diagnostics.suggest import distance
from llmops.compiler.load import codes, gate
from llmops.compiler.load.events import Parser
from llmops.compiler.model.finding import Diagnostic, Place, diagnose
from llmops.compiler.model.sources import Span

HYDRA_READS = 512
"""Characters from the top of a file in which Hydra looks for headers."""

_HEADER = re.compile(r"\s*#\s*@")
_ANY = re.compile(r"#+\s*@\s*(\w*)|#+\s*(packages?)\s+[\w.]+\s*$", re.IGNORECASE)
_SUSPECT = re.compile(r"#[# \t]{0,8}(?:@|packages?\b)", re.IGNORECASE)
"""A quick look: most files have none of these."""


@dataclass(frozen=True, slots=True)
class Header:
    """The package that a file names, and what is wrong with how it does."""

    package: str | None = None
    span: Span | None = None
    problems: tuple[Diagnostic, ...] = ()


def header(path: str, text: str) -> Header:
    """Read a file's header as Hydra does; whatever Hydra would drop without a word is a problem."""
    if not _SUSPECT.search(text):
        return Header()
    package: str | None = None
    span: Span | None = None
    problems: list[Diagnostic] = []
    seen: set[int] = set()
    for number, line in enumerate(text[:HYDRA_READS].splitlines(), 1):
        if not line.strip():
            continue
        if not _HEADER.match(line):
            break
        seen.add(number)
        here = _line_span(path, number, line)
        words = line.strip().lstrip("#").strip().split()
        if words[0] == "@package" and len(words) == 2:
            if span is not None:
                problems.append(
                    diagnose(
                        codes.HEADER_DROPPED,
                        "a second `# @package` replaces the first",
                        here,
                        "this one wins",
                        more=[Place(span, "first here")],
                        help=["keep one"],
                    )
                )
            package, span = words[1], here
        elif (
            words[0] == "@package"
            or _meant(words[0].lstrip("@"))
            or (words[0] == "@" and len(words) > 1 and _meant(words[1]))
        ):
            problems.append(_dropped(here, words))
        elif len(words) != 2:
            problems.append(
                diagnose(
                    codes.HEADER_DROPPED,
                    "a comment that starts with `@` is read as a header here",
                    here,
                    help=["put a word before the `@`, or write the comment below the first key"],
                )
            )
    for number, column, comment in comments(text.encode("utf-8", "surrogatepass")):
        if number in seen:
            continue
        match = _ANY.match(comment)
        if match and _meant(match.group(1) or match.group(2) or ""):
            if match.group(2) and not re.search(r"[._]", comment):
                continue
            place = Span(path, number, column, number, column + len(comment))
            problems.append(_dropped(place, comment.lstrip("#").split()))
    return Header(package, span, tuple(problems))


def _dropped(span: Span, words: list[str]) -> Diagnostic:
    value = next((w for w in words[1:] if w != "@" and not _meant(w)), "kind.name")
    return diagnose(
        codes.HEADER_DROPPED,
        "this `# @package` has no effect",
        span,
        "Hydra does not see it",
        help=[f"write `# @package {gate.cut(value)}` as the first line of the file"],
    )


def _meant(word: str) -> bool:
    """Whether a word is `package`, or a slip of it."""
    word = word.strip(":").lower()
    return len(word) > 4 and distance(word, "package", 2) <= 2


def _line_span(path: str, number: int, line: str) -> Span:
    start = len(line) - len(line.lstrip()) + 1
    return Span(path, number, start, number, len(line.rstrip()) + 1)


def comments(data: bytes) -> tuple[tuple[int, int, str], ...]:
    """Every comment outside scalars: its line and column (from 1) and its text from the `#` on.

    In a file that cannot be parsed to its end, those before the mistake.
    """
    if b"#" not in data:
        return ()
    text = data.decode("utf-8", errors="replace")
    if gate.FORBIDDEN.search(text) or len(data) > gate.MAX_BYTES:
        return ()
    lines = text.split("\n")
    scalars, last = _scalars(text)
    starts = [s[0] for s in scalars]
    found: list[tuple[int, int, str]] = []
    for number, raw in enumerate(lines):
        line = raw.rstrip("\r")
        at = line.find("#")
        while at >= 0:
            where = (number, at)
            if where > last:
                return tuple(found)
            index = bisect.bisect_right(starts, where) - 1
            inside = index >= 0 and where < scalars[index][1]
            if inside and scalars[index][2] and number == scalars[index][0][0]:
                inside = False  # behind the `|` of a block text
            if not inside and (at == 0 or line[at - 1] in " \t"):
                found.append((number + 1, at + 1, line[at:]))
                break
            at = line.find("#", at + 1)
    return tuple(found)


def _scalars(text: str) -> tuple[list[tuple[tuple[int, int], tuple[int, int], bool]], tuple[int, int]]:
    """Start, end and whether it is a block text, of each scalar; and where reading had to stop."""
    out: list[tuple[tuple[int, int], tuple[int, int], bool]] = []
    parser = Parser(text)
    last = (len(text) + 1, 0)
    try:
        while True:
            event = parser.get_event()
            if event is None:
                break
            if type(event) is ScalarEvent:
                start: Any = event.start_mark
                end: Any = event.end_mark
                if start.index == end.index:
                    continue
                out.append(((start.line, start.column), (end.line, end.column), event.style in ("|", ">")))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        last = (mark.line, mark.column) if mark else (0, 0)
    finally:
        if hasattr(parser, "dispose"):
            parser.dispose()
    return out, last
