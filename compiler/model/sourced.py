"""Values that remember where they were read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Generic, TypeVar

from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sources import At, Source

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")


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


def because_of(*reasons: Sourced[Any] | None) -> tuple[Source, ...]:
    """The places that these were read from, once each."""
    return merge(*(reason.sources for reason in reasons if reason is not None))


def under(block: Any, *reasons: Sourced[Any] | None) -> Any:
    """A block that stands here because of what those say: a map, a list or a text, all of whose lines come and go with
    them. What was read inside keeps its own origins, and its own trust."""
    sources = because_of(*reasons)
    return Sourced(block, sources, raw=True) if sources else block


def through(value: V, *reasons: Sourced[Any] | None, of: KeyPath | None = None) -> V:
    """The same value, what it holds having come by way of a reference: a tree, or what a target exports.

    Each part of it bears the reasons too; with `of` (a resource's path; of any resource: `()`), each that was read from
    there. Lines that are the same whatever the reference names are left alone by `of`.
    """
    sources = because_of(*reasons)
    return _through(value, sources, of, False) if sources else value


def _through(value: Any, sources: tuple[Source, ...], of: KeyPath | None, tree: bool) -> Any:
    if isinstance(value, Sourced):
        if _read_from(value, of):
            return Sourced(value.value, merge(value.sources, sources), value.raw)
        inner = isinstance(value.value, (Mapping, list))
        return Sourced(_through(value.value, sources, of, tree), value.sources, value.raw) if inner else value
    if isinstance(value, Remark):
        return Remark(_through(value.value, sources, of, tree), value.comment)
    if isinstance(value, (Mapping, list)):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        made = {key: _through(item, sources, of, True) for key, item in items}
        below = made if isinstance(value, Mapping) else list(made.values())
        return Sourced(below, sources, raw=True) if tree and of is None and below else below
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(_through(item, sources, of, tree) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _through(getattr(value, f.name), sources, of, False) for f in fields(value)})
    return Sourced(value, sources, raw=True) if tree and of is None else value


def _read_from(value: Sourced[Any], of: KeyPath | None) -> bool:
    return of is None or any(isinstance(s, At) and s.path[: len(of)] == of for s in value.sources)


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
