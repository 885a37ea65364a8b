"""Which fields of the schemas rules, derivations and targets ask for, whether or not a config has them.

A field is written as in `model.params`, `gateway.routes.*.model`, `prompt.messages[].user`: `*` is any key of a named
map, `[]` any item of a list. The amounts of a budget (`usd_per_run` …) are one field: who reads one sees all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from llmops.compiler.model.keys import Key, KeyPath
from llmops.compiler.model.kinds import Kind, Shape
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas import load_kinds


@dataclass(slots=True)
class Asked:
    """`places` were asked for themselves, `whole` with all that stands below."""

    places: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)

    def has(self, name: str) -> bool:
        """Itself, with what stands around it, or, of a plain list or map, an item."""
        above = [name[: found.start()] for found in re.finditer(r"\.|\[|$", name)]
        return name in self.places or f"{name}[]" in self.places or f"{name}.*" in self.places or any(
            one in self.whole for one in above
        )


def fields() -> tuple[str, ...]:
    """Every place of the schemas at which a value may be written that is no map or list of further places."""
    found = [name for kind, one in sorted(load_kinds().items()) for name in _leaves(one.shape, kind)]
    return tuple(dict.fromkeys(map(_alike, found)))


_AMOUNT = re.compile(r"(?<=\.budget\.)[a-z]+_per_[a-z]+$")
CORE = ("overrides",)
"""Fields of every kind that the compiler itself takes."""


def _alike(name: str) -> str:
    return _AMOUNT.sub("*", name)


def _leaves(shape: Shape, name: str) -> Iterator[str]:
    below = [one for one in _below(shape, name) if one[1].partition(".")[2] not in CORE]
    if not below or any(not _has_places(branch) for branch in shape.branches):
        yield name
    for part, path in below:
        yield from _leaves(part, path)


def _below(shape: Shape, name: str) -> Iterator[tuple[Shape, str]]:
    """The places below, but for those in an open map and the entries of plain lists and maps."""
    if shape.branches:
        for branch in shape.branches:
            yield from _below(branch, name)
    if shape.flag("x-open") or shape.flag("x-text"):
        return
    for key, part in shape.properties.items():
        yield part, f"{name}.{key}"
    if shape.items is not None and _has_places(shape.items):
        yield shape.items, f"{name}[]"
    rest = shape.schema.get("additionalProperties")
    if isinstance(rest, dict) and shape.additional is not None and _has_places(shape.additional):
        yield shape.additional, f"{name}.*"


def _has_places(shape: Shape) -> bool:
    return next(_below(shape, ""), None) is not None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Fills up while something is compiled."""
    found = Asked()
    record(monkeypatch, found)
    return found


def record(monkeypatch: pytest.MonkeyPatch, found: Asked) -> None:
    """Note each question that a node is asked. Nodes answer as always."""
    find, get, tree, edge, typed, of = Node._find, Node.get, Node.tree, Node.edge, Node._typed, Reader.of
    for_a_leaf = [False]

    def noting_find(self: Node, keys: KeyPath) -> Any:
        found.places.add(_name_of(self, keys))
        return find(self, keys)

    def noting_get(self: Node, *keys: Key) -> Any:
        if not for_a_leaf[0]:
            found.whole.add(_name_of(self, keys))
        return get(self, *keys)

    def noting_typed(self: Node, keys: KeyPath, kind: Any) -> Any:
        for_a_leaf[0] = True
        try:
            return typed(self, keys, kind)
        finally:
            for_a_leaf[0] = False

    def noting_edge(self: Node, *keys: Key) -> Any:
        found.places.add(_name_of(self, keys))
        return edge(self, *keys)

    def noting_tree(self: Node, *keys: Key) -> Any:
        found.whole.add(_name_of(self, keys))
        return tree(self, *keys)

    def noting_of(self: Reader, kind: Kind[Any], **where: str) -> Iterator[View[Any]]:
        found.places.update(f"{kind.name}.{name}" for name in where)
        return of(self, kind, **where)

    for owner, name, wrapped in (
        (Node, "_find", noting_find), (Node, "get", noting_get), (Node, "tree", noting_tree),
        (Node, "edge", noting_edge), (Node, "_typed", noting_typed), (Reader, "of", noting_of),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, wrapped)


def _name_of(node: Node, keys: KeyPath) -> str:
    """The place that is asked for, as the schema names it."""
    address = node.resource.address
    path = (*node.path[len(address.path) if address.name else 1 :], *keys)
    return _named(node.resource.kind, address.kind, tuple("[]" if isinstance(key, int) else key for key in path))


@cache
def _named(kind: Kind[Any], start: str, path: tuple[str, ...]) -> str:
    name, shapes = start, [kind.shape]
    for key in path:
        flat = [one for shape in shapes for one in _flat(shape)]
        if key == "[]":
            name, shapes = f"{name}[]", [one.items for one in flat if one.items is not None]
            continue
        known = [one.properties[key] for one in flat if key in one.properties]
        name = f"{name}.{key}" if known else f"{name}.*"
        shapes = known or [one.additional for one in flat if one.additional is not None]
    return _alike(name)


def _flat(shape: Shape) -> Iterator[Shape]:
    yield shape
    for branch in shape.branches:
        yield from _flat(branch)
