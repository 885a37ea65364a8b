"""Silences: `# llmops: ignore[CODE, CODE] until DATE: reason`, on the line of a finding or on the one above it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from llmops.compiler.check import codes
from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.load.headers import comments
from llmops.compiler.model.finding import Diagnostic, Severity, diagnose
from llmops.compiler.model.sources import Sources, Span

MAX_LENGTH = 1_000
"""Characters of a silence."""
MAX_HINTS = 50
"""Unknown codes for which a like one is looked for."""

_START = re.compile(r"#+\s*llmops:\s*ignore\b")
_WHOLE = re.compile(
    r"#+\s*llmops:\s*ignore\[([A-Z0-9, ]+)\](?:\s+until\s+([0-9]{4}-[0-9]{2}-[0-9]{2}))?(?:\s*:\s*(.*))?\Z"
)


@dataclass(frozen=True, slots=True)
class Silence:
    codes: tuple[str, ...]
    span: Span
    until: date | None
    reason: str


@dataclass(frozen=True, slots=True)
class Silenced:
    """What is left to say, and what silences kept quiet (for `diff` and `-v`)."""

    diagnostics: tuple[Diagnostic, ...]
    quiet: tuple[tuple[Diagnostic, Silence], ...]


def read(sources: Sources, known: Iterable[str]) -> tuple[tuple[Silence, ...], tuple[Diagnostic, ...]]:
    """All silences of a project's config files, and what is wrong with how they are written."""
    names = frozenset(known)
    silences: list[Silence] = []
    wrong: list[Diagnostic] = []
    for path in sorted(sources):
        source = sources[path]
        if b"llmops:" not in source.data:
            continue
        for line, column, text in comments(source.data):
            if not _START.match(text):
                continue
            span = Span(path, line, column, line, column + len(text))
            match = _WHOLE.match(text.rstrip()) if len(text) <= MAX_LENGTH else None
            until = _date(match.group(2)) if match and match.group(2) else None
            if match is None or (match.group(2) and until is None):
                wrong.append(diagnose(
                    codes.CFG094, "this silence is not understood", span,
                    help=("write `# llmops: ignore[CODE] until 2027-01-31: reason`; the date is optional",),
                ))
                continue
            wanted = tuple(code.strip() for code in match.group(1).split(",") if code.strip())
            for code in wanted:
                if code not in names:
                    close = nearest(code, sorted(names)) if len(wrong) < MAX_HINTS else []
                    wrong.append(diagnose(
                        codes.CFG093, f"there is no code `{code}`", span, found=code,
                        help=(f"did you mean `{close[0]}`?",) if close else ("`llmops rules` lists them",),
                    ))
            reason = (match.group(3) or "").strip()
            if not reason:
                wrong.append(diagnose(
                    codes.CFG090, f"the silence of {', '.join(wanted)} gives no reason", span,
                    help=("add `: reason` at its end",),
                ))
            silences.append(Silence(wanted, span, until, reason))
    return tuple(silences), tuple(wrong)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def apply(
    diagnostics: Iterable[Diagnostic], silences: Iterable[Silence], as_of: date | None, rules: frozenset[str]
) -> Silenced:
    """Take out what is silenced: findings of rules, and what passes warn of; never an error of a pass.

    A silence past its date, judged by `as_of` alone, no longer silences.
    """
    by_line: dict[tuple[str, int], list[Silence]] = {}
    for silence in silences:
        if not _ended(silence, as_of):
            for line in (silence.span.line, silence.span.line + 1):
                by_line.setdefault((silence.span.file, line), []).append(silence)
    spoken: list[Diagnostic] = []
    quiet: list[tuple[Diagnostic, Silence]] = []
    for diagnostic in diagnostics:
        place = diagnostic.primary
        here = by_line.get((place.span.file, place.span.line), []) if place else []
        found = next((s for s in here if diagnostic.code in s.codes), None)
        fixed = diagnostic.severity is Severity.ERROR and diagnostic.code not in rules
        if found is None or fixed:
            spoken.append(diagnostic)
        else:
            quiet.append((diagnostic, found))
    return Silenced(tuple(spoken), tuple(quiet))


def idle(
    silences: Iterable[Silence],
    quiet: Iterable[tuple[Diagnostic, Silence]],
    as_of: date | None,
    judged: frozenset[str],
) -> Iterator[Diagnostic]:
    """Silences that are past their date, or silence nothing; of codes that were not `judged` nothing is known."""
    used = {(silence, diagnostic.code) for diagnostic, silence in quiet}
    for silence in silences:
        if silence.until is not None and _ended(silence, as_of):
            yield diagnose(
                codes.CFG092, f"this silence ended on {silence.until.isoformat()}", silence.span,
                help=("mend what it silences, or move the date and say why",),
            )
            continue
        for code in silence.codes:
            if code in judged and (silence, code) not in used:
                yield diagnose(
                    codes.CFG091, f"nothing here is silenced by `{code}`", silence.span, help=("remove the comment",),
                )


def _ended(silence: Silence, as_of: date | None) -> bool:
    return silence.until is not None and as_of is not None and silence.until < as_of
