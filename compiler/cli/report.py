"""Presenting what a run found, in the format that was asked for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from llmops.compiler.cli.console import Console
from llmops.compiler.diagnostics.collect import plural
from llmops.compiler.diagnostics.render import github, text
from llmops.compiler.diagnostics.render import json as as_json
from llmops.compiler.model.finding import Diagnostic, Severity
from llmops.compiler.model.sources import Sources, Span

MOST_IN_FULL = 100
MOST_LINES = 10
"""Notes and warnings of one code that are shown, a line each."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a command has to say. `full` shows warnings with their lines, and not on one line each.

    `body` is what was asked for, as text for stdout; `data` the same for JSON. `head` stands before the diagnostics in
    text, `last` is the line that ends the run.
    """

    command: str
    status: str
    diagnostics: Sequence[Diagnostic] = ()
    sources: Sources = field(default_factory=dict)
    environments: Sequence[str] = ()
    root: Path | None = None
    body: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, int] | None = None
    last: str = ""
    head: str = ""
    full: bool = False


def present(console: Console, told: Told) -> None:
    shape = console.shape
    if shape == "json":
        found = as_json.report(told.command, told.status, told.diagnostics, files=told.files, **told.data)
        console.out(as_json.dump(found))
    elif shape == "sarif":
        from llmops import __version__
        from llmops.compiler.diagnostics.codes import all_codes
        from llmops.compiler.diagnostics.render import sarif

        console.out(as_json.dump(sarif.report(told.diagnostics, all_codes(), __version__)))
    elif shape == "github":
        _lines(console, told)
        console.out(github.commands(told.diagnostics, told.environments), commands=True)
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            page = github.job_summary(told.diagnostics, told.last, told.environments)
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(page)
        _last(console, told)
    else:
        _lines(console, told)
        _last(console, told)


def _lines(console: Console, told: Told) -> None:
    """The body on stdout, then the diagnostics on stderr."""
    console.out(told.body)
    console.err(told.head + diagnostics_text(console, told))


def _last(console: Console, told: Told) -> None:
    say = console.note if told.status == "ok" else console.err
    say(f"{told.last}\n" if told.last else "")


def diagnostics_text(console: Console, told: Told) -> str:
    look = text.Look(console.color, _links(told.root) if console.links and told.root else None)
    kinds: dict[Severity, list[Diagnostic]] = {severity: [] for severity in Severity}
    for one in told.diagnostics:
        kinds[one.severity].append(one)
    in_full = kinds[Severity.ERROR]
    lines: list[Diagnostic] = []
    if not console.quiet:
        if told.full or console.verbose:
            in_full = [one for one in told.diagnostics if one.severity is not Severity.INFO]
        else:
            lines += kinds[Severity.WARNING]
        if console.verbose or not kinds[Severity.ERROR]:  # beside errors they are mostly echoes
            lines += kinds[Severity.INFO]
    limit = len(in_full) if console.verbose else MOST_IN_FULL
    blocks = text.render(in_full[:limit], told.sources, told.environments, look)
    if len(in_full) > limit:
        blocks += f"\n… and {plural(len(in_full) - limit, 'more finding')}; -v shows all\n"
    short = _short(lines, told.environments, look, all_of_them=console.verbose)
    return blocks + ("\n" if blocks and (short or told.last) else "") + short


def _short(lines: Iterable[Diagnostic], environments: Sequence[str], look: text.Look, *, all_of_them: bool) -> str:
    """A line for each, but no more than a few of one code."""
    out: list[str] = []
    seen: Counter[str] = Counter()
    for one in lines:
        seen[one.code] += 1
        if all_of_them or seen[one.code] <= MOST_LINES:
            out.append(text.line(one, environments, look))
    out += [
        f"… and {number - MOST_LINES} more {code}; -v shows all\n"
        for code, number in sorted(seen.items())
        if number > MOST_LINES and not all_of_them
    ]
    return "".join(out)


def _links(root: Path) -> Any:
    def link(span: Span) -> str | None:
        if span.file.startswith("<"):
            return None
        return f"file://{quote(str(root / span.file), errors='replace')}#L{span.line}"

    return link
