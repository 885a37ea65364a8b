"""A plan in words: what a compile changes, and because of which lines of the configs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from llmops.compiler.cli.run import Run
from llmops.compiler.diagnostics.collect import plural
from llmops.compiler.diagnostics.escape import escape
from llmops.compiler.diagnostics.locate import written_span
from llmops.compiler.model.finding import Diagnostic, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sources import At, Content, Source, Span

if TYPE_CHECKING:
    from llmops.compiler.model.artifact import Emitted
    from llmops.compiler.model.project import Project, Workspace
    from llmops.compiler.write.plan import Item, Plan
    from llmops.compiler.write.refusals import Drift

_WORD = re.compile(r"[\w.-]+")
MOST = 30
"""Changes that are shown; the rest is counted."""


def counts(plan: Plan) -> dict[str, int]:
    return {"added": len(plan.create), "changed": len(plan.update), "removed": len(plan.prune)}


def place_of_source(workspace: Workspace, source: Source) -> Span | None:
    """Where a person would edit what a compiled value came from; None for a default or a fact."""
    if isinstance(source, At):
        project = workspace.projects.get(source.env)
        writes = project.composed.history.writes(source.path) if project else ()
        return written_span(writes[-1].origin) if writes else None
    if isinstance(source, Content):
        line = max(source.line, 1)
        return Span(source.file, line, 1, line, 1)
    return None


class Explain(Protocol):
    """For an artifact's compiled line, the place in the configs: `conf/deployment/answerer.yaml:9`.

    Of several places the one whose value is what is `said` there now, else one whose value stands in the line as it
    is, else the first.
    """

    def __call__(self, path: str, line: int, said: str | None = None) -> str | None: ...


def explainer(run: Run) -> Explain:
    by_path = {one.path: one for one in run.compilation.emitted}

    def explain(path: str, line: int, said: str | None = None) -> str | None:
        emitted, workspace = by_path.get(path), run.compilation.workspace
        if emitted is None or workspace is None or not 0 < line <= len(emitted.lines):
            return None
        text = emitted.content.decode("utf-8", errors="replace").split("\n")[line - 1]
        words = set(_WORD.findall(text))
        sources = sorted(
            emitted.lines[line - 1], key=lambda source: -_nearness(_value(workspace, source), said, words)
        )
        spans = (place_of_source(workspace, source) for source in sources)
        return next((f"{span.file}:{span.line}" for span in spans if span is not None), None)

    return explain


def _value(workspace: Workspace, source: Source) -> str | None:
    """What a config says at a place, where that is one word or number."""
    if not isinstance(source, At) or source.env not in workspace.projects:
        return None
    found: Any = workspace.projects[source.env].composed.tree
    for key in source.path:
        inside = isinstance(found, Mapping) and key in found
        inside = inside or (isinstance(found, list) and isinstance(key, int) and key < len(found))
        if not inside:
            return None
        found = found[key]
    return None if isinstance(found, (Mapping, list)) or found is None else str(found)


def _nearness(value: str | None, said: str | None, words: set[str]) -> int:
    if value is None:
        return 0
    return 2 if value == said else 1 if value in words else 0


def environment_table(run: Run) -> str:
    """A line for each environment: how much it has, and what was found there."""
    workspace = run.compilation.workspace
    if workspace is None:
        return ""
    wide = max((len(env) for env in workspace.projects), default=0)
    out = []
    for env, project in workspace.projects.items():
        here = [one for one in run.diagnostics if env in one.environments or not one.environments]
        warnings = sum(one.severity is Severity.WARNING for one in here)
        out.append(
            f"{escape(env).ljust(wide)}  {plural(len(project.resources), 'resource')}, "
            f"{plural(len(project.edges), 'edge')}, 0 errors, {plural(warnings, 'warning')}\n"
        )
    return "".join(out)


def describe(run: Run, plan: Plan, *, verbose: bool = False) -> str:
    """Lines that start with `+`, `~` or `-`; empty where nothing changes."""
    out = []
    if len(plan.create) > 5 and not verbose:
        out.append(f"+ {plural(len(plan.create), 'file')}   {_by_folder(plan.create)}")
    else:
        out += [f"+ {escape(item.path)}" for item in plan.create]
    environments = run.environments
    out += _updates(plan.update, environments, explainer(run))
    out += [f"- {path}   no longer produced" for path in _grouped([item.path for item in plan.prune], environments)]
    if len(out) > MOST and not verbose:
        out = [*out[:MOST], f"… and {plural(len(out) - MOST, 'more change')}"]
    affected = _affected(run, plan.update)
    if affected:
        more = f" and {len(affected) - MOST} more" if len(affected) > MOST else ""
        out.append(f"affects {', '.join(escape(str(address)) for address in affected[:MOST])}{more}")
    return "".join(f"{line}\n" for line in out)


def _affected(run: Run, items: Sequence[Item]) -> list[Address]:
    """What needs the resources that changed lines come from, directly or not."""
    from llmops.compiler.write.difference import first_difference

    workspace = run.compilation.workspace
    found: set[Address] = set()
    changed: set[tuple[str, Address]] = set()
    for item in items:
        difference = first_difference(item.before or b"", item.emitted.content) if item.emitted else None
        if difference is None or item.emitted is None or difference.new_line > len(item.emitted.lines):
            continue
        for source in item.emitted.lines[difference.new_line - 1]:
            if isinstance(source, At) and len(source.path) > 1:
                changed |= {(source.env, Address(str(at[0]), str(at[1]))) for at in (source.path, source.by) if at}
    for env, address in changed:
        project = workspace.projects.get(env) if workspace else None
        if project is not None:
            found |= _users(project, address)
    return sorted(found)


def _users(project: Project, address: Address) -> set[Address]:
    """As `project.dependents`, without networkx, which a small compile has no other need of."""
    found: set[Address] = set()
    waiting = [address]
    while waiting:
        users = {edge.source for edge in project.edges_to(waiting.pop())} - found
        found |= users
        waiting += users
    return found


def _by_folder(items: Sequence[Item]) -> str:
    """`generated/dev (8)  .github/workflows (1)`"""
    tally = Counter("/".join(item.path.split("/")[:-1][:2]) or "." for item in items)
    return "  ".join(f"{escape(folder)} ({number})" for folder, number in sorted(tally.items()))


def _updates(items: Sequence[Item], environments: Sequence[str], explain: Explain) -> list[str]:
    """One line for each change; the same change in several environments' files is one."""
    groups: dict[str, list[str]] = {}
    for item in items:
        groups.setdefault(_change(item, explain), []).append(item.path)
    out = []
    for text, paths in groups.items():
        shown = _grouped(paths, environments)
        for index, path in enumerate(shown):
            out.append(f"~ {path}   {text if index == 0 else 'same change'}")
    return out


