"""What passes and rules find, before and after it has a place in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sources import Span

T = TypeVar("T")
U = TypeVar("U")


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of problem, documented once: `explain`, the reference pages and SARIF are made from it.

    `code` is three letters and three digits, never reused; `name` reads well after "allow …" and names the problem.
    `bad` and `good` are short YAML excerpts.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    why: str
    bad: str
    good: str
    since: str = "0.1"


@dataclass(frozen=True, slots=True)
class Label:
    """A place with a few words under it. `at` is a key path (the engine finds line and column) or a span.

    Exactly one label of a finding is primary. `key_only` points at the key instead of its value, `part` at a stretch
    inside it.
    """

    at: KeyPath | Span
    text: str = ""
    primary: bool = False
    key_only: bool = False
    part: Span | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace what stands at `at` by `text` (YAML source text for a key path or a span)."""

    at: KeyPath | Span
    text: str
    key_only: bool = False


@dataclass(frozen=True, slots=True)
class Fix:
    title: str
    edits: tuple[Edit, ...]
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem in symbolic places: no file, no code, no severity (unless it differs from the code's own).

    `unknown` marks a check that could not be made since a fact is missing: counted and listed by `-v`, never an error.
    `secret`: what stands at the primary place must not be shown.
    """

    message: str
    labels: tuple[Label, ...]
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    severity: Severity | None = None
    expected: str | None = None
    found: str | None = None
    unknown: bool = False
    secret: bool = False

    def __post_init__(self) -> None:
        if sum(label.primary for label in self.labels) != 1:
            raise ValueError(f"exactly one primary label is needed: {self.message}")


@dataclass(frozen=True, slots=True)
class Place:
    """A label with its span."""

    span: Span
    text: str = ""
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What a user sees. `labels[0]` is the primary place; a diagnostic about the whole run has none.

    `secret`: what stands at the primary place is never shown, by this or any other diagnostic. `unknown` as in Finding.
    """

    code: str
    name: str
    severity: Severity
    message: str
    labels: tuple[Place, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = field(default=(), compare=False)
    environments: tuple[str, ...] = ()
    resource: str | None = None
    path: str | None = None
    expected: str | None = None
    found: str | None = None
    secret: bool = False
    unknown: bool = False

    @property
    def primary(self) -> Place | None:
        return self.labels[0] if self.labels else None


def diagnose(
    code: Code,
    message: str,
    span: Span | None,
    text: str = "",
    *,
    more: Iterable[Place] = (),
    notes: Iterable[str] = (),
    help: Iterable[str] = (),  # noqa: A002
    fixes: Iterable[Fix] = (),
    environments: Iterable[str] = (),
    expected: str | None = None,
    found: str | None = None,
    path: str | None = None,
    secret: bool = False,
) -> Diagnostic:
    """A diagnostic at a known span: for passes that work on text, before there are key paths."""
    labels = () if span is None else (Place(span, text, primary=True), *more)
    return Diagnostic(
        code=code.code, name=code.name, severity=code.severity, message=message, labels=labels, notes=tuple(notes),
        help=tuple(help), fixes=tuple(fixes), environments=tuple(environments), path=path, expected=expected,
        found=found, secret=secret,
    )


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """A pass's result and what it found on the way. A user's mistake is a diagnostic, never an exception."""

    value: T
    diagnostics: tuple[Diagnostic, ...] = ()

    def then(self, step: Callable[[T], Outcome[U]]) -> Outcome[U]:
        following = step(self.value)
        return Outcome(following.value, self.diagnostics + following.diagnostics)
