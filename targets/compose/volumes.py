"""Files that are mounted, and disks that outlive a container."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from llmops.compiler.model.exports import Service
from llmops.compiler.model.sourced import Sourced, under
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View

PATH_STARTS = ("/", "./", "../", "~")
"""A source that starts so is a path of the machine; any other is the name of a volume."""


def mounts(lowering: Lowering, deployment: View[Any], service: Service | None) -> list[Any]:
    # A gateway's file is called as the gateway is.
    reason = deployment.ref_name("gateway")
    found: list[Any] = [_file(lowering, path, inside, reason) for path, inside in (service.mounts if service else ())]
    for entry in deployment.entries("volumes"):
        source = entry.maybe_text("source")
        path = entry.text("path")
        if source is not None and source.value.startswith(PATH_STARTS):
            text = source.map(lambda where: _relative(lowering, where))
            found.append(Sourced({"type": "bind", "source": text, "target": path}, source.sources))
        else:
            name = source or Sourced(f"{deployment.address.name}_{entry.name}", (), raw=True)
            found.append({"type": "volume", "source": name, "target": path})
    return found


def named(deployment: View[Any]) -> Iterator[tuple[str, Sourced[Any]]]:
    """The volumes that it needs at the top of the file."""
    for entry in deployment.entries("volumes"):
        source = entry.maybe_text("source")
        if source is None:
            yield f"{deployment.address.name}_{entry.name}", Sourced({}, (), raw=True)
        elif not source.value.startswith(PATH_STARTS):
            yield source.value, Sourced({}, source.sources, raw=True)


def _file(
    lowering: Lowering, path: str | Sourced[str], inside: str, reason: Sourced[str] | None
) -> Any:
    file = path if isinstance(path, Sourced) else Sourced(path, ())  # not raw: a folder's name may hold a dollar
    source = file.map(lambda where: posixpath.relpath(where, lowering.folder)).because(reason)
    return under({"type": "bind", "source": source, "target": inside, "read_only": True}, file)


def _relative(lowering: Lowering, where: str) -> str:
    """A path of the project, as seen from the file's folder; absolute ones and the home folder stay."""
    if where.startswith(("/", "~")):
        return where
    return posixpath.relpath(posixpath.join(lowering.root, where), lowering.folder)


def problems(deployment: View[Any]) -> Iterator[Unsupported]:
    for entry in deployment.entries("volumes"):
        if entry.has("size"):
            yield Unsupported(entry.at("size"), "a volume of the machine has no size of its own")
