"""What `explain` says of a resource, a key path and a line of an artifact: as text and as data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmops.compiler.cli.changes import lines_of
from llmops.compiler.cli.origins import (
    as_data,
    brought,
    in_words,
    leaves,
    place,
    plain,
    said,
    short,
    value_of,
    written_data,
)
from llmops.compiler.diagnostics.collect import plural
from llmops.compiler.diagnostics.escape import escape
from llmops.compiler.model.keys import Address, KeyPath, dotted
from llmops.compiler.model.sources import At, Source

if TYPE_CHECKING:
    from llmops.compiler.model.artifact import Emitted
    from llmops.compiler.model.project import Project, Workspace

MOST_ELSEWHERE = 6
_KEY = re.compile(r"\.?([^.\[\]]+)|\[([0-9]+)\]")


def parse_path(text: str) -> KeyPath:
    """`eval.quality.rows[0].vars`, as people write it; empty where it is none."""
    keys: list[str | int] = []
    at = 0
    while at < len(text):
        match = _KEY.match(text, at)
        if match is None:
            return ()
        keys.append(match.group(1) if match.group(1) is not None else int(match.group(2)))
        at = match.end()
    return tuple(keys)


# --- a resource -----------------------------------------------------------------------------------------------------


def resource_text(
    project: Project, others: Sequence[Project], address: Address, emitted: Sequence[Emitted], verbose: bool
) -> str:
    """A resource of one environment: its values with their places. `others` are further environments that have it."""
    resource = project.resources[address]
    artifacts = sorted(path for path in lines_of(emitted, address.path, project.env))
    head = [f"{address}"]
    writes = project.composed.history.writes(address.path)
    if resource.implied:
        head.append(f"from the catalogue: {resource.implied}")
    elif writes:
        head.append(place(writes[0]).rsplit(":", 1)[0])
    head.append(_users(project, others, address))
    if artifacts:
        head.append(f"in {plural(len(artifacts), 'artifact')}" + ("" if verbose else " (-v lists them)"))
    rows = [(dotted(path), said(project, (*address.path, *path))) for path in leaves(resource.spec) if path]
    names = max((len(name) for name, _ in rows), default=0)
    values = min(max((len(short(row.value)) for _, row in rows), default=0), 40)
    places = max((len(row.place) for _, row in rows), default=0)
    out = ["   ".join(head)]
    for name, row in rows:
        out.append(f"  {name.ljust(names)}  {short(row.value).ljust(values)}  {row.place.ljust(places)}  {row.was}")
    if verbose:
        out += [f"  in {path}" for path in artifacts]
    return "".join(f"{escape(line.rstrip())}\n" for line in out)


def _users(project: Project, others: Sequence[Project], address: Address) -> str:
    """Who refers to it. A pipeline tests in an environment of its own, so that others are told of as well."""
    users = {str(edge.source) for edge in project.edges_to(address)}
    told = f"used by {', '.join(sorted(users))}" if users else "used by nothing" + (" here" if others else "")
    for other in others:
        more = {str(edge.source) for edge in other.edges_to(address)} - users
        if more:
            told += f", in {other.env} by {', '.join(sorted(more))}"
            users |= more
    return told


# --- a key path -----------------------------------------------------------------------------------------------------


def path_text(workspace: Workspace, path: KeyPath, environments: Sequence[str], emitted: Sequence[Emitted]) -> str:
    """The value in each environment, equal ones together, and the artifacts' lines that it became."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for env in environments:
        project = workspace.projects[env]
        if value_of(project, path) is None:
            groups.setdefault(("not there", "", ""), []).append(env)
        else:
            row = said(project, path)
            groups.setdefault((short(row.value), row.place, row.was), []).append(env)
    out = [dotted(path)]
    wide = max(len(" ".join(envs)) for envs in groups.values())
    values = min(max(len(value) for value, _, _ in groups), 40)
    for (value, where, was), envs in groups.items():
        out.append(f"  {' '.join(envs).ljust(wide)}  {value.ljust(values)}  {where}  {was}")
    for artifact, lines in _lines(emitted, path, environments):
        out.append(f"  in {artifact}:{','.join(map(str, lines))}")
    return "".join(f"{escape(line.rstrip())}\n" for line in out)


