"""FLW002: names, types and the order of a flow's steps that do not fit together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.flow import Plan, Problem, plan
from llmops.compiler.diagnostics.suggest import listed, nearest
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import EXPERIMENT, FLOW

_CHANGES = {"prompt": ("prompt", "agent"), "model": ("prompt", "model", "agent"), "index": ("index",),
            "agent": ("agent",), "tools": ("prompt", "agent"), "params": ("prompt", "model", "agent"),
            "top_k": ("index", "model"), "score_threshold": ("index", "model"), "mode": ("index",)}
"""What an arm may change, and in steps that do what."""


def check(scope: Scope) -> Iterator[Finding]:
    for flow in scope.reader.of(FLOW):
        for problem in plan(scope.facts, flow).problems:
            yield _finding(problem)
    for experiment in scope.reader.of(EXPERIMENT):
        varied = experiment.ref("flow")
        if varied is not None:
            yield from _arms(experiment, plan(scope.facts, varied))


def _finding(problem: Problem) -> Finding:
    close = nearest(problem.found, problem.candidates) if problem.found is not None else ()
    return Finding(
        problem.message,
        (Label(problem.at, f"did you mean `{close[0]}`?" if close else problem.mark, primary=True,
               key_only=problem.key_only),),
        notes=problem.notes, help=(f"write `{close[0]}`",) if close else problem.help, found=problem.found,
        expected=close[0] if close else None, severity=Severity.WARNING if problem.weak else None,
    )


def _arms(experiment: View[Any], varied: Plan) -> Iterator[Finding]:
    """An arm changes steps that the flow has, and of a step what it has."""
    steps = [step.name for step in varied.steps]
    for arm in experiment.entries("arms"):
        for patch in arm.entries("set"):
            step = varied.step(patch.name)
            if step is None:
                close = nearest(patch.name, steps)
                yield Finding(
                    f"`{varied.flow.address}` has no step `{patch.name}`",
                    (Label(patch.at(), f"did you mean `{close[0]}`?" if close else "", primary=True, key_only=True),),
                    notes=(f"steps: {listed(steps)}",),
                    help=(f"write `{close[0]}`" if close else "name a step of the flow",), found=patch.name,
                    expected=close[0] if close else None,
                )
                continue
            for field in patch.value:
                if step.verb not in _CHANGES[field]:
                    yield Finding(
                        f"step `{step.name}` has no `{field}` that an arm could change",
                        (Label(patch.at(field), f"the step is for {step.verb}", primary=True, key_only=True),),
                        help=("change what the step has, or another step",), found=field,
                    )


RULE = Rule(
    code=Code(
        code="FLW002",
        name="ports-mismatch",
        severity=Severity.ERROR,
        summary="What a step takes must be there: an input, or what a step before gives, of a type that fits.",
        why="The app would stop at its first request, or fill a prompt with nothing; a step that nobody reads costs "
        "tokens for nothing.",
        bad="with: {passages: retrive}     # the step is `retrieve`",
        good="with: {passages: retrieve}",
    ),
    check=check,
)
