"""From a line of an artifact back to the places that decided it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.project import Project, Workspace, value_at
from llmops.compiler.model.sources import At, FromFile, FromOverride, Source, Span


def places(project: Project, at: At) -> Iterator[KeyPath]:
    """The place itself, with `whole` all that stands below it, the reference by which it was reached, and what their
    interpolations read; each once."""
    seen: set[KeyPath] = set()
    waiting = [*([(at.by, False)] if at.by else []), (at.path, at.whole)]
    while waiting:
        here, whole = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        yield here
        waiting.extend((read, True) for read in project.composed.history.through(here))
        value = value_at(project.composed.tree, here) if whole else None
        if isinstance(value, dict):
            waiting.extend(((*here, key), True) for key in value)
        elif isinstance(value, (list, tuple)):
            waiting.extend(((*here, index), True) for index in range(len(value)))


def writers(workspace: Workspace, sources: Iterable[Source]) -> Iterator[Span]:
    """Where the values behind a line were written last: in files, or in overrides."""
    for source in sources:
        if not isinstance(source, At) or source.env not in workspace.projects:
            continue
        project = workspace.projects[source.env]
        for path in places(project, source):
            for write in project.composed.history.writes(path)[-1:]:
                if isinstance(write.origin, (FromFile, FromOverride)):
                    yield write.origin.span
