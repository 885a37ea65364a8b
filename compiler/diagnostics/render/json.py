"""Diagnostics as data: the form that scripts and editors read. Its schema is schemas/diagnostic.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from llmops.compiler.diagnostics.codes import doc_page
from llmops.compiler.diagnostics.collect import count
from llmops.compiler.diagnostics.render.places import fingerprint
from llmops.compiler.model.finding import Diagnostic, Edit, Fix
from llmops.compiler.model.sources import Span

VERSION = 1


def dump(value: Mapping[str, Any]) -> str:
    """One object, keys sorted, on one line; ASCII, and without `##[`, so that no terminal and no log is led astray."""
    text = json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return text.replace("##[", "##\\u005b") + "\n"


def report(
    command: str,
    status: str,
    diagnostics: Iterable[Diagnostic],
    *,
    files: Mapping[str, int] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The object that a command prints. `files` counts what was (or would be) added, changed and removed."""
    told = tuple(diagnostics)
    counts = count(told)
    summary: dict[str, Any] = {"errors": counts.errors, "warnings": counts.warnings, "infos": counts.infos}
    if counts.unknown:
        summary["unknown"] = counts.unknown
    if files is not None:
        summary["files"] = dict(files)
    return {
        "schema": VERSION,
        "command": command,
        "status": status,
        "summary": summary,
        "diagnostics": [as_data(one) for one in told],
        **more,
    }


def as_data(one: Diagnostic) -> dict[str, Any]:
    data: dict[str, Any] = {
        "code": one.code,
        "name": one.name,
        "severity": one.severity.value,
        "message": one.message,
        "envs": list(one.environments),
        "related": [{**_place(place.span), "message": place.text} for place in one.labels[1:]],
        "help": "\n".join(one.help),
        "notes": list(one.notes),
        "url": doc_page(one.code),
        "fingerprint": fingerprint(one),
    }
    if one.primary:
        data |= _place(one.primary.span)
        if one.primary.text:
            data["label"] = one.primary.text
    for name, value in (("resource", one.resource), ("path", one.path)):
        if value is not None:
            data[name] = value
    if not one.secret:
        data |= {name: v for name, v in (("expected", one.expected), ("found", one.found)) if v is not None}
    if one.fixes:
        data["fix"] = _fix(one.fixes[0])
    if one.unknown:
        data["unknown"] = True
    return data


def span_data(span: Span) -> dict[str, Any]:
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }


def _place(span: Span) -> dict[str, Any]:
    return {"file": span.file, "range": span_data(span)}


def _fix(fix: Fix) -> dict[str, Any]:
    return {"title": fix.title, "safe": fix.safe, "edits": [_edit(edit) for edit in fix.edits]}


def _edit(edit: Edit) -> dict[str, Any]:
    assert isinstance(edit.at, Span), "fixes are located before they are rendered"
    return {**_place(edit.at), "text": edit.text}
