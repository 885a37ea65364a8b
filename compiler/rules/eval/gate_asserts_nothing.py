"""EVL003: a gate that no answer can fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.assertions import assertions, informational, vacuous
from llmops.compiler.derive.gate import blocks
from llmops.compiler.diagnostics.suggest import listed, nearest
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import EVAL

ASSERTING = ("quality", "retrieval", "safety")
"""Types of eval whose rows are judged by assertions; the others bring measures of their own."""


def check(scope: Scope) -> Iterator[Finding]:
    for eval_ in scope.reader.of(EVAL):
        if not blocks(eval_) or eval_.text("type").value not in ASSERTING:
            continue
        yield from _always_true(eval_)
        if not any(_counts(eval_, node) for node in ("min", "max")):
            yield from _nothing_asserted(eval_)
        yield from _metrics(eval_)


def _nothing_asserted(eval_: View[Any]) -> Iterator[Finding]:
    every = list(assertions(eval_))
    if not every:
        why, help_ = "asserts nothing", "add `assert` to its rows, or `metrics`"
    elif all(informational(node) for node in every):
        why, help_ = "is only informed", "take `informational` from at least one assertion"
    else:
        return
    yield Finding(
        f"the gate of `{eval_.address.name}` {why}: it cannot fail",
        (Label(eval_.at("gate"), "blocks nothing", primary=True, key_only=True),),
        help=(help_, "or say that it only reports: `gate: {mode: report}`"),
    )


def _always_true(eval_: View[Any]) -> Iterator[Finding]:
    for node in assertions(eval_):
        why = None if informational(node) else vacuous(node)
        if why is not None:
            yield Finding(
                "this assertion holds for every answer", (Label(node.at(), why, primary=True),),
                notes=(f"the gate of `{eval_.address.name}` rests on it",),
                help=("say what a good answer has, or take the assertion away",),
            )
    rate = eval_.maybe_number("gate", "pass_rate")
    others = any(_counts(eval_, node) for node in ("min", "max", "baseline"))
    if rate is not None and rate.value == 0 and not others:
        yield Finding(
            f"the gate of `{eval_.address.name}` lets everything pass",
            (Label(eval_.at("gate", "pass_rate"), "reached when every row fails", primary=True),),
            help=("`pass_rate: 1.0` asks for all rows; `mode: report` says that it only reports",),
        )


def _counts(eval_: View[Any], part: str) -> bool:
    return eval_.has("gate", part)


def _metrics(eval_: View[Any]) -> Iterator[Finding]:
    """A limit on a metric that the eval does not measure."""
    known = tuple(eval_.value.get("metrics") or {})
    for bound in ("min", "max", "tolerance"):
        limits = (eval_.value.get("gate") or {}).get(bound)
        for metric in limits if isinstance(limits, Mapping) else ():
            eval_.has("gate", bound, metric)
            if metric not in known and (bound, metric) != ("tolerance", "pass_rate"):
                close = nearest(metric, known)
                yield Finding(
                    f"the gate of `{eval_.address.name}` asks for `{metric}`, which is not measured",
                    (Label(eval_.at("gate", bound, metric), f"did you mean `{close[0]}`?" if close else "",
                           primary=True, key_only=True),),
                    notes=(f"metrics here: {listed(known) or 'none'}",),
                    help=(f"measure it: `metrics: {{{metric}: {{type: …}}}}`",), found=metric,
                    expected=close[0] if close else None,
                )


RULE = Rule(
    code=Code(
        code="EVL003",
        name="gate-asserts-nothing",
        severity=Severity.ERROR,
        summary="A gate that blocks must be able to fail: an assertion, and a threshold above nothing.",
        why="A green check that cannot turn red is trusted like any other.",
        bad="rows:\n  - vars: {question: \"May I return shoes?\"}\ngate: {pass_rate: 1.0}",
        good="rows:\n  - vars: {question: \"May I return shoes?\"}\n"
        "    assert: [{type: icontains, value: \"30 days\"}]\ngate: {pass_rate: 1.0}",
    ),
    check=check,
)
