"""Reading resources: by rules, derivations and targets alike, through nodes that remember what was read.

A node is a place in a resource. Reading a leaf gives a `Sourced` value, and notes the place in `Reads`; what no reader
ever noted is reported as a key without effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from llmops.compiler.model.keys import Address, Key, KeyPath
from llmops.compiler.model.kinds import Kind, Shape
from llmops.compiler.model.project import Edge, Project, Resource, item
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At, Fact, Source

F = TypeVar("F", bound=str)
T = TypeVar("T")


@dataclass(slots=True)
class Reads:
    """The places that were read, `whole` where everything below counts as read too."""

    leaves: set[KeyPath] = field(default_factory=set)
    whole: set[KeyPath] = field(default_factory=set)


class Node:
    """A place in a resource's fields. Paths given to its methods are relative to it.

    Asking for a field that the schema does not have is a mistake of the caller: KeyError.
    """

    __slots__ = ("by", "path", "project", "reads", "resource", "shape", "value")

    def __init__(
        self, project: Project, resource: Resource, path: KeyPath, value: Any, shape: Shape | None, reads: Reads,
        by: KeyPath = (),
    ) -> None:
        self.project = project
        self.resource = resource
        self.path = path
        self.value = value
        self.shape = shape
        self.reads = reads
        self.by = by

    # --- places -----------------------------------------------------------------------------------------------------

    def at(self, *keys: Key) -> KeyPath:
        """The full key path, for a label."""
        return (*self.path, *keys)

    @property
    def name(self) -> str:
        """The last key: an entry's own name."""
        return str(self.path[-1])

    def source(self, *keys: Key, whole: bool = False) -> Source:
        return self.origin(self.at(*keys), whole)

    def origin(self, path: KeyPath, whole: bool = False) -> Source:
        """The origin of what was read at a full key path of this resource."""
        return At(self.project.env, path, whole, self.by)

    def has(self, *keys: Key) -> bool:
        """Whether a value stands there (written, or by default). It counts as reading it."""
        value = self._find(keys)
        if value is not None:
            self.reads.leaves.add(self.at(*keys))
        return value is not None

    def written(self, *keys: Key) -> bool:
        """Whether a config says it, and not the schema's default."""
        base = len(self.resource.address.path) if self.resource.address.name else 1
        return self.has(*keys) and self.at(*keys)[base:] not in self.resource.defaults

    # --- values -----------------------------------------------------------------------------------------------------

    def get(self, *keys: Key) -> Sourced[Any] | None:
        """Whatever stands there, whole, as one sourced value; None where nothing does."""
        value = self._find(keys)
        if value is None:
            return None
        path = self.at(*keys)
        whole = isinstance(value, (Mapping, list))
        (self.reads.whole if whole else self.reads.leaves).add(path)
        return Sourced(value, (self.origin(path, whole),))

    def maybe_text(self, *keys: Key) -> Sourced[str] | None:
        return self._typed(keys, str)

    def maybe_integer(self, *keys: Key) -> Sourced[int] | None:
        return self._typed(keys, int)

    def maybe_number(self, *keys: Key) -> Sourced[float] | None:
        return self._typed(keys, (float, int))

    def maybe_flag(self, *keys: Key) -> Sourced[bool] | None:
        return self._typed(keys, bool)

    def text(self, *keys: Key) -> Sourced[str]:
        """A required text, or one with a default."""
        return self._need(self.maybe_text(*keys), keys)

    def integer(self, *keys: Key) -> Sourced[int]:
        return self._need(self.maybe_integer(*keys), keys)

    def number(self, *keys: Key) -> Sourced[float]:
        return self._need(self.maybe_number(*keys), keys)

    def flag(self, *keys: Key) -> Sourced[bool]:
        return self._need(self.maybe_flag(*keys), keys)

    def tree(self, *keys: Key) -> Any:
        """What stands there with each leaf sourced on its own, for open maps that are carried verbatim; or None."""
        value = self._find(keys)
        if value is None:
            return None
        self.reads.whole.add(self.at(*keys))
        return self._sourced(value, self.at(*keys))

    # --- further down -----------------------------------------------------------------------------------------------

    def node(self, *keys: Key) -> Node | None:
        """The place below, or None where nothing stands there."""
        value = self._find(keys)
        if value is None:
            return None
        self.reads.leaves.add(self.at(*keys))
        shape = self.shape.down(self.value, keys) if self.shape else None
        return Node(self.project, self.resource, self.at(*keys), value, shape, self.reads, self.by)

    def entries(self, *keys: Key) -> Iterator[Node]:
        """The entries of a named map, or the items of a list, in order; none where nothing stands there."""
        value = self._find(keys)
        if value is None:
            return
        self.reads.leaves.add(self.at(*keys))
        for key in value if isinstance(value, Mapping) else range(len(value)):
            below = self.node(*keys, key)
            if below is not None:
                yield below

    def edge(self, *keys: Key) -> Edge | None:
        """The reference that stands there."""
        edge = self.project.edge_at(self.at(*keys))
        if edge is not None:
            self.reads.leaves.add(edge.at)
        return edge

    def ref(self, *keys: Key) -> View[Any] | None:
        """The resource that the reference there names; None without one, or where the resource is broken."""
        edge = self.edge(*keys)
        return None if edge is None else self.view(edge.target, edge.at)

    def ref_name(self, *keys: Key) -> Sourced[str] | None:
        """The name that the reference there gives, with its place; a default reference counts (a route's own key)."""
        edge = self.edge(*keys)
        return None if edge is None else Sourced(edge.target.name, (self.origin(edge.at),))

    def view(self, address: Address, by: KeyPath = ()) -> View[Any] | None:
        resource = self.project.resources.get(address)
        if resource is None or resource.broken:
            return None
        return View(self.project, resource, self.reads, by)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _find(self, keys: KeyPath) -> Any:
        value = self.value
        for key in keys:
            value = item(value, key)
            if value is None:
                self._known(keys)
                return None
        return value

    def _known(self, keys: KeyPath) -> None:
        """A field that the schema lacks can never be there: reading it is a bug."""
        if self.shape is None or keys in self.shape.known:
            return
        shape: Shape | None = self.shape
        for depth, key in enumerate(keys):
            if shape is None or not (shape.properties or shape.branches or shape.items):
                break
            candidates = [shape, *shape.branches]
            below = next((s for s in (c.child(key) for c in candidates) if s is not None), None)
            if below is None:
                raise KeyError(f"{self.at(*keys[: depth + 1])} is no field of the schema")
            shape = below
        self.shape.known.add(keys)

    def _typed(self, keys: KeyPath, kind: type[T] | tuple[type[T], ...]) -> Sourced[T] | None:
        found = self.get(*keys)
        return found if found is not None and isinstance(found.value, kind) else None

    def _need(self, found: Sourced[T] | None, keys: KeyPath) -> Sourced[T]:
        if found is None:
            raise KeyError(f"{self.at(*keys)} has no value of that type")
        return found

    def _sourced(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, Mapping):
            return {k: self._sourced(v, (*path, k)) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._sourced(v, (*path, i)) for i, v in enumerate(value)]
        return Sourced(value, (self.origin(path),))


