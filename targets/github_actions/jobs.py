"""Stages as jobs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from llmops.compiler.derive.files import needed
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Remark, Sourced, literal, under
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node
from llmops.targets.github_actions import earlier, login, steps
from llmops.targets.github_actions.plan import Job, Stage
from llmops.targets.github_actions.words import condition
from llmops.targets.github_actions.work import Work

MINUTES = 30
"""How long a stage may take that does not say it."""
TRUSTED = "github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository"
FORK = "github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name != github.repository"
PERMISSIONS = (
    "actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues", "models",
    "packages", "pages", "pull-requests", "security-events", "statuses",
)  # fmt: skip
MOST_COMBINATIONS = 256


def trusted(work: Work) -> str | None:
    """The condition that keeps pull requests from forks out; None where there are none."""
    return TRUSTED if work.triggered_by("pull_request") else None


def job(work: Work, stage: Stage, made: Job, first: list[Any]) -> dict[str, Any]:
    """The job of a stage. `first` are jobs of ours that it waits for, beside its `after`."""
    found = login.clouds(work, made)
    extra = _asked(work, made)
    guarded = bool(made.has_secret or made.tasks or made.releases or found or _writes(extra))
    out: dict[str, Any] = {"name": _name(made), "runs-on": work.runner}
    needs = [*after(made.stage), *first, *([made.changes] if made.changes else [])]
    if needs:
        out["needs"] = needs
    when = condition((
        *order(stage, needs), trusted(work) if guarded else None,
        f"needs.{made.changes}.outputs.{made.tasks[0].address.name} == 'true'" if made.changes else None,
    ))
    if when is not None:
        out["if"] = when
    out["timeout-minutes"] = minutes(made.stage)
    out["permissions"] = _permissions(found, extra, earlier.compared(work, made))
    if made.has_secret or made.releases or found or stage.approved:
        out["environment"] = made.environment
    if made.releases:
        # Two releases to one place would undo each other's work; whatever the branch.
        group = f"deploy-{work.lowering.reader.project.name}-{made.environment.value}"
        out["concurrency"] = {
            "group": Sourced(group, made.environment.sources, raw=True), "cancel-in-progress": False,
        }
    if any(task.address.kind == "index" for task in made.tasks):
        # Two jobs that fill one index would mix their rows.
        group = f"index-{work.lowering.reader.project.name}-{made.environment.value}"
        out["concurrency"] = {
            "group": Sourced(group, made.environment.sources, raw=True), "cancel-in-progress": False,
        }
    matrix = _matrix(work, made.stage)
    if matrix:
        out["strategy"] = {"fail-fast": False, "matrix": matrix}
    out["steps"] = list(_steps(work, made, found))
    return out


def after(stage: Node) -> list[Any]:
    return list(stage.tree("after") or [])


def order(stage: Stage, needs: list[Any]) -> Iterator[Sourced[str]]:
    """What must be said of the jobs before, beside `needs`.

    A stage with `always` runs whatever came of them. By itself Actions skips a job if any job before it was skipped,
    however far: behind evals that are not affected, success is asked of the nearest ones.
    """
    flag = stage.node.maybe_flag("always") if stage.node.has("after") else None
    if flag is not None and flag.value:
        yield literal("!cancelled()").because(flag)
    elif stage.after_skipped:
        yield literal("!cancelled()")
        for need in needs:
            name = need if isinstance(need, Sourced) else literal(need)
            yield name.express(lambda job: f"needs.{job}.result == 'success'")


def minutes(stage: Node) -> Any:
    written = stage.maybe_text("timeout")
    return MINUTES if written is None else written.map(lambda text: max(1, math.ceil(seconds(text) / 60)))


def _name(made: Job) -> Any:
    return f"{made.stage.name}: {made.tasks[0].address.name}" if made.changes else made.id


def _steps(work: Work, made: Job, found: list[Node]) -> Iterator[Any]:
    before: list[Any] = [
        steps.checkout(work), *earlier.bring(work, made), *steps.bring(work, made), *steps.set_up(work, made),
        *login.steps(work, found),
        *(under(steps.start(work, made, address, service), _way(made, address)) for address, service in made.services),
    ]  # fmt: skip
    if len(made.tasks) > 1 and not made.tasks[0].chore:
        last = before[-1]
        step = last.value if isinstance(last, Sourced) else last
        ready = {"name": step["name"], "id": steps.READY, **step}
        before[-1] = replace(last, value=ready) if isinstance(last, Sourced) else ready
    only = made.tasks[0] if len(made.tasks) == 1 else None
    alone = only.reference if only is not None and not only.chore else None  # an eval decides all that its job starts
    yield before[0]  # the repository is checked out for whatever it is
    for step in (*before[1:], *steps.tasks(work, made)):
        yield under(step, alone)
    yield from steps.releases(work, made)
    yield from steps.commands(work, made)
    for step in steps.artifacts(work, made):
        yield under(step, alone)


def _way(made: Job, address: Address) -> Sourced[Address] | None:
    """The references that lead to what a job starts, where one of its evals alone needs it, and nothing beside it."""
    project = made.reader.project
    wanting = [task.address for task in made.tasks if address in task.check.services]
    if len(wanting) != 1 or any(edge.source.kind == address.kind for edge in project.edges_to(address)):
        return None
    return Sourced(address, needed(project, wanting[0]).get(address, ()))


# --- rights ------------------------------------------------------------------------------------------------------


def _asked(work: Work, made: Job) -> dict[str, Sourced[str]]:
    """The pipeline's own `permissions`: for what is not the compiler's to know, so not for evals."""
    if made.tasks:
        return {}
    asked: dict[str, Sourced[str]] = work.pipeline.tree("permissions") or {}
    return {name: right for name, right in asked.items() if name in PERMISSIONS}


def check_permissions(work: Work) -> None:
    """Say once which `permissions` have no effect."""
    for name, right in (work.pipeline.tree("permissions") or {}).items():
        if name not in PERMISSIONS:
            why = f"Actions has no permission of that name: {', '.join(PERMISSIONS)}"
            work.cannot(work.pipeline, ("permissions", name), why)
        elif (name, right.value) == ("id-token", "read"):
            work.cannot(work.pipeline, ("permissions", name), "an identity token is asked for with `write`")


def _writes(extra: dict[str, Sourced[str]]) -> bool:
    return any(right.value == "write" for right in extra.values())


def _permissions(found: list[Node], extra: dict[str, Sourced[str]], compared: bool) -> dict[str, Any]:
    rights: dict[str, Any] = {"contents": Remark("read", "to check out the configs and what was compiled from them")}
    if compared:
        rights["actions"] = Remark("read", "to find the results that a branch has kept")
    if found:
        rights["id-token"] = Remark("write", "to prove to a cloud which workflow this is")
    for name, right in extra.items():
        rights[name] = Remark(right, "the pipeline asks for it")
    return rights


# --- combinations ------------------------------------------------------------------------------------------------


def _matrix(work: Work, stage: Node) -> dict[str, Any]:
    matrix: dict[str, Any] = {}
    count = 1
    for node in stage.entries("matrix"):
        if node.name in ("include", "exclude"):
            work.cannot(node, (), "Actions reads `include` and `exclude` as rules of a matrix", "name it otherwise")
            continue
        values = node.tree()
        count *= len(values)
        matrix[node.name] = values
    if count > MOST_COMBINATIONS:
        work.cannot(stage, ("matrix",), f"{count} combinations; Actions runs {MOST_COMBINATIONS} at most")
    return matrix
