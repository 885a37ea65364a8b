"""Diagnostics as annotations of GitHub Actions, and the job summary for what does not fit there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmops.compiler.diagnostics.collect import plural, shown_environments
from llmops.compiler.diagnostics.escape import code_span, escape, table_cell, workflow_data, workflow_property
from llmops.compiler.diagnostics.render.places import by_severity, position
from llmops.compiler.model.finding import Diagnostic, Severity

MOST = 10
"""GitHub shows so many errors, and so many warnings, of one step."""
_SUMMARY_ROWS = 500
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning"}


def commands(diagnostics: Iterable[Diagnostic], environments: Sequence[str] = ()) -> str:
    """Workflow commands, errors first; the last of each kind says how many more there are."""
    told = tuple(diagnostics)
    out = []
    for severity, command in _COMMANDS.items():
        some = [one for one in told if one.severity is severity]
        for index, one in enumerate(some[:MOST]):
            more = len(some) - MOST if index == MOST - 1 else 0
            out.append(_annotation(command, one, environments, more))
    return "".join(out)


def _annotation(command: str, one: Diagnostic, environments: Sequence[str], more: int) -> str:
    properties = {"title": f"{one.code} {one.name}"}
    if one.primary and not one.primary.span.file.startswith("<"):  # an override is no file
        span = one.primary.span
        properties |= {"file": span.file, "line": str(span.line), "col": str(span.column)}
        if span.end_line == span.line:
            properties |= {"endLine": str(span.end_line), "endColumn": str(span.end_column)}
    text = [one.message]
    envs = shown_environments(one, environments)
    if envs:
        text[0] += f" [{' '.join(envs)}]"
    if one.primary and one.primary.text:
        text.append(one.primary.text)
    text += [f"help: {line}" for line in one.help]
    text += [f"note: {line}" for line in one.notes]
    if more:
        text.append(f"… and {plural(more, 'more ' + command)}: see the job summary")
    data = workflow_data("\n".join(escape(line) for line in text))
    return f"::{command} {','.join(f'{key}={workflow_property(value)}' for key, value in properties.items())}::{data}\n"


def job_summary(diagnostics: Iterable[Diagnostic], last_line: str, environments: Sequence[str] = ()) -> str:
    """Markdown with every diagnostic in a row, up to a limit; each value in a code span."""
    told = by_severity(diagnostics)
    out = ["### llmops", "", code_span(last_line), ""]
    if told:
        out += ["| | code | where | what |", "|---|---|---|---|"]
        for one in told[:_SUMMARY_ROWS]:
            where = table_cell(position(one.primary.span)) if one.primary else ""
            envs = " ".join(table_cell(env) for env in shown_environments(one, environments))
            what = f"{table_cell(one.message)} {envs}".rstrip()
            out.append(f"| {one.severity} | {one.code} | {where} | {what} |")
        if len(told) > _SUMMARY_ROWS:
            out += ["", f"… and {len(told) - _SUMMARY_ROWS:,} more"]
        out.append("")
    return "\n".join(out) + "\n"
