"""Kinds: what a JSON Schema says of a resource's fields, in the form that the passes walk.

Nothing here knows a kind by name: references, texts, targets and files are marked in the schema by keywords of ours
(schemas/README.md lists them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from llmops.compiler.model.keys import Key, KeyPath

F = TypeVar("F", bound=str)
Schema = Mapping[str, Any]
Lookup = Callable[[str], Schema]
"""Finds the schema behind a `$ref`."""


@dataclass(frozen=True, slots=True)
class RefSpec:
    """What a reference may name: resources of `kinds`; with `entry`, an entry of that named map of the resource.

    `own` means an entry of a map of the resource that holds the reference (a route's fallback names another route).
    """

    kinds: tuple[str, ...]
    entry: str | None = None
    own: bool = False

    @staticmethod
    def parse(text: str | list[str]) -> RefSpec:
        names = [text] if isinstance(text, str) else list(text)
        if len(names) == 1 and "." in names[0]:
            kind, entry = names[0].split(".", 1)
            return RefSpec((kind,), entry) if kind else RefSpec((), entry, own=True)
        return RefSpec(tuple(names))


_LINKED = ("x-ref", "x-ref-key", "x-brings", "x-file", "x-target", "x-environment")


class Shape:
    """One schema with its `$ref`s followed, and the way to the schemas below it. Made lazily, kept once."""

    __slots__ = ("__dict__", "lookup", "pointer", "schema")

    def __init__(self, schema: Schema, pointer: str, lookup: Lookup) -> None:
        seen = 0
        while "$ref" in schema:
            pointer = schema["$ref"]
            schema = {**lookup(pointer), **{k: v for k, v in schema.items() if k != "$ref"}}
            seen += 1
            if seen > 32:
                raise ValueError(f"endless $ref at {pointer}")
        self.schema = schema
        self.pointer = pointer
        self.lookup = lookup

    def _below(self, schema: Schema, *steps: str) -> Shape:
        return Shape(schema, "/".join((self.pointer, *steps)), self.lookup)

    @cached_property
    def properties(self) -> Mapping[str, Shape]:
        return {k: self._below(v, "properties", k) for k, v in self.schema.get("properties", {}).items()}

    @cached_property
    def additional(self) -> Shape | None:
        """The shape of further keys; None where they are not allowed."""
        rest = self.schema.get("additionalProperties", True)
        if rest is False:
            return None
        return self._below({} if rest is True else rest, "additionalProperties")

    @cached_property
    def names(self) -> Shape | None:
        """The shape of this map's keys, where the schema says something of them."""
        names = self.schema.get("propertyNames")
        return None if names is None else self._below(names, "propertyNames")

    @cached_property
    def items(self) -> Shape | None:
        items = self.schema.get("items")
        return None if items is None else self._below(items, "items")

    @cached_property
    def branches(self) -> tuple[Shape, ...]:
        """The alternatives of `anyOf`, told apart by the type of the value."""
        return tuple(self._below(s, "anyOf", str(i)) for i, s in enumerate(self.schema.get("anyOf", ())))

    @cached_property
    def types(self) -> frozenset[str]:
        kind = self.schema.get("type")
        if kind is None:
            return frozenset().union(*(b.types for b in self.branches)) if self.branches else frozenset()
        return frozenset([kind] if isinstance(kind, str) else kind)

    @cached_property
    def ref(self) -> RefSpec | None:
        return RefSpec.parse(self.schema["x-ref"]) if "x-ref" in self.schema else None

    @cached_property
    def ref_key(self) -> RefSpec | None:
        """The keys of this map are references."""
        return RefSpec.parse(self.schema["x-ref-key"]) if "x-ref-key" in self.schema else None

    @cached_property
    def has_references(self) -> bool:
        """Whether a reference, a file or something that brings a resource can stand at or below this shape."""
        return self._any(lambda schema: any(keyword in schema for keyword in _LINKED), set())

    def _any(self, test: Callable[[Schema], bool], seen: set[str]) -> bool:
        if self.pointer in seen:
            return False
        seen.add(self.pointer)
        if test(self.schema):
            return True
        below = [*self.properties.values(), *self.branches]
        if self.items:
            below.append(self.items)
        if isinstance(self.schema.get("additionalProperties"), Mapping) and self.additional:
            below.append(self.additional)
        return any(shape._any(test, seen) for shape in below)

    @cached_property
    def links(self) -> bool:
        """Whether a value of this shape says something to link by itself."""
        return any(keyword in self.schema for keyword in ("x-brings", "x-file", "x-environment"))

    @cached_property
    def targets(self) -> tuple[KeyPath, ...]:
        """The fields below that name a target (`x-target`), through maps with known keys only."""
        own: list[KeyPath] = []
        for name, below in self.properties.items():
            if "x-target" in below.schema:
                own.append((name,))
            elif below.properties:
                own.extend((name, *path) for path in below.targets)
        return tuple(own)

    @cached_property
    def known(self) -> set[KeyPath]:
        """Paths below that are known to be fields, noted by those who asked."""
        return set()

    def flag(self, keyword: str) -> Any:
        return self.schema.get(keyword)

    def of(self, value: Any) -> Shape:
        """This shape, or the alternative of it that fits the value's type."""
        if not self.branches:
            return self
        kind = json_type(value)
        for branch in self.branches:
            if kind in branch.types or (kind == "integer" and "number" in branch.types) or not branch.types:
                return branch.of(value)
        return self

    def child(self, key: Key) -> Shape | None:
        """The shape below a key or an index; None where the schema has none."""
        if isinstance(key, int):
            return self.items
        return self.properties.get(key) or self.additional

    def down(self, value: Any, path: KeyPath) -> Shape | None:
        """The shape at a path below this one, as the value there decides between alternatives."""
        shape: Shape | None = self.of(value)
        for key in path:
            if shape is None:
                return None
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                value = None
            shape = shape.child(key)
            shape = shape.of(value) if shape is not None and value is not None else shape
        return shape


_TYPES: Mapping[type, str] = {
    type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array",
}


def json_type(value: Any) -> str:
    """JSON Schema's word for the type of a plain value."""
    return _TYPES.get(type(value)) or ("object" if isinstance(value, Mapping) else "array")


def walk(shape: Shape, value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Shape, Any]]:
    """Every place of a value with its shape, parents first, in the value's order."""
    shape = shape.of(value)
    yield path, shape, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            below = shape.child(key)
            if below is not None:
                yield from walk(below, item, (*path, key))
    elif isinstance(value, (list, tuple)) and shape.items is not None:
        for index, item in enumerate(value):
            yield from walk(shape.items, item, (*path, index))


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[F]):
    """A kind of resource. `F` is the union of its top-level field names, so that a misspelt one is a type error."""

    name: str
    source: Shape | Callable[[], Shape] = field(repr=False)
    """The shape, or what makes it when it is first asked for (and keeps it)."""

    @property
    def shape(self) -> Shape:
        return self.source if isinstance(self.source, Shape) else self.source()

    @property
    def title(self) -> str:
        return str(self.shape.schema.get("title", self.name))

    @property
    def project_scope(self) -> bool:
        """Whether resources of this kind come out the same in all environments that select them."""
        return bool(self.shape.flag("x-scope") == "project")

    @property
    def holds_options(self) -> bool:
        """Whether each resource of this kind holds the options of the target that it is named after."""
        return bool(self.shape.flag("x-options"))