class View(Node, Generic[F]):
    """A resource, as it is read. `F` is its kind's field names."""

    __slots__ = ()

    def __init__(self, project: Project, resource: Resource, reads: Reads, by: KeyPath = ()) -> None:
        super().__init__(project, resource, resource.address.path, resource.spec, resource.kind.shape, reads, by)

    @property
    def address(self) -> Address:
        return self.resource.address

    @property
    def reference(self) -> Sourced[str] | None:
        """The reference by which the reader came here, if one led here."""
        return Sourced(self.address.name, (At(self.project.env, self.by),)) if self.by else None

    def unreached(self) -> View[F]:
        """The resource for itself, whoever names it."""
        return View(self.project, self.resource, self.reads) if self.by else self

    @property
    def label(self) -> Sourced[str]:
        """The resource's name."""
        return Sourced(self.address.name, (self.source(),), raw=True)


class Reader:
    """The way into one environment for a rule, a derivation or a target."""

    __slots__ = ("project", "reads")

    def __init__(self, project: Project, reads: Reads | None = None) -> None:
        self.project = project
        self.reads = reads if reads is not None else Reads()

    def of(self, kind: Kind[F], **where: str) -> Iterator[View[F]]:
        """Sound resources of a kind whose fields have the given values, in the config's order."""
        for resource in self.project.of(kind.name):
            view: View[F] = View(self.project, resource, self.reads)
            if all(item(resource.spec, name) == value for name, value in where.items()):
                for name in where:
                    self.reads.leaves.add(view.at(name))
                yield view

    def get(self, kind: Kind[F], name: str) -> View[F] | None:
        resource = self.project.get(kind.name, name)
        return None if resource is None or resource.broken else View(self.project, resource, self.reads)

    def view(self, address: Address) -> View[Any] | None:
        resource = self.project.resources.get(address)
        return None if resource is None or resource.broken else View(self.project, resource, self.reads)

    @property
    def environment(self) -> Node:
        """The root key `env`."""
        env = self.project.environment
        return Node(self.project, env, ("env",), env.spec, env.kind.shape, self.reads)


def known(value: Any, fact: str, source: str, as_of: str) -> Sourced[Any]:
    """A value from the catalogue."""
    return Sourced(value, (Fact(fact, source, as_of),), raw=True)



