"""Hand edits and drift in words: which line differs, and where the compiled one comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llmops.compiler.model.finding import Diagnostic, Outcome, Place, diagnose
from llmops.compiler.model.sources import SourceFile, Span

from . import codes
from .difference import Difference, first_difference, shorten
from .plan import Item, Plan, Reason

ExplainLine = Callable[[str, int], str | None]
"""`(artifact path, line of its compiled text) -> "conf/model/answerer.yaml:9:15"`; None if no config made it."""

MAX_LABELS = 50

_HIDDEN = "‹redacted›"
_TOKEN = re.compile(
    r"\b(sk|pk|rk)-\w|\b(gh[opsur]|github_pat|glpat|hf|xox[a-z]|npm)[_-]\w|\bAKIA[0-9A-Z]|\bAIza\w|\beyJ\w|-----BEGIN "
)


@dataclass(frozen=True, slots=True)
class Drift:
    """A file that is not what the configs give. `sign` is `+` missing, `~` different, `-` no longer produced."""

    sign: str
    path: str
    text: str
    span: Span | None = None

    def __str__(self) -> str:
        where = f"{self.path}:{self.span.line}" if self.span else self.path
        return f"{self.sign} {where}   {self.text}"


def refusals(plan: Plan, explain_line: ExplainLine | None = None) -> tuple[Diagnostic, ...]:
    """A diagnostic for each file that a plan does not overwrite (those of blocked paths came with the plan)."""
    edited = [item for item in plan.refuse if item.reason is not Reason.BLOCKED]
    others = plan.changes
    note = "nothing was written" + (f"; {others} other artifacts would have changed" if others else "")
    return tuple(_refusal(item, explain_line, note) for item in edited)


def drift(plan: Plan, explain_line: ExplainLine | None = None) -> tuple[Drift, ...]:
    """All files that differ, sorted by path; the lock last."""
    rows = [Drift("+", item.path, "missing") for item in plan.create]
    rows += [_different(item, explain_line) for item in (*plan.update, *plan.refuse)]
    rows += [Drift("-", item.path, "no longer produced") for item in (*plan.prune, *plan.orphans)]
    rows.sort(key=lambda row: row.path)
    if plan.lock_stale:
        sign, text = ("~", "names other files") if plan.lock_before is not None else ("+", "missing")
        rows.append(Drift(sign, plan.lock_path, text))
    return tuple(rows)


def check(plan: Plan, explain_line: ExplainLine | None = None) -> Outcome[bool]:
    """For `--check`: whether the files on disk are what the configs give; nothing is written.

    A lock that differs only in its first line (an upgrade that changes no artifact) is no drift.
    """
    rows = drift(plan, explain_line)
    if not rows:
        return Outcome(True)
    files = f"{len(rows)} generated files do" if len(rows) > 1 else f"`{rows[0].path}` does"
    labels = tuple(
        Place(row.span or Span(row.path, 1, 1, 1, 2), row.text, primary=n == 0)
        for n, row in enumerate(rows[:MAX_LABELS])
    )
    more = len(rows) - MAX_LABELS
    problem = diagnose(
        codes.DRIFT, f"{files} not match the configs", labels[0].span, labels[0].text, more=labels[1:],
        notes=(f"and {more} more files",) if more > 0 else (),
        help=("run `llmops compile` and commit the result",),
    )  # fmt: skip
    return Outcome(False, (problem,))


def sources(plan: Plan) -> Mapping[str, SourceFile]:
    """The files that labels point at, as they are on disk: renderers show their lines.

    One that seems to hold a secret is left out, so that none of its lines is shown.
    """
    found = {}
    for item in (*plan.update, *plan.refuse, *plan.orphans):
        if item.before is not None:
            file = SourceFile(item.path, item.before)
            if not _TOKEN.search(file.text):
                found[item.path] = file
    return found


def _refusal(item: Item, explain_line: ExplainLine | None, note: str) -> Diagnostic:
    found = _difference(item)
    discard = f"discard the edit with `llmops compile --force {item.path}`"
    if item.reason is Reason.FOREIGN:
        return diagnose(
            codes.FOREIGN_FILE, f"`{item.path}` was not written by llmops", _span(item, found), "differs from here on",
            notes=(note,), help=(f"move it away, or give it up with `llmops compile --force {item.path}`",),
        )  # fmt: skip
    if found is None:
        return diagnose(
            codes.EDITED_ARTIFACT, f"{item.path} was changed by hand", _span(item, None), notes=(note,), help=(discard,)
        )
    origin = explain_line(item.path, found.new_line) if explain_line and found.new is not None else None
    old, new = _shown(found.old), _shown(found.new)
    if found.new is None:
        text, cure = "not in the compiled file", "say it in the config"
    elif found.old is None:
        text, cure = f"compiled with `{new}` here", "take it out of the config"
    else:
        text = f"compiled as {new}" if found.new else "compiled without this"
        cure = f"put {old} in the config" if found.old else "take it out of the config"
    secret = _HIDDEN in (old, new)
    return diagnose(
        codes.EDITED_ARTIFACT, f"{item.path} was changed by hand", _span(item, found),
        f"{text}, from {origin}" if origin else text,
        notes=(note,), help=(discard,) if secret else (f"{cure} and compile again, or {discard}",),
        expected=None if secret else found.new, found=None if secret else found.old, secret=secret,
    )  # fmt: skip


def _different(item: Item, explain_line: ExplainLine | None) -> Drift:
    if item.reason is Reason.BLOCKED:
        return Drift("~", item.path, "cannot be written here")
    found = _difference(item)
    if found is None:
        wanted = item.emitted is not None and item.emitted.executable
        same = item.old == item.new
        text = ("is not executable" if wanted else "is executable") if same else "differs"
        return Drift("~", item.path, text, _span(item, None))
    origin = explain_line(item.path, found.new_line) if explain_line else None
    text = f"committed {_shown(found.old)}, configs give {_shown(found.new)}" + (f" ({origin})" if origin else "")
    return Drift("~", item.path, text, _span(item, found))


def _shown(words: str | None) -> str:
    """What differs, short enough for a line, and without what looks like a secret pasted into a generated file."""
    if not words or not words.strip():
        return "nothing"
    return _HIDDEN if _TOKEN.search(words) else shorten(words.strip())


def _difference(item: Item) -> Difference | None:
    if item.before is None or item.emitted is None:
        return None
    return first_difference(item.before, item.emitted.content)


def _span(item: Item, found: Difference | None) -> Span:
    if found is None:
        return Span(item.path, 1, 1, 1, 2)
    return Span(item.path, found.old_line, found.column, found.old_line, found.end_column)


