"""Where a config value comes from, as data and in words: every writer, or the default, or the catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.diagnostics.escape import escape
from llmops.compiler.diagnostics.locate import spoken, written_span
from llmops.compiler.model.keys import Address, KeyPath, dotted
from llmops.compiler.model.project import Project, Workspace, value_at
from llmops.compiler.model.sources import At, Content, Fact, FromDefault, FromFact, Source, Write


@dataclass(frozen=True, slots=True)
class Said:
    """A value in one environment and where it was written, for a table: `was` are earlier writers."""

    value: Any
    place: str
    was: str = ""


def value_of(project: Project, path: KeyPath) -> Any:
    """What stands there, with the schema's defaults."""
    resource = project.resources.get(Address(str(path[0]), str(path[1]))) if len(path) > 1 else None
    if path[:1] == ("env",):
        return value_at(project.environment.spec, path[1:])
    return value_at(resource.spec, path[2:]) if resource else value_at(project.composed.tree, path)


def said(project: Project, path: KeyPath) -> Said:
    writes = project.composed.history.writes(path)
    value = value_of(project, path)
    if not writes:
        resource = project.resources.get(Address(str(path[0]), str(path[1])))
        if resource is not None and resource.implied:
            return Said(value, f"catalogue: {resource.implied}")
        return Said(value, "default of the kind")
    *before, last = writes
    was = ", ".join(f"{short(write.value)} at {place(write)}" for write in reversed(before))
    read = ", ".join(dotted(other) for other in project.composed.history.through(path))
    notes = [f"was {was}" if was else "", f"reads {read}" if read else ""]
    return Said(value, place(last), "   ".join(note for note in notes if note))


def place(write: Write) -> str:
    """`conf/env/prod.yaml:6`"""
    span = written_span(write.origin)
    if span is not None:
        return f"{span.file}:{span.line}"
    if isinstance(write.origin, FromFact):
        return f"catalogue: {write.origin.fact}"
    return "default of the kind"


def short(value: Any) -> str:
    """A value in a table, on one line."""
    if isinstance(value, Mapping | list | tuple):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = spoken(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def leaves(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    """The places of a resource's fields that are shown on their own: maps are gone into, lists are not."""
    if isinstance(value, Mapping) and value:
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    return [path]


# --- as data --------------------------------------------------------------------------------------------------------


def brought(sources: Iterable[Source]) -> tuple[At, ...]:
    """The references by which readers came to the resources of these, where they are not among them already."""
    found = [source for source in sources if isinstance(source, At)]
    known = {(source.env, source.path) for source in found}
    ways = dict.fromkeys(At(source.env, source.by) for source in found if source.by)
    return tuple(way for way in ways if (way.env, way.path) not in known)


def as_data(workspace: Workspace, source: Source) -> list[dict[str, Any]]:
    """The origins behind one source of a compiled line, the value that counts first."""
    if isinstance(source, Fact):
        return [{"fact": source.fact, "source": source.source, "as_of": source.as_of, "role": "fact"}]
    if isinstance(source, Content):
        return [{"file": source.file, "line": source.line, "role": "content"}]
    project = workspace.projects.get(source.env)
    return [] if project is None else written_data(project, source.path)


def written_data(project: Project, path: KeyPath) -> list[dict[str, Any]]:
    head = {"path": dotted(path), "env": project.env}
    writes = project.composed.history.writes(path)
    if not writes:
        value = value_of(project, path)
        return [{**head, "role": "default", "value": plain(value)}] if value is not None else []
    rows = []
    for index, write in enumerate(reversed(writes)):
        row: dict[str, Any] = {**head, "role": "value" if index == 0 else "overridden", "value": plain(write.value)}
        span = written_span(write.origin)
        if span is not None:
            row |= {"file": span.file, "line": span.line, "column": span.column}
        elif isinstance(write.origin, FromDefault):
            row["role"] = "default"
        elif isinstance(write.origin, FromFact):
            row |= {"role": "fact", "fact": write.origin.fact, "as_of": write.origin.as_of}
        rows.append(row)
    return rows


def plain(value: Any) -> Any:
    """Data that JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def in_words(workspace: Workspace, source: Source) -> str:
    """`deployment.answerer.max_model_len   conf/env/prod.yaml:6  overrides conf/deployment/answerer.yaml:8 (32768)`"""
    if isinstance(source, Fact):
        basis = ", ".join(text for text in (source.source, source.as_of) if text)
        return escape(f"fact {source.fact}   {basis}".rstrip())
    if isinstance(source, Content):
        return escape(f"{source.file}:{source.line}" if source.line else source.file)
    assert isinstance(source, At)
    project = workspace.projects.get(source.env)
    writes = project.composed.history.writes(source.path) if project else ()
    if not writes:
        return escape(f"{dotted(source.path)}   default of the kind")
    *before, last = writes
    over = "".join(f"  overrides {place(write)} ({short(write.value)})" for write in reversed(before))
    return escape(f"{dotted(source.path)}   {place(last)}{over}")
