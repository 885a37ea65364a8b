"""PIP003: a deploy to production that nothing stands in front of, and nothing takes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.gate import deploys, environment, gates_before, stages
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import PIPELINE

BY_HAND = frozenset({"manual", "comment"})
"""Triggers that a person pulls, which is an approval."""


def check(scope: Scope) -> Iterator[Finding]:
    for pipeline in scope.reader.of(PIPELINE):
        if _by_hand(pipeline):
            continue
        for stage in stages(pipeline).values():
            if not deploys(stage):
                continue
            where = environment(stage, tuple(scope.environments))
            target = scope.environments.get(where)
            if target is None or not target.project.production:
                continue
            if _approved(stage) or any(gates_before(scope.reader, pipeline, stage)) or _careful(scope, stage, where):
                continue
            yield Finding(
                f"stage `{stage.name}` deploys to `{where}` with no approval, gate or rollback",
                (
                    Label(stage.at("deployment"), "goes out at once", primary=True),
                    Label(pipeline.at("triggers"), "on its own", key_only=True),
                ),
                help=(
                    "ask a person: `approval: required`",
                    "or run a blocking eval before it: `after: [evals]`",
                    "or give the deployment a `rollout` in steps",
                ),
            )


def _by_hand(pipeline: View[Any]) -> bool:
    triggers = set(pipeline.value.get("triggers") or {})
    return bool(triggers) and triggers <= BY_HAND


def _approved(stage: Node) -> bool:
    approval = stage.get("approval")
    return approval is not None and approval.value != "none"


def _careful(scope: Scope, stage: Node, where: str) -> bool:
    """Whether every deployment of the stage takes over in steps, or can be switched back."""
    named = stage.get("deployment")
    found = [scope.environments[where].project.get("deployment", name) for name in (named.value if named else ())]
    return bool(found) and all(
        d is not None and (d.spec.get("rollout") or {}).get("strategy") in ("canary", "blue_green") for d in found
    )


RULE = Rule(
    code=Code(
        code="PIP003",
        name="deploy-unguarded",
        severity=Severity.ERROR,
        summary="A deploy to production has an approval, a blocking eval before it, or a rollout that can go back.",
        why="One push changes what every user gets, and nobody has looked: neither a person nor a test.",
        bad="triggers: {push: {branches: [main]}}\nstages:\n  deploy: {deployment: [answerer], environment: prod}",
        good="triggers: {push: {branches: [main]}}\nstages:\n"
        "  deploy: {deployment: [answerer], environment: prod, approval: required}",
    ),
    check=check,
)
