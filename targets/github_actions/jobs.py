"""Stages as jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.model.exports import Check, Service
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Remark, Sourced, plain
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import EVAL
from llmops.targets.github_actions.steps import check_steps, set_up

RUNNER = "ubuntu-24.04"
TIMEOUT_MINUTES = 30


@dataclass(frozen=True, slots=True)
class Job:
    """A job to be: a stage, or one of several things that a stage does."""

    id: str
    stage: Node
    environment: str
    about: tuple[Address, ...]
    checks: tuple[Check, ...] = ()
    services: tuple[tuple[Address, Service], ...] = ()


def jobs_of(lowering: Lowering, stage: Node) -> Iterator[Job]:
    environment = stage_environment(lowering, stage)
    reader = lowering.readers[environment]
    names = [Address("eval", str(name)) for name in plain(stage.tree("eval") or [])]
    if stage.has("affected"):
        names = [view.address for view in reader.of(EVAL)]
    checks = [c for a in names if (view := reader.view(a)) is not None and (c := lowering.ask(Check, view)) is not None]
    services = dict.fromkeys(s for check in checks for s in check.services)
    yield Job(
        stage.name, stage, environment, tuple(names), tuple(checks), tuple(_services(lowering, reader, services)),
    )


def _services(lowering: Lowering, reader: Reader, wanted: Any) -> Iterator[tuple[Address, Service]]:
    """Whatever the checks call and nobody runs yet: the job starts it."""
    for address in wanted:
        view = reader.view(address)
        service = lowering.ask(Service, view) if view is not None else None
        if service is not None:
            yield address, service


def stage_environment(lowering: Lowering, stage: Node) -> str:
    """Where a stage's names are looked up: `environment`, else `ci` if there is one, else the first."""
    written = stage.maybe_text("environment")
    if written is not None and written.value in lowering.readers:
        return written.value
    return "ci" if "ci" in lowering.readers else next(iter(lowering.readers))


def job(lowering: Lowering, pipeline: View[Any], made: Job, planned: list[Job]) -> dict[str, Any]:
    runner = pipeline.maybe_text("runner")
    out: dict[str, Any] = {"name": made.id, "runs-on": runner or RUNNER}
    after = made.stage.tree("after")
    if after:
        out["needs"] = after
    out["timeout-minutes"] = TIMEOUT_MINUTES
    out["permissions"] = {"contents": Remark("read", "to check out the configs and what was compiled from them")}
    secrets = _secrets(made)
    if secrets:
        out["environment"] = Sourced({"name": made.environment}, (made.stage.source(),), raw=True)
        if pipeline.has("triggers", "pull_request"):
            out["if"] = (
                "${{ github.event_name != 'pull_request' || "
                "github.event.pull_request.head.repo.full_name == github.repository }}"
            )
    out["steps"] = [*set_up(lowering, made), *check_steps(lowering, made)]
    return out


def _secrets(made: Job) -> bool:
    services = (v for _, service in made.services for v in service.variables)
    return any(v.secret is not None for v in (*services, *(v for check in made.checks for v in check.variables)))


__all__ = ["Job", "View", "job", "jobs_of", "stage_environment"]
