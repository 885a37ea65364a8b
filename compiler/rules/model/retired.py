"""MOD001: a model that its provider has switched off, or will soon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.calls import calls
from llmops.compiler.derive.model import called, hosted, retires, source_note
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import MODEL

SOON = 90
"""Days in which a retirement is worth a warning: about a quarter, the time that providers give at least."""


def check(scope: Scope) -> Iterator[Finding]:
    if scope.as_of is None:
        return
    for model in scope.reader.of(MODEL):
        day = _day(scope, model)
        if day is None:
            if model.has("provider") and hosted(scope.facts, model) is None:
                yield Finding(
                    f"nothing is known of when `{called(model)}` retires", (Label(model.at("id"), primary=True),),
                    unknown=True,
                )
            continue
        left = (day - scope.as_of).days
        if left <= SOON:
            yield _finding(scope, model, day, left)


def _finding(scope: Scope, model: View[Any], day: date, left: int) -> Finding:
    name = model.address.name
    callers = list(calls(scope.reader, model))
    labels = [Label(call.at, f"{call.resource} calls it") for call in callers[:3]]
    past = left <= 0
    notes = [_source(scope, model)]
    if len(callers) > len(labels):
        notes.append(f"{len(callers)} places call it")
    return Finding(
        f"`{name}` was switched off on {day}" if past else f"`{name}` is switched off in {left} days, on {day}",
        (Label(_place(model), f"{called(model)}", primary=True), *labels),
        notes=tuple(notes), help=(_help(scope, model),), severity=Severity.ERROR if past else Severity.WARNING,
        found=str(day),
    )


def _day(scope: Scope, model: View[Any]) -> date | None:
    day = retires(scope.facts, model)
    try:
        return None if day is None else date.fromisoformat(day.value)
    except ValueError:
        return None


def _source(scope: Scope, model: View[Any]) -> str:
    day = retires(scope.facts, model)
    assert day is not None
    return f"judged as of {scope.as_of} {source_note(day)}"


def _place(model: View[Any]) -> tuple[str | int, ...]:
    return model.at("id") if model.has("id") else model.at("facts", "retires")


def _help(scope: Scope, model: View[Any]) -> str:
    """The first model on the chain of replacements that stays."""
    seen = {model.address}
    following = model.ref("replacement")
    while following is not None and following.address not in seen:
        seen.add(following.address)
        day = _day(scope, following)
        if scope.as_of is None or day is None or (day - scope.as_of).days > SOON:
            return f"let its callers name `{following.address.name}`, its replacement"
        following = following.ref("replacement")
    return "set `id` to a model that stays, or name a `replacement` and let the callers move to it"


RULE = Rule(
    code=Code(
        code="MOD001",
        name="model-retired",
        severity=Severity.ERROR,
        summary="A model must still be offered: past its date is an error, within 90 days a warning.",
        why="Every call fails from that day on, in all environments at once. Dates are judged only by "
        "`llmops validate --as-of DATE`, so that a compile gives the same answer on any day.",
        bad="provider: openai\nid: gpt-3.5-turbo     # switched off on 2026-10-23",
        good="provider: openai\nid: gpt-4.1-mini-2025-04-14",
    ),
    check=check,
)
