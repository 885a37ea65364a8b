"""The earlier results that a gate compares with. A run of the branch itself keeps what an eval measured, if its gate
held; every run brings the newest that were kept.

They are an artifact of the run, by a name of its own for each eval and environment. Whoever proposes a change can
upload an artifact of that name from a fork: the script that brings one asks the API where it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.baseline import keeps, running
from llmops.compiler.model.exports import Baseline, Check
from llmops.compiler.model.sourced import Joined, Sourced
from llmops.compiler.model.view import View
from llmops.schemas.types import EVAL
from llmops.targets.github_actions.plan import Job, Task
from llmops.targets.github_actions.words import data, is_reference, script
from llmops.targets.github_actions.work import TARGET, Work


def baseline(work: Work, job: Job, task: Task) -> tuple[Baseline, list[View[Any]]] | None:
    """What the gate of an eval compares with, and the pipelines whose workflows keep that; None where none does."""
    found = task.check.baseline if isinstance(task.check, Check) else None
    eval_ = job.reader.get(EVAL, task.address.name)
    if found is None or eval_ is None or not is_reference(found.branch.value):
        return None
    keepers = {
        pipeline.address: pipeline for pipeline, _ in running(job.reader, tuple(work.lowering.readers), eval_)
        if pipeline.text("engine").value == TARGET and keeps(pipeline, found.branch.value)
    }  # fmt: skip
    return (found, list(keepers.values())) if keepers else None


def compared(work: Work, job: Job) -> bool:
    """Whether a gate of a job compares with what a workflow keeps."""
    return any(baseline(work, job, task) is not None for task in job.tasks)


def bring(work: Work, job: Job) -> Iterator[Any]:
    """A step for each eval that looks for its earlier results."""
    for task in job.tasks:
        found = baseline(work, job, task)
        if found is None:
            continue
        wanted, keepers = found
        paths = (work.called(k.address.name).express(lambda name: f".github/workflows/{name}.yml") for k in keepers)
        env = {
            "GH_TOKEN": "${{ github.token }}", "ARTIFACT": _artifact(work, job, task), "BRANCH": data(wanted.branch),
            "EARLIER": data(wanted.expected), "WORKFLOWS": Joined(tuple(paths)),
        }  # fmt: skip
        yield _because(task, wanted, {
            "name": f"Bring earlier results of {task.address}", "id": f"earlier-{task.address.name}", "env": env,
            "run": script("earlier.sh"),
        })  # fmt: skip


def keep(work: Work, job: Job, task: Task) -> Iterator[Any]:
    """The step that keeps what was measured, where this workflow is one of those that do."""
    found = baseline(work, job, task)
    if found is None or all(keeper.address != work.pipeline.address for keeper in found[1]):
        return
    if job.stage.has("matrix"):
        work.cannot(job.stage, ("matrix",), f"its combinations would keep results of {task.address} in one place")
        return
    name = task.address.name
    when = f"!cancelled() && steps.earlier-{name}.outputs.keep == 'true' && steps.{step(task)}.outcome == 'success'"
    yield _because(task, found[0], {
        "name": f"Keep what {task.address} measured",
        "if": f"${{{{ {when} }}}}", "uses": work.action("actions/upload-artifact"),
        "with": {
            "name": _artifact(work, job, task), "path": data(found[0].kept), "if-no-files-found": "error",
            "overwrite": True,
        },
    })  # fmt: skip


def _because(task: Task, wanted: Baseline, made: dict[str, Any]) -> Sourced[dict[str, Any]]:
    """A step that stands there because a stage names the eval, and its gate a branch."""
    return Sourced(made, wanted.branch.sources, raw=True).because(task.reference)


def step(task: Task) -> str:
    """The id of the step that runs an eval."""
    return f"eval-{task.address.name}"


def _artifact(work: Work, job: Job, task: Task) -> Any:
    made = f"{work.lowering.reader.project.name}.{job.environment.value}.{task.address.name}.baseline"
    return Sourced(made, job.environment.sources, raw=True)
