"""Which files of the repository decide a resource: for trigger paths and for "what does this change touch"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.kinds import walk
from llmops.compiler.model.project import History, Project
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At, FromFile, Source


def deciding(project: Project, address: Address, root: str) -> list[Sourced[str]]:
    """Config files that write a field of the resource, or of anything it needs, and the files that its fields name.

    Paths are relative to the repository, each once, sorted; `root` is the project's folder. The origins of each are
    the nearest reference (and the field) without which it would not be among them.
    """
    return _files(project, needed(project, address), root)


def own(project: Project, address: Address, root: str) -> list[Sourced[str]]:
    """As `deciding`, of the resource alone."""
    return _files(project, {address: ()}, root)


def needed(project: Project, address: Address) -> dict[Address, tuple[At, ...]]:
    """A resource and everything that it needs, each with the references that all ways to it have in common."""
    found: dict[Address, tuple[At, ...]] = {address: ()}
    todo = [address]
    while todo:
        source = todo.pop()
        for edge in project.edges_from(source):
            if edge.target in (source, address):
                continue
            way = (*found[source], At(project.env, edge.at))
            before = found.get(edge.target)
            common = way if before is None else tuple(at for at in before if at in way)
            if common != before:
                found[edge.target] = common
                todo.append(edge.target)
    return found


def common(paths: Iterable[Sourced[str]]) -> list[Sourced[str]]:
    """Each path once, sorted, with the origins that all its mentions share: a place counts in any environment."""
    found: dict[str, Sourced[str]] = {}
    for path in paths:
        before = found.get(path.value)
        if before is None:
            found[path.value] = path
        else:
            places = {_place(source) for source in path.sources}
            shared = tuple(source for source in before.sources if _place(source) in places)
            found[path.value] = Sourced(path.value, shared, path.raw)
    return [found[path] for path in sorted(found)]


def _place(source: Source) -> Any:
    return source.path if isinstance(source, At) else source


def _files(project: Project, wanted: Mapping[Address, tuple[At, ...]], root: str) -> list[Sourced[str]]:
    return common(_mentions(project, wanted, root))


def _mentions(project: Project, wanted: Mapping[Address, tuple[At, ...]], root: str) -> Iterator[Sourced[str]]:
    for one, ways in wanted.items():
        reasons = _nearest(project, one, ways)
        written, named = _of_one(project, one)
        for path in written:
            yield Sourced(path, reasons, raw=True)
        for path, at in named:
            yield Sourced(path if root == "." else f"{root}/{path}", (*reasons, At(project.env, at)))


def _nearest(project: Project, one: Address, ways: tuple[At, ...]) -> tuple[At, ...]:
    """The reference to the resource itself, where all ways take it: those before it bring what names the resource."""
    edge = project.edge_at(ways[-1].path) if ways else None
    return ways[-1:] if edge is not None and edge.target == one else ()


_Files = tuple[tuple[str, ...], tuple[tuple[str, KeyPath], ...]]
_known: WeakKeyDictionary[History, dict[Address, _Files]] = WeakKeyDictionary()
"""A workflow asks for the files of a resource once for each eval and trigger."""


def _of_one(project: Project, address: Address) -> _Files:
    """The config files that write a field of a resource, and the files that its fields name, each with its field."""
    known = _known.setdefault(project.composed.history, {})
    if address not in known:
        resource = project.resources.get(address)
        written: set[str] = set()
        named: list[tuple[str, KeyPath]] = []
        for at, shape, value in walk(resource.kind.shape, resource.spec) if resource is not None else ():
            for write in project.composed.history.writes((*address.path, *at)):
                if isinstance(write.origin, FromFile):
                    written.add(write.origin.span.file)
            if "x-file" in shape.schema and isinstance(value, str):
                named.append((value, (*address.path, *at)))
        known[address] = (tuple(sorted(written)), tuple(named))
    return known[address]


def shared(project: Project) -> tuple[str, ...]:
    """Config files that are no resource's own and take part in the environment: the primary config and profiles."""
    folders = [f"/{kind}/" for kind in project.kinds if kind != "env"]
    return tuple(f for f in project.composed.files if not any(folder in f"/{f}" for folder in folders))
