"""Many findings, one report: merged over environments, in a stable order, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from llmops.compiler.model.finding import Diagnostic, Severity
from llmops.compiler.model.sources import Span

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
_BASIC = ("CFG", "SCH", "REF")
"""Areas whose codes need no explanation as a rule: others are offered first."""


@dataclass(frozen=True, slots=True)
class Counts:
    errors: int = 0
    warnings: int = 0
    infos: int = 0
    unknown: int = 0


def merge(*groups: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each problem once, with all the environments that have it, ordered by file, line, column and code.

    Where a problem is worse in one environment than in another, it is told once, as it is there.
    """
    merged: dict[Diagnostic, tuple[Severity, tuple[str, ...]]] = {}
    for one in (one for group in groups for one in group):
        key = replace(one, environments=(), severity=Severity.INFO)
        severity, envs = merged.get(key, (one.severity, ()))
        if _RANK[one.severity] < _RANK[severity]:
            severity, envs = one.severity, ()
        if one.severity is severity:
            envs = tuple(dict.fromkeys((*envs, *one.environments)))
        merged[key] = (severity, envs)
    told = (replace(key, severity=severity, environments=envs) for key, (severity, envs) in merged.items())
    return tuple(sorted(told, key=_order))


def discreet(diagnostics: Iterable[Diagnostic], about_secrets: str) -> tuple[Diagnostic, ...]:
    """One message for a secret where two are about the same place: the graver, else the one of that code."""
    told = tuple(diagnostics)
    best: dict[Span, tuple[int, bool]] = {}
    for one in told:
        if one.secret and one.primary:
            rank = _RANK[one.severity], one.code != about_secrets
            best[one.primary.span] = min(rank, best.get(one.primary.span, rank))
    return tuple(
        one for one in told
        if not (one.secret and one.primary)
        or (_RANK[one.severity], one.code != about_secrets) == best[one.primary.span]
    )


def without_echoes(diagnostics: Iterable[Diagnostic], guesses: frozenset[str]) -> tuple[Diagnostic, ...]:
    """Without a guess (a diagnostic of those codes) about a place where another one knows what is wrong."""
    told = tuple(diagnostics)
    certain = {
        one.primary.span for one in told
        if one.primary and one.code not in guesses and one.severity is not Severity.INFO
    }
    return tuple(
        one for one in told if one.code not in guesses or one.primary is None or one.primary.span not in certain
    )


def _order(one: Diagnostic) -> tuple[str, int, int, str, str, tuple[str, ...]]:
    at = one.primary
    place = (at.span.file, at.span.line, at.span.column) if at else ("", 0, 0)
    return (*place, one.code, one.message, one.environments)


def count(diagnostics: Iterable[Diagnostic]) -> Counts:
    known = Counter("unknown" if one.unknown else one.severity.value for one in diagnostics)
    return Counts(known["error"], known["warning"], known["info"], known["unknown"])


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(one.severity is Severity.ERROR for one in diagnostics)


def shown_environments(one: Diagnostic, environments: Sequence[str]) -> tuple[str, ...]:
    """The environments to name beside a diagnostic: none where all have it, or where it is about the whole project."""
    return one.environments if set(one.environments) < set(environments) else ()


def plural(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def summary(diagnostics: Sequence[Diagnostic], environments: Sequence[str], ending: str = "nothing was written") -> str:
    """The last line of a run that failed, or that only looked."""
    errors = [one for one in diagnostics if one.severity is Severity.ERROR]
    counts = count(diagnostics)
    told = errors or [one for one in diagnostics if one.severity is Severity.WARNING]
    files = {one.primary.span.file for one in told if one.primary and not one.primary.span.file.startswith("<")}
    where = f" in {plural(len(files), 'file')}" if files else ""
    if errors:
        text = plural(counts.errors, "error") + where + _by_environment(told, environments)
        text += f", {plural(counts.warnings, 'warning')}" if counts.warnings else ""
    elif told:
        text = f"no errors, {plural(counts.warnings, 'warning')}{where}{_by_environment(told, environments)}"
    else:
        text = "no errors"
    text += f"; {ending}." if ending else "."
    code = _worth_explaining(told)
    return f"{text}   llmops explain {code}" if code else text


def _by_environment(told: Sequence[Diagnostic], environments: Sequence[str]) -> str:
    """` (dev and prod: 2, prod only: 1)`, or nothing where the environments do not differ."""
    if not any(shown_environments(one, environments) for one in told):
        return ""
    sets = Counter(shown_environments(one, environments) or tuple(environments) for one in told)
    words = []
    for names, number in sorted(sets.items(), key=lambda item: (-len(item[0]), item[0])):
        if len(names) == len(environments):
            label = _joined(names) if len(names) < 4 else "all environments"
        else:
            label = f"{_joined(names)} only"
        words.append(f"{label}: {number}")
    return f" ({', '.join(words)})"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _worth_explaining(told: Sequence[Diagnostic]) -> str | None:
    codes = [one.code for one in told]
    return next((code for code in codes if not code.startswith(_BASIC)), codes[0] if codes else None)
