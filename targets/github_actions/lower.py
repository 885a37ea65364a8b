"""From a pipeline to a workflow: its triggers, and a job for each stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.files import deciding, shared
from llmops.compiler.diagnostics.finding import Finding
from llmops.compiler.model.artifact import Artifact
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import PIPELINE
from llmops.targets.github_actions.jobs import Job, job, jobs_of


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    for pipeline in lowering.reader.of(PIPELINE, engine="github-actions"):
        name = f"llmops-{lowering.reader.project.name}-{pipeline.address.name}"
        planned = [made for stage in pipeline.entries("stages") for made in jobs_of(lowering, stage)]
        yield from _unsupported(pipeline)
        workflow = {
            "name": name,
            "on": _triggers(lowering, pipeline, planned, f".github/workflows/{name}.yml"),
            "permissions": {},
            "concurrency": {
                "group": "${{ github.workflow }}-${{ github.ref }}",
                "cancel-in-progress": pipeline.has("triggers", "pull_request"),
            },
            "jobs": {made.id: job(lowering, pipeline, made, planned) for made in planned},
        }
        yield Artifact(f"/.github/workflows/{name}.yml", workflow, (pipeline.address, *_about(planned)))


def _about(planned: list[Job]) -> Iterator[Address]:
    yield from dict.fromkeys(address for made in planned for address in made.about)


def _triggers(lowering: Lowering, pipeline: View[Any], planned: list[Job], own: str) -> dict[str, Any]:
    triggers: dict[str, Any] = {}
    for trigger in pipeline.entries("triggers"):
        if trigger.name in ("pull_request", "push"):
            event: dict[str, Any] = {}
            branches = trigger.tree("branches")
            if branches:
                event["branches"] = branches
            event["paths"] = list(_paths(lowering, planned, own))
            triggers[trigger.name] = Sourced(event, (trigger.source(),), raw=True)
        elif trigger.name == "tag":
            triggers.setdefault("push", {})["tags"] = [trigger.text("pattern")]
        elif trigger.name == "schedule":
            triggers["schedule"] = [_schedule(trigger)]
        elif trigger.name == "manual":
            inputs = trigger.tree("inputs")
            triggers["workflow_dispatch"] = {"inputs": inputs} if inputs else {}
        elif trigger.name == "call":
            inputs = trigger.tree("inputs")
            triggers["workflow_call"] = {"inputs": inputs} if inputs else {}
    return triggers


def _schedule(trigger: Node) -> dict[str, Any]:
    return {"cron": trigger.text("cron")}


def _paths(lowering: Lowering, planned: list[Job], own: str) -> Iterator[Any]:
    """What can change the outcome of a job: the files that decide its resources, and what was compiled from them."""
    seen: set[str] = {own}
    yield own
    for path in _all_paths(lowering, planned):
        if path.value not in seen:
            seen.add(path.value)
            yield path


def _all_paths(lowering: Lowering, planned: list[Job]) -> Iterator[Sourced[str]]:
    root = "" if lowering.root == "." else f"{lowering.root}/"
    yield Sourced(f"{root}llmops.yaml", (), raw=True)
    for made in planned:
        project = lowering.readers[made.environment].project
        for path in shared(project):
            yield Sourced(path, (), raw=True)
        for address in made.about:
            yield from deciding(project, address, lowering.root)
        yield Sourced(f"{root}generated/{made.environment}/**", (), raw=True)


def _unsupported(pipeline: View[Any]) -> Iterator[Unsupported]:
    if pipeline.has("triggers", "comment"):
        yield Unsupported(
            pipeline.at("triggers", "comment"),
            "a comment runs with the rights of the default branch, on code that anyone may have proposed",
            "trigger it by hand: `manual: {}`",
        )
