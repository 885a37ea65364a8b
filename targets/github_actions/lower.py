"""From a pipeline to a workflow: its triggers, and jobs for each stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.model.artifact import Artifact
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import literal, plain
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.schemas.types import PIPELINE
from llmops.targets.github_actions import extra
from llmops.targets.github_actions.affected import trigger_paths
from llmops.targets.github_actions.jobs import check_permissions, job, trusted
from llmops.targets.github_actions.login import check_login
from llmops.targets.github_actions.plan import Stage, stages
from llmops.targets.github_actions.triggers import triggers
from llmops.targets.github_actions.work import TARGET, Work


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    for pipeline in lowering.reader.of(PIPELINE, engine=TARGET):
        work = Work(lowering, pipeline)
        workflow, about = _workflow(work)
        yield from work.problems
        if workflow["on"] and workflow["jobs"]:
            yield Artifact(f"/.github/workflows/{work.name.value}.yml", workflow, about)


def _workflow(work: Work) -> tuple[dict[str, Any], tuple[Address, ...]]:
    work.check_runner()
    check_login(work)
    check_permissions(work)
    planned = stages(work)
    jobs = [made for stage in planned for made in stage.jobs]
    about = [address for made in jobs for task in made.tasks for address in (task.address,)]
    about += [address for made in jobs for address, _ in made.about]
    workflow = {
        "name": work.name,
        "on": triggers(work, trigger_paths(work, jobs)),
        "permissions": {},
        "concurrency": _concurrency(work),
        "defaults": {"run": {"shell": "bash"}},
        "jobs": dict(_jobs(work, planned)),
    }
    return workflow, (work.pipeline.address, *dict.fromkeys(about))


def _concurrency(work: Work) -> dict[str, Any]:
    """One run a branch. Named after the workflow itself: `github.workflow` of one that is called is its caller's."""
    written = work.pipeline.maybe_text("concurrency")
    cancel: Any
    if written is not None:
        cancel = written.map(lambda word: word == "cancel")
    elif work.triggered_by("push", "tag", "schedule", "manual", "call"):
        # A pull request is overtaken by its next commit; what was pushed is brought to its end.
        cancel = "${{ github.event_name == 'pull_request' }}" if work.triggered_by("pull_request") else False
    else:
        cancel = True
    return {"group": work.name.express(lambda name: f"{name}-${{{{ github.ref }}}}"), "cancel-in-progress": cancel}


def _jobs(work: Work, planned: list[Stage]) -> Iterator[tuple[str, Any]]:
    check = extra.check(work)
    if check is not None:
        yield extra.CHECK, check
    made: dict[str, Any] = {}
    for stage in planned:
        # What starts at once waits for the check: nothing is spent on files that are out of date.
        first: list[Any] = [extra.CHECK] if check is not None and not stage.node.has("after") else []
        if stage.approved:
            name = f"{stage.name}-approval"
            first.append(literal(name).because(stage.node.maybe_text("approval")))
            made[name] = extra.approval(work, stage)
        if stage.affected:
            made[f"{stage.name}-changes"] = extra.changes(work, stage, first)
        for one in stage.jobs:
            made[one.id] = job(work, stage, one, [] if stage.affected else first)
        if stage.affected:
            made[stage.name] = extra.gate(work, stage)
    yield from made.items()
    if trusted(work) is not None:
        yield from _reports(work, planned, made)


def _reports(work: Work, planned: list[Stage], made: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    guard = trusted(work) or ""
    forks = work.pipeline.maybe_text("forks")
    skipped = [s.name for s in planned if guard in _condition(made[s.name])]
    if forks is not None and forks.value == "report" and skipped:
        yield "llmops-forks", extra.forks(work, skipped)
    flagged = [(s, flag) for s in planned if (flag := s.node.maybe_flag("comment")) is not None and flag.value]
    if flagged:
        yield "llmops-comment", extra.comment(work, [stage for stage, _ in flagged])


def _condition(job: Any) -> str:
    return str(plain(job.get("if", "")))
