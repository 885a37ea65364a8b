"""Which files of the repository decide a resource: for trigger paths and for "what does this change touch"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llmops.compiler.model.keys import Address
from llmops.compiler.model.kinds import walk
from llmops.compiler.model.project import Project
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At, FromFile, Source


def deciding(project: Project, address: Address, root: str) -> list[Sourced[str]]:
    """Config files that write a field of the resource, or of anything it needs, and the files that its fields name.

    Paths are relative to the repository, each once, sorted; `root` is the project's folder. The origins of each are
    the references (and the field) without which it would not be among them.
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
    for one, reasons in wanted.items():
        resource = project.resources.get(one)
        if resource is None:
            continue
        for path in _config_files(project, one):
            yield Sourced(path, reasons, raw=True)
        for at, shape, value in walk(resource.kind.shape, resource.spec):
            if "x-file" in shape.schema and isinstance(value, str):
                full = value if root == "." else f"{root}/{value}"
                yield Sourced(full, (*reasons, At(project.env, (*one.path, *at))))


def _config_files(project: Project, address: Address) -> Iterator[str]:
    resource = project.resources[address]
    history = project.composed.history
    found: set[str] = set()
    for at, _, _ in walk(resource.kind.shape, resource.spec):
        for write in history.writes((*address.path, *at)):
            if isinstance(write.origin, FromFile):
                found.add(write.origin.span.file)
    yield from sorted(found)


def shared(project: Project) -> tuple[str, ...]:
    """Config files that are no resource's own and take part in the environment: the primary config and profiles."""
    folders = [f"/{kind}/" for kind in project.kinds if kind != "env"]
    return tuple(f for f in project.composed.files if not any(folder in f"/{f}" for folder in folders))
