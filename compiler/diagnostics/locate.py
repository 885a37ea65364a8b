"""From key paths to lines and columns: what makes a finding a diagnostic."""

from __future__ import annotations

from dataclasses import replace

from llmops.compiler.model.finding import Code, Diagnostic, Edit, Finding, Fix, Label, Place, Severity
from llmops.compiler.model.keys import KeyPath, dotted
from llmops.compiler.model.project import Composed
from llmops.compiler.model.sources import FromFile, FromOverride, Origin, Span, Write

_ROOT_KEYS = ("env",)
"""Root keys of a composed config that are no kind, so that what stands below is no resource."""


def locate(code: Code, finding: Finding, composed: Composed, *, level: Severity | None = None) -> Diagnostic:
    """The finding with its places in one environment. `level` is what llmops.yaml or a policy makes of the code."""
    primary = next(label for label in finding.labels if label.primary)
    others = (label for label in finding.labels if not label.primary)
    spans = ((one, one.part or span_of(composed, one.at, key_only=one.key_only)) for one in (primary, *others))
    places = [Place(span, label.text, label.primary) for label, span in spans if span is not None]
    at = () if isinstance(primary.at, Span) else primary.at
    return Diagnostic(
        code=code.code,
        name=code.name,
        severity=level or finding.severity or code.severity,
        message=finding.message,
        labels=tuple(dict.fromkeys(places)) if places and places[0].primary else (),
        notes=finding.notes,
        help=finding.help,
        fixes=tuple(fix for fix in (_located(fix, composed) for fix in finding.fixes) if fix is not None),
        environments=(composed.env,),
        resource=f"{at[0]}.{at[1]}" if len(at) > 1 and at[0] not in _ROOT_KEYS else None,
        path=dotted(at) if at else None,
        expected=finding.expected,
        found=finding.found,
        secret=finding.secret,
        unknown=finding.unknown,
    )


def span_of(composed: Composed, at: KeyPath | Span, *, key_only: bool = False) -> Span | None:
    """Where a path was written last; a path without a place (a default, a missing key) is shown by what holds it."""
    if isinstance(at, Span):
        return at
    span = _own(composed, at, key_only)
    while span is None and at:
        at = at[:-1]
        span = _own(composed, at, key_only=True)
    return span


def written_span(origin: Origin) -> Span | None:
    """The place of one writer; None for a default or a fact."""
    return origin.span if isinstance(origin, FromFile | FromOverride) else None


def _own(composed: Composed, at: KeyPath, key_only: bool) -> Span | None:
    if not at:
        return None
    if key_only and (key := composed.history.key(at)) is not None:
        return key
    writes = composed.history.writes(at)
    return written_span(writes[-1].origin) if writes else None


def _located(fix: Fix, composed: Composed) -> Fix | None:
    """A fix whose edits are spans; None where one of them has no place of its own."""
    edits = []
    for edit in fix.edits:
        span = edit.at if isinstance(edit.at, Span) else _own(composed, edit.at, edit.key_only)
        if span is None:
            return None
        edits.append(Edit(span, edit.text))
    return replace(fix, edits=tuple(edits))


def writers(composed: Composed, path: KeyPath) -> tuple[Label, ...]:
    """Labels that tell how a value came to be: `1536 at first`, then "then env `prod` makes it 768"."""
    writes = [write for write in composed.history.writes(path) if written_span(write.origin) is not None]
    labels = []
    for index, write in enumerate(writes):
        span = written_span(write.origin)
        assert span is not None
        value = spoken(write.value)
        if len(writes) == 1:
            text = value
        elif index == 0:
            text = f"{value} at first"
        else:
            text = f"then {writer(write)} makes it {value}"
        labels.append(Label(span, text))
    return tuple(labels)


def writer(write: Write) -> str:
    """Who wrote a value, in words: "env `prod`", "`a.b=1`", or the file."""
    origin = write.origin
    if isinstance(origin, FromOverride):
        return f"`{origin.text}`"
    if isinstance(origin, FromFile):
        parts = origin.span.file.rsplit(".", 1)[0].split("/")
        if origin.layer == "profile" and len(parts) > 1:
            return f"{parts[-2]} `{parts[-1]}`"
        return origin.span.file
    return "the default"


def spoken(value: object) -> str:
    """A value for a few words under a line: short, on one line, spelt as in YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
