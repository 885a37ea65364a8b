"""What an environment says and nothing reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmops.compiler.diagnostics.locate import locate
from llmops.compiler.lower import codes
from llmops.compiler.model.finding import Diagnostic, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath, dotted
from llmops.compiler.model.kinds import walk
from llmops.compiler.model.view import Reader


def without_effect(
    reader: Reader, read: frozenset[KeyPath], anywhere: frozenset[KeyPath]
) -> Iterator[Diagnostic]:
    """Written keys that no target (`reader`), rule or derivation (`read`) looked at, and that are no text for people.

    What belongs to the project is read in one environment for all of them (`anywhere`).
    """
    reads = reader.reads
    seen = reads.leaves | read
    project = reader.project
    seen |= {edge.at for edge in project.edges}

    def is_read(path: KeyPath, elsewhere: frozenset[KeyPath]) -> bool:
        prefixes = [path[:n] for n in range(2, len(path) + 1)]
        return path in seen or any(p in reads.whole or p in read or p in elsewhere for p in prefixes)

    for resource in project.resources.values():
        if resource.broken or resource.implied:
            continue
        base = resource.address.path
        elsewhere = anywhere if resource.kind.project_scope else frozenset()
        silent: list[KeyPath] = []
        for path, shape, value in walk(resource.kind.shape, resource.spec):
            if any(path[: len(s)] == s for s in silent) or path in resource.defaults:
                continue
            if shape.flag("x-text") or shape.flag("x-people"):
                silent.append(path)
            elif path and not isinstance(value, (Mapping, list)) and not is_read((*base, *path), elsewhere):
                name = dotted(path)
                yield locate(codes.TGT003, Finding(
                    f"nothing reads `{name}`", (Label((*base, *path), "", primary=True),),
                    severity=Severity.INFO,
                ), project.composed)


