"""MOD002: a model whose name may mean other weights tomorrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.model import COMMIT, called
from llmops.compiler.model.finding import Code, Edit, Finding, Fix, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import MODEL


def check(scope: Scope) -> Iterator[Finding]:
    severity = Severity.ERROR if scope.production else Severity.WARNING
    for model in scope.reader.of(MODEL):
        if model.has("weights", "repo"):
            yield from _weights(scope, model, severity)
        elif model.has("provider") and not model.has("version"):
            yield from _alias(scope, model, severity)


def _weights(scope: Scope, model: View[Any], severity: Severity) -> Iterator[Finding]:
    revision = model.maybe_text("weights", "revision")
    if revision is not None and COMMIT.fullmatch(revision.value):
        return
    known = scope.facts.revision(called(model))
    help_ = "pin the commit: `revision:` and its 40 hexadecimal digits, from the repository's history"
    notes = []
    if known is not None:
        help_ = f"pin a commit, such as `revision: {known.revision}`"
        notes.append(f"that commit was published by {known.as_of} ({known.fact})")
    if revision is None:
        label = Label(model.at("weights", "repo"), "no revision", primary=True)
        message = f"`{model.address.name}` takes whatever the repository holds"
    else:
        label = Label(model.at("weights", "revision"), "a branch or tag, which can move", primary=True)
        message = f"`{model.address.name}` is pinned to a name that can move"
    fixes: tuple[Fix, ...] = ()
    if known is not None and revision is not None:
        fixes = (Fix("pin the commit that is known", (Edit(model.at("weights", "revision"), known.revision),)),)
    yield Finding(message, (label,), notes=tuple(notes), help=(help_,), fixes=fixes, severity=severity)


def _alias(scope: Scope, model: View[Any], severity: Severity) -> Iterator[Finding]:
    provider, id_ = model.text("provider"), model.maybe_text("id")
    if id_ is None:
        return
    dated = scope.facts.dated_forms(provider.value, id_.value)
    if not dated:
        return
    newest = dated[-1]
    row = scope.facts.model(provider.value, newest)
    notes = []
    if row is not None and row.retires is not None:
        notes.append(f"`{newest}` is offered until {row.retires} (facts: {row.fact}, {row.as_of[:7]})")
    yield Finding(
        f"`{id_.value}` is an alias: the provider moves it to other weights",
        (Label(model.at("id"), "no date in the name", primary=True),),
        notes=tuple(notes), help=(f"name the weights: `id: {newest}`",),
        fixes=(Fix(f"name `{newest}`", (Edit(model.at("id"), newest),)),), severity=severity,
        found=id_.value, expected=newest,
    )


RULE = Rule(
    code=Code(
        code="MOD002",
        name="model-unpinned",
        severity=Severity.WARNING,
        summary="A model names its weights for good: a commit, or a dated id. An error in production.",
        why="An alias or a branch gives other answers one morning, with no change in the project that could be "
        "reviewed, evaluated or undone.",
        bad="weights: {repo: Qwen/Qwen3-14B, revision: main}",
        good="weights: {repo: Qwen/Qwen3-14B, revision: 40c069824f4251a91eefaf281ebe4c544efd3e18}",
    ),
    check=check,
)
