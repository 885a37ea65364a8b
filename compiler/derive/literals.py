"""Secrets written where they must not be: known shapes of tokens and keys, and what merely looks random."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

_RANDOM = re.compile(r"(?<![A-Za-z0-9+/_=.-])[A-Za-z0-9+_-]{24,200}={0,2}(?![A-Za-z0-9+/_=.-])")
_ENTROPY = 4.25
"""Bits a character: a random text of 32 letters and digits has about 4.5, words and names have less."""
_CHANGES = 0.45
"""How often a character is of another class (upper, lower, digit) than the one before it; words change seldom."""
_PUBLIC = re.compile(r"base64,\Z")
"""What stands before an embedded file."""
_DIGEST = re.compile(r"sha(?:256|384|512)-")


@dataclass(frozen=True, slots=True)
class Literal:
    """A stretch of a text that looks like a secret; `known` names its shape, None where it only looks random."""

    start: int
    end: int
    known: str | None


@cache
def _shapes() -> tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...]:
    """Each shape with its name for people, words of which it has one (in small letters), and its pattern."""
    rows = json.loads(files(__package__).joinpath("data", "token_shapes.json").read_bytes())["rows"]
    return tuple((row["title"], tuple(row["keywords"]), re.compile(row["pattern"])) for row in rows)


def _known(text: str) -> Iterator[Literal]:
    """What has a known shape; where two overlap, the one that the table has first."""
    small = text.lower()
    taken: list[Literal] = []
    for title, words, pattern in _shapes():
        if not any(word in small for word in words):
            continue
        for match in pattern.finditer(text):
            found = Literal(*match.span(), title)
            if not placeholder(match[0]) and not any(found.start < t.end and t.start < found.end for t in taken):
                taken.append(found)
    yield from sorted(taken, key=lambda found: found.start)


def patterns() -> tuple[str, ...]:
    """The known shapes, as patterns of Python: for a tool that looks for them in other texts."""
    return tuple(pattern.pattern for _, _, pattern in _shapes())


def literals(text: str) -> Iterator[Literal]:
    """Known shapes first; nothing that is a placeholder, a digest or a commit."""
    known = list(_known(text))
    yield from known
    for found in _RANDOM.finditer(text):
        start, end = found.span()
        overlaps = any(start < one.end and one.start < end for one in known)
        public = _PUBLIC.search(text, max(0, start - 10), start) or _DIGEST.match(text, start)
        if not overlaps and not public and looks_random(found[0]):
            yield Literal(start, end, None)


def placeholder(text: str) -> bool:
    """Whether it is a key in form only: `sk-xxxx…`, `AKIA…EXAMPLE`."""
    return "EXAMPLE" in text.upper() or re.search(r"(.)\1{7}", text) is not None or "..." in text


def looks_random(text: str) -> bool:
    """Letters of both cases and digits, mixed as in no word. Hexadecimal digits never count: commits and digests."""
    classes = ["d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "" for c in text]
    if not {"u", "l"} <= set(classes) or len(re.findall("[0-9]+", text)) < 3:
        return False
    runs = max((len(part) for part in re.split(r"[-_+=]", text)), default=0)
    changes = sum(a != b for a, b in pairwise(classes))
    return runs >= 20 and changes >= _CHANGES * (len(text) - 1) and entropy(text) >= _ENTROPY


def entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    counts = [text.count(c) for c in set(text)]
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
