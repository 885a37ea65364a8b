"""What the renderers share: positions as plain data, and a diagnostic's fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from llmops.compiler.model.finding import Diagnostic, Severity
from llmops.compiler.model.sources import Span

ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def position(span: Span) -> str:
    """`conf/model/a.yaml:4:12`"""
    return f"{span.file}:{span.line}:{span.column}"


def fingerprint(one: Diagnostic) -> str:
    """Names a problem over runs, wherever its line moves: made of the code, the resource and the key path."""
    file = one.primary.span.file if one.primary else ""
    parts = (one.code, one.resource or file, one.path or one.message)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()


def by_severity(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Errors first; the order is otherwise kept."""
    return sorted(diagnostics, key=lambda one: ORDER[one.severity])
