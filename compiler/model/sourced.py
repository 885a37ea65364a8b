"""Values that remember where they were read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from llmops.compiler.model.sources import Source

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Sourced(Generic[T]):
    """A value and the places that it was made from.

    As a leaf of an artifact's body it gives its line those origins; around a map or a list, all lines inside.
    `raw` text is written as it is: it is in the target's own language already (`os.environ/KEY`). Other text from a
    config passes through the target's escape first.
    """

    value: T
    sources: tuple[Source, ...] = ()
    raw: bool = False

    def map(self, function: Callable[[T], U]) -> Sourced[U]:
        """The same origins for a value made of this one. Text stays untrusted: the target's escape sees it."""
        return Sourced(function(self.value), self.sources, self.raw)

    def express(self, function: Callable[[T], U]) -> Sourced[U]:
        """As `map`, for a text in the target's own language; `function` has made the value safe in it."""
        return Sourced(function(self.value), self.sources, raw=True)

    def because(self, *reasons: Sourced[Any] | None) -> Sourced[T]:
        """The same value, which also stands here because of what those say (a branch that they decided)."""
        more = (s for reason in reasons if reason is not None for s in reason.sources)
        return Sourced(self.value, merge(self.sources, more), self.raw)


@dataclass(frozen=True, slots=True)
class Remark:
    """A value with a comment behind it on its line, where the format has comments: the target's own words only."""

    value: Any
    comment: str


@dataclass(frozen=True, slots=True)
class Joined:
    """A text of several lines, each ended and with origins of its own: a list that a tool wants in one text."""

    lines: tuple[Sourced[str] | str, ...]


def merge(*sources: Iterable[Source]) -> tuple[Source, ...]:
    """All sources once, in order."""
    return tuple(dict.fromkeys(s for some in sources for s in some))


def combine(function: Callable[..., U], *parts: Sourced[Any]) -> Sourced[U]:
    """A value made of several, with the origins of all."""
    return Sourced(
        function(*(p.value for p in parts)), merge(*(p.sources for p in parts)), all(p.raw for p in parts)
    )


def literal(value: T) -> Sourced[T]:
    """A value of the target's own, which no config decides."""
    return Sourced(value, (), raw=True)


def plain(tree: Any) -> Any:
    """A tree without its origins."""
    if isinstance(tree, (Sourced, Remark)):
        return plain(tree.value)
    if isinstance(tree, Joined):
        return "".join(f"{plain(line)}\n" for line in tree.lines)
    if isinstance(tree, dict):
        return {key: plain(item) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [plain(item) for item in tree]
    return tree
