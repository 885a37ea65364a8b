"""Which files of the repository decide a resource: for trigger paths and for "what does this change touch"."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.model.keys import Address
from llmops.compiler.model.kinds import walk
from llmops.compiler.model.project import Project
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At, FromFile


def deciding(project: Project, address: Address, root: str) -> Iterator[Sourced[str]]:
    """Config files that write a field of the resource, or of anything it needs, and the files that its fields name.

    Paths are relative to the repository, each once, config files first; `root` is the project's folder.
    """
    needed = [a for a in (address, *project.dependencies(address)) if a in project.resources]
    return _files(project, needed, root)


def own(project: Project, address: Address, root: str) -> Iterator[Sourced[str]]:
    """As `deciding`, of the resource alone."""
    return _files(project, [address] if address in project.resources else [], root)


def _files(project: Project, needed: list[Address], root: str) -> Iterator[Sourced[str]]:
    seen: set[str] = set()
    for one in needed:
        for path in _config_files(project, one):
            if path not in seen:
                seen.add(path)
                yield Sourced(path, (), raw=True)
    for one in needed:
        resource = project.resources[one]
        for at, shape, value in walk(resource.kind.shape, resource.spec):
            if "x-file" in shape.schema and isinstance(value, str):
                full = value if root == "." else f"{root}/{value}"
                if full not in seen:
                    seen.add(full)
                    yield Sourced(full, (At(project.env, (*one.path, *at)),))


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