def path_data(
    workspace: Workspace, path: KeyPath, environments: Sequence[str], emitted: Sequence[Emitted]
) -> dict[str, Any]:
    values = []
    for env in environments:
        project = workspace.projects[env]
        values.append(
            {"env": env, "value": plain(value_of(project, path)), "origins": written_data(project, path)}
        )
    artifacts = [{"path": artifact, "lines": lines} for artifact, lines in _lines(emitted, path, environments)]
    return {"path": dotted(path), "values": values, "artifacts": artifacts}


def _lines(emitted: Sequence[Emitted], path: KeyPath, environments: Sequence[str]) -> list[tuple[str, list[int]]]:
    found: dict[str, set[int]] = {}
    for env in environments:
        for artifact, lines in lines_of(emitted, path, env).items():
            found.setdefault(artifact, set()).update(lines)
    return sorted((artifact, sorted(lines)) for artifact, lines in found.items())


# --- an artifact ----------------------------------------------------------------------------------------------------


def artifact_text(workspace: Workspace, artifact: Emitted, line: int | None, emitted: Sequence[Emitted] = ()) -> str:
    """One line with all that it comes from, and where else that went; or every line, with the first of its origins."""
    texts = artifact.content.decode("utf-8", errors="replace").split("\n")
    out = []
    if line is not None:
        shown = escape(texts[line - 1].strip()) if line <= len(texts) else ""
        sources = artifact.lines[line - 1] if line <= len(artifact.lines) else ()
        if not sources:
            return f"{shown}   <- no config value: the target writes it so\n"
        # what is read by two ways stands there once
        first, *rest = dict.fromkeys(in_words(workspace, source) for source in (*sources, *brought(sources)))
        out = [f"{shown}   <- {first}", *(f"{' ' * len(shown)}   <- {more}" for more in rest)]
        out += _elsewhere(artifact.path, line, sources, emitted)
    else:
        wide = min(max((len(text) for text in texts), default=0), 60)
        numbers = len(str(len(texts)))
        for number, text in enumerate(texts[: len(artifact.lines)], 1):
            sources = artifact.lines[number - 1]
            origin = f"  <- {in_words(workspace, sources[0])}" if sources else ""
            out.append(f"{number:>{numbers}}  {escape(text).ljust(wide)}{origin}".rstrip())
    return "".join(f"{text}\n" for text in out)


def _elsewhere(path: str, line: int, sources: Sequence[Source], emitted: Sequence[Emitted]) -> list[str]:
    """`also in generated/prod/promptfoo/quality.yaml:12`: other lines made of the same values, in that environment."""
    found: dict[str, set[int]] = {}
    for source in sources:
        if isinstance(source, At):
            for artifact, lines in lines_of(emitted, source.path, source.env).items():
                found.setdefault(artifact, set()).update(lines)
    found.get(path, set()).discard(line)
    shown = [f"{artifact}:{','.join(map(str, sorted(lines)))}" for artifact, lines in sorted(found.items()) if lines]
    more = f" and {len(shown) - MOST_ELSEWHERE} more" if len(shown) > MOST_ELSEWHERE else ""
    return [f"  also in {escape(', '.join(shown[:MOST_ELSEWHERE]))}{more}"] if shown else []


def artifact_data(workspace: Workspace, artifact: Emitted, line: int | None) -> dict[str, Any]:
    numbers = range(1, len(artifact.lines) + 1) if line is None else (line,)
    lines = []
    for number in numbers:
        sources = artifact.lines[number - 1] if number <= len(artifact.lines) else ()
        origins: list[dict[str, Any]] = []
        for source in (*sources, *brought(sources)):
            origins += (row for row in as_data(workspace, source) if row not in origins)
        lines.append({"line": number, "origins": origins})
    return {"artifact": artifact.path, "lines": lines}
