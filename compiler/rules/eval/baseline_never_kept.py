"""EVL011: a gate that compares with a branch whose results nobody keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.baseline import keeps, running
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import EVAL, PIPELINE

_NO_NAME = re.compile(r"[\s*?\[\]\\^~:\x00-\x20\x7f]|\.\.|//|^[/!-]|[/.]$")
"""What stands in patterns, and in no name of a branch."""


def check(scope: Scope) -> Iterator[Finding]:
    for eval_ in scope.reader.of(EVAL):
        branch = eval_.maybe_text("gate", "baseline", "branch")
        if branch is None:
            continue
        if _NO_NAME.search(branch.value):
            yield Finding(
                f"`{branch.value}` is no branch: results are those of one, by its name",
                (Label(eval_.at("gate", "baseline", "branch"), "no branch is called that", primary=True),),
                help=("name the branch whose results count: `baseline: {branch: main}`",),
            )
            continue
        found = list(running(scope.reader, tuple(scope.environments), eval_))
        if any(keeps(pipeline, branch.value) for pipeline, _ in found):
            continue
        if found:
            yield _never_kept(scope, eval_, branch.value, found[0][1].at())
        elif not _elsewhere(scope, eval_):
            yield _never_run(eval_, branch.value)


def _elsewhere(scope: Scope, eval_: View[Any]) -> bool:
    """Whether pipelines run it in other environments: here it is for somebody who runs it by hand."""
    others = (reader for env, reader in scope.environments.items() if env != scope.reader.project.env)
    return any(True for reader in others for _ in running(reader, tuple(scope.environments), eval_))


def _never_kept(scope: Scope, eval_: View[Any], branch: str, stage: tuple[Any, ...]) -> Finding:
    name = eval_.address.name
    pushed = next((p for p in scope.reader.of(PIPELINE) if p.has("triggers", "push") and keeps(p, branch)), None)
    stages = f"`evals: {{eval: [{name}], environment: {scope.reader.project.env}}}`"
    cure = f"add a pipeline with `triggers: {{push: {{branches: [{branch}]}}}}` and a stage {stages}"
    if pushed is not None:
        cure = f"add a stage to {pushed.address}: {stages}"
    return Finding(
        f"no pipeline evaluates `{name}` on `{branch}`: there is nothing to compare with",
        (
            Label(eval_.at("gate", "baseline", "branch"), "whose results nobody keeps", primary=True),
            Label(stage, "runs it, but not on pushes to that branch, nor on a schedule", key_only=True),
        ),
        help=(cure, "or keep results in a file: `baseline: {file: …}`"),
    )


def _never_run(eval_: View[Any], branch: str) -> Finding:
    name = eval_.address.name
    return Finding(
        f"no pipeline runs `{name}`: results of `{branch}` are kept by none",
        (Label(eval_.at("gate", "baseline", "branch"), "whose results nobody keeps", primary=True),),
        notes=("by hand it compares with the file that LLMOPS_BASELINE names",),
        help=(
            f"add a pipeline with `triggers: {{push: {{branches: [{branch}]}}}}`, a stage `evals: {{eval: [{name}]}}`",
            "or keep results in a file: `baseline: {file: …}`",
        ),
        severity=Severity.WARNING,
    )


RULE = Rule(
    code=Code(
        code="EVL011",
        name="baseline-never-kept",
        severity=Severity.ERROR,
        summary="A gate that compares with a branch needs a pipeline that runs the eval on it and so keeps results.",
        why="Without earlier results a gate says so and lets everything pass, on the first run and on each after it.",
        bad="# conf/eval/quality.yaml\ngate: {baseline: {branch: main}}\n"
        "# conf/pipeline/pull_request.yaml\ntriggers: {pull_request: {}}\nstages:\n  evals: {eval: [quality]}",
        good="# conf/pipeline/release.yaml\ntriggers: {push: {branches: [main]}}\nstages:\n  evals: {eval: [quality]}",
    ),
    check=check,
)