def _change(item: Item, explain: Explain) -> str:
    from llmops.compiler.write.difference import first_difference, shorten

    found = first_difference(item.before or b"", item.emitted.content) if item.emitted else None
    if found is None:
        return "changed"
    lines = item.emitted.content.decode("utf-8", errors="replace").split("\n") if item.emitted else []
    if found.old is None and found.new is not None:
        text = f"new line: {shorten(found.new.strip())}"
    elif found.new is None and found.old is not None:
        text = f"gone: {shorten(found.old.strip())}"
    else:
        line = lines[found.new_line - 1] if found.new_line <= len(lines) else ""
        key = line.strip().lstrip("- ").partition(":")[0].strip('"') if ":" in line[: found.column - 1] else ""
        text = f"{key} {shorten(found.old or 'nothing')} -> {shorten(found.new or 'nothing')}".strip()
    origin = explain(item.path, found.new_line, found.new) if found.new is not None else None
    return escape(text) + (f"   from {escape(origin)}" if origin else "")


def drift_text(problem: Diagnostic, rows: Sequence[Drift], color: bool) -> str:
    """What `--check` found: a line for each file, as the plan tells it."""
    from llmops.compiler.diagnostics.render.text import Look

    head = Look(color).paint(f"{problem.severity}[{problem.code}]", problem.severity)
    out = [f"{head}: {escape(problem.message)}  ({problem.name})", *(f"  {escape(str(row))}" for row in rows[:MOST])]
    if len(rows) > MOST:
        out.append(f"  … and {plural(len(rows) - MOST, 'more file')}")
    return "".join(f"{line}\n" for line in out) + "\n"


def _grouped(paths: Sequence[str], environments: Sequence[str]) -> list[str]:
    """Paths that differ only in the environment as one: `generated/{dev,prod}/litellm/config.yaml`."""
    groups: dict[tuple[str, str], list[str]] = {}
    for path in paths:
        parts = path.split("/")
        places = (n for n, part in enumerate(parts[:-1]) if part in environments and parts[n - 1] == "generated")
        at = next(places, None)
        if at is None:
            groups[(path, "")] = []
        else:
            key = ("/".join(parts[:at]) + "/", "/" + "/".join(parts[at + 1 :]))
            groups.setdefault(key, []).append(parts[at])
    out = []
    for (before, after), envs in groups.items():
        middle = "" if not envs else envs[0] if len(envs) == 1 else f"{{{','.join(envs)}}}"
        out.append(escape(f"{before}{middle}{after}"))
    return out


def lines_of(emitted: Sequence[Emitted], path: tuple[str | int, ...], env: str | None) -> Mapping[str, list[int]]:
    """The lines of artifacts that a config value (or anything below it) is in, by artifact."""
    found: dict[str, list[int]] = {}
    for artifact in emitted:
        lines = [
            number
            for number, sources in enumerate(artifact.lines, 1)
            if any(
                isinstance(s, At) and path in (s.path[: len(path)], s.by[: len(path)]) and env in (None, s.env)
                for s in sources
            )
        ]
        if lines:
            found[artifact.path] = lines
    return found
