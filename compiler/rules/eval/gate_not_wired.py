"""EVL007: a gate that no pipeline runs before it deploys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.gate import before, before_merge, blocks, deploys, runs, stages
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import EVAL, PIPELINE


def check(scope: Scope) -> Iterator[Finding]:
    """Quiet in a project that deploys nothing: its gates guard merges, or are run by hand."""
    pipelines = list(scope.reader.of(PIPELINE))
    deploying = [(p, stage) for p in pipelines for stage in stages(p).values() if deploys(stage)]
    if not deploying:
        return
    for eval_ in scope.reader.of(EVAL):
        if not blocks(eval_) or _guarded_elsewhere(pipelines, eval_):
            continue
        unguarded = [stage for p, stage in deploying if not any(runs(other, eval_) for other in before(p, stage))]
        if len(unguarded) == len(deploying):
            yield _finding(eval_, unguarded, _elsewhere(pipelines, eval_))


def _guarded_elsewhere(pipelines: list[View[Any]], eval_: View[Any]) -> bool:
    """Whether it runs on pull requests (what it blocks is not merged, and so never deployed), or watches what is
    deployed on a schedule, which is another task of a gate."""
    watching = (p for p in pipelines if before_merge(p) or p.has("triggers", "schedule"))
    return any(runs(stage, eval_) for p in watching for stage in stages(p).values())


def _elsewhere(pipelines: list[View[Any]], eval_: View[Any]) -> Node | None:
    """A stage that runs it, too late or on another occasion."""
    return next((stage for p in pipelines for stage in stages(p).values() if runs(stage, eval_)), None)


def _finding(eval_: View[Any], unguarded: list[Node], elsewhere: Node | None) -> Finding:
    name, stage = eval_.address.name, unguarded[0]
    labels = [
        Label(eval_.at("gate"), "blocks nothing that is deployed", primary=True, key_only=True),
        Label(stage.at(), f"{stage.resource.address} deploys without it", key_only=True),
    ]
    if elsewhere is not None and elsewhere.path != stage.path:
        labels.append(Label(elsewhere.at(), "runs it, and no deploy waits for it", key_only=True))
        help_ = f"let the deploy wait: `after: [{elsewhere.name}]`"
        if elsewhere.resource.address != stage.resource.address:
            help_ = f"add a stage before it: `evals: {{eval: [{name}]}}` and `after: [evals]`"
    else:
        help_ = f"add a stage before it: `evals: {{eval: [{name}]}}` and `after: [evals]`"
    return Finding(
        f"no stage runs `{name}` before a deploy", tuple(labels),
        help=(help_, "or say that it only reports: `gate: {mode: report}`"),
    )


RULE = Rule(
    code=Code(
        code="EVL007",
        name="gate-not-wired",
        severity=Severity.ERROR,
        summary="Where something is deployed, each blocking eval runs before it, on pull requests, or on a schedule.",
        why="The gate is written, reviewed and believed in, and the release goes out past it.",
        bad="stages:\n  evals: {eval: [quality]}\n  deploy: {deployment: [answerer], environment: prod}",
        good="stages:\n  evals: {eval: [quality]}\n"
        "  deploy: {deployment: [answerer], environment: prod, after: [evals]}",
    ),
    check=check,
)
