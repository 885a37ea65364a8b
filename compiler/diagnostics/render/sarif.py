"""Diagnostics as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from llmops.compiler.diagnostics.escape import escape
from llmops.compiler.diagnostics.render.places import fingerprint
from llmops.compiler.model.finding import Code, Diagnostic, Place, Severity
from llmops.compiler.model.sources import Span

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def report(diagnostics: Iterable[Diagnostic], codes: Iterable[Code], version: str) -> dict[str, Any]:
    """One run. Source text is never part of it, so that it holds no secret."""
    told = tuple(diagnostics)
    used = sorted({one.code for one in told})
    known = {code.code: code for code in codes}
    driver = {
        "name": "llmops",
        "semanticVersion": version,
        "rules": [_rule(code, known.get(code), told) for code in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the top of the repository"}}},
        "results": [_result(one, used.index(one.code)) for one in told],
    }
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _rule(code: str, known: Code | None, told: Iterable[Diagnostic]) -> dict[str, Any]:
    if known is None:
        one = next(one for one in told if one.code == code)
        return {"id": code, "name": one.name, "defaultConfiguration": {"level": _LEVELS[one.severity]}}
    text = f"{known.why}\n\nBad:\n{known.bad}\n\nGood:\n{known.good}"
    markdown = f"{known.why}\n\nBad:\n\n```yaml\n{known.bad}\n```\n\nGood:\n\n```yaml\n{known.good}\n```"
    return {
        "id": code,
        "name": known.name,
        "shortDescription": {"text": known.summary},
        "fullDescription": {"text": known.why or known.summary},
        "help": {"text": text, "markdown": markdown},
        "defaultConfiguration": {"level": _LEVELS[known.severity]},
    }


def _result(one: Diagnostic, index: int) -> dict[str, Any]:
    text = "\n".join([one.message, *(f"help: {text}" for text in one.help), *(f"note: {text}" for text in one.notes)])
    result: dict[str, Any] = {
        "ruleId": one.code,
        "ruleIndex": index,
        "level": _LEVELS[one.severity],
        "message": _message(text),
        "partialFingerprints": {"llmops/v1": fingerprint(one)},
    }
    if one.primary:
        result["locations"] = [_location(one.primary)]
    related = [{**_location(place), "id": number} for number, place in enumerate(one.labels[1:], 1)]
    if related:
        result["relatedLocations"] = related
    properties = {
        key: value
        for key, value in (
            ("environments", list(one.environments)), ("resource", one.resource), ("path", one.path),
        )
        if value
    }
    if properties:
        result["properties"] = properties
    return result


def _location(place: Place) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place.span.file, errors="replace"), "uriBaseId": "SRCROOT"},
            "region": _region(place.span),
        }
    }
    if place.text:
        location["message"] = _message(place.text)
    return location


def _region(span: Span) -> dict[str, int]:
    region = {"startLine": max(span.line, 1), "startColumn": max(span.column, 1)}
    if (span.end_line, span.end_column) > (span.line, span.column):
        region |= {"endLine": span.end_line, "endColumn": max(span.end_column, 1)}
    return region


def _message(text: str) -> dict[str, str]:
    """Plain text, in which no link of SARIF's own (`[text](1)`) can stand."""
    return {"text": "\n".join(escape(line) for line in text.split("\n")).replace("](", "]\\u{28}")}
