"""One environment's configs, as the passes hand them on: composed, then validated, then linked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from llmops.compiler.model.keys import Address, Key, KeyPath
from llmops.compiler.model.kinds import Kind
from llmops.compiler.model.sources import Sources, Span, Write

if TYPE_CHECKING:
    import networkx


class History(Protocol):
    """Who wrote what, for each place of a composed config. Answers are found on demand: most are never asked for."""

    def writes(self, path: KeyPath) -> tuple[Write, ...]:
        """Every writer of the value at a path, in order: the last one won. Empty where no such place exists."""

    def key(self, path: KeyPath) -> Span | None:
        """The key (or the list item) itself, where the winning value was written."""

    def through(self, path: KeyPath) -> tuple[KeyPath, ...]:
        """The places that the interpolations in the value at a path read, directly; empty where it has none."""


@dataclass(frozen=True, slots=True)
class Composed:
    """One environment after `load`: plain data, resolved, in Hydra's order.

    `broken` lists resources that could not be read in whole: they stand in the tree with what is known of them.
    `absent` are resources of the project that this environment does not select, each with its file below conf/, as a
    defaults list names it (`model/hosted/answerer`). `files` are all config files that
    took part, relative to the repository, in order.
    """

    env: str
    tree: Mapping[str, Any]
    history: History
    broken: frozenset[Address] = frozenset()
    absent: Mapping[Address, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """llmops.yaml. `root` and `conf` are relative to the repository, `.` for its top; `span` finds its keys."""

    name: str
    root: str
    conf: str
    environments: Mapping[str, tuple[str, ...]]
    search_path: tuple[str, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    requires: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The whole project after `load`. `texts` are files that fields point to, read on demand by later passes."""

    settings: Settings
    environments: Mapping[str, Composed]
    sources: Sources


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource with its schema's defaults filled in. A broken one keeps its name and what of it is well-typed.

    `defaults` are the paths (below the resource) that the schema filled in, with the JSON pointer of each default.
    `implied` resources have no file: the catalogue brings them.
    """

    address: Address
    kind: Kind[Any]
    spec: Mapping[str, Any]
    broken: bool = False
    defaults: Mapping[KeyPath, str] = field(default_factory=dict)
    implied: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """`source` refers to `target` by what stands at `at`. `role` is the field's name, `entry` a named entry of it.

    A `weak` one points at something without needing it (the way that a call takes): it makes no cycle.
    """

    source: Address
    target: Address
    at: KeyPath
    role: str
    entry: str | None = None
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """One environment, linked. Immutable; graph questions are answered by networkx behind these methods."""

    name: str
    env: str
    kinds: Mapping[str, Kind[Any]]
    resources: Mapping[Address, Resource]
    edges: tuple[Edge, ...]
    composed: Composed
    environment: Resource
    texts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    globs: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def production(self) -> bool:
        return bool(self.environment.spec.get("production", False))

    def get(self, kind: str, name: str) -> Resource | None:
        return self.resources.get(Address(kind, name))

    def options_of(self, target: str) -> Resource | None:
        """The resource that holds a target's options."""
        named = (resource for address, resource in self.resources.items() if address.name == target)
        return next((resource for resource in named if resource.kind.holds_options), None)

    def of(self, kind: str) -> Iterator[Resource]:
        """Sound resources of a kind, in the config's order."""
        by_kind: dict[str, list[Resource]] | None = self._cache.get("by_kind")
        if by_kind is None:
            by_kind = self._cache["by_kind"] = {}
            for resource in self.resources.values():
                if not resource.broken:
                    by_kind.setdefault(resource.address.kind, []).append(resource)
        return iter(by_kind.get(kind, ()))

    def edge_at(self, at: KeyPath) -> Edge | None:
        """The reference that stands at a place."""
        index: dict[KeyPath, Edge] | None = self._cache.get("at")
        if index is None:
            index = self._cache["at"] = {edge.at: edge for edge in self.edges}
        return index.get(at)

    def edges_to(self, address: Address) -> tuple[Edge, ...]:
        return self._indexed("to").get(address, ())

    def edges_from(self, address: Address) -> tuple[Edge, ...]:
        return self._indexed("from").get(address, ())

    def _indexed(self, which: str) -> Mapping[Address, tuple[Edge, ...]]:
        index: dict[Address, tuple[Edge, ...]] | None = self._cache.get(which)
        if index is None:
            lists: dict[Address, list[Edge]] = {}
            for edge in self.edges:
                lists.setdefault(edge.target if which == "to" else edge.source, []).append(edge)
            index = self._cache[which] = {k: tuple(v) for k, v in lists.items()}
        return index

    @property
    def graph(self) -> networkx.MultiDiGraph[Address]:
        """Resources as nodes, references as edges from the one that refers, each with its `edge`."""
        made: networkx.MultiDiGraph[Address] | None = self._cache.get("graph")
        if made is None:
            import networkx

            made = networkx.MultiDiGraph()
            made.add_nodes_from(self.resources)
            made.add_edges_from((e.source, e.target, {"edge": e}) for e in self.edges)
            self._cache["graph"] = made
        return made

    def dependencies(self, address: Address) -> tuple[Address, ...]:
        """Everything that a resource needs, directly or not, sorted."""
        import networkx

        return tuple(sorted(networkx.descendants(self.graph, address)))

    def dependents(self, address: Address) -> tuple[Address, ...]:
        """Everything that needs a resource, directly or not, sorted."""
        import networkx

        return tuple(sorted(networkx.ancestors(self.graph, address)))

    def path(self, source: Address, target: Address) -> tuple[Address, ...]:
        """A shortest way along references; empty where there is none."""
        import networkx

        try:
            return tuple(networkx.shortest_path(self.graph, source, target))
        except networkx.NetworkXNoPath:
            return ()


@dataclass(frozen=True, slots=True)
class Workspace:
    """All environments of one project."""

    settings: Settings
    projects: Mapping[str, Project]
    sources: Sources


def value_at(tree: Any, path: KeyPath) -> Any:
    """What stands at a path; None where nothing does."""
    for key in path:
        tree = item(tree, key)
        if tree is None:
            return None
    return tree


def item(tree: Any, key: Key) -> Any:
    """One step down; None where there is nothing."""
    if type(tree) is dict:  # nearly always, and much faster than asking for a Mapping
        return tree.get(key)
    if isinstance(tree, Mapping):
        return tree.get(key)
    if isinstance(tree, (list, tuple)) and isinstance(key, int) and 0 <= key < len(tree):
        return tree[key]
    return None
