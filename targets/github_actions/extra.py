"""Jobs that no stage asks for by itself: they look at the change, gather results, check, and report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.model.sourced import Joined, Remark, Sourced
from llmops.targets.github_actions import steps
from llmops.targets.github_actions.affected import eval_files
from llmops.targets.github_actions.jobs import FORK, after, order, trusted
from llmops.targets.github_actions.plan import Stage
from llmops.targets.github_actions.words import condition, data, script
from llmops.targets.github_actions.work import Work

SHORT = 10
"""Minutes that a job may take which computes nothing."""


def _job(work: Work, name: Any, rights: dict[str, Any], needs: list[Any], when: Any) -> dict[str, Any]:
    out: dict[str, Any] = {"name": name, "runs-on": work.runner}
    if needs:
        out["needs"] = needs
    if when is not None:
        out["if"] = when
    return {**out, "timeout-minutes": SHORT, "permissions": rights}


def _reading() -> dict[str, Any]:
    return {"contents": Remark("read", "to check out the configs and what was compiled from them")}


# --- what a change affects ---------------------------------------------------------------------------------------


def changes(work: Work, stage: Stage, first: list[Any]) -> dict[str, Any]:
    """The job that says which evals a change touches, one output each."""
    needs = [*after(stage.node), *first]
    when = condition((*order(stage, needs), trusted(work)))
    out = _job(work, f"{stage.name}: what the change affects", _reading(), needs, when)
    names = [job.tasks[0].address.name for job in stage.jobs]
    out["outputs"] = {name: f"${{{{ steps.changes.outputs.{name} }}}}" for name in names}
    env: dict[str, Any] = {
        "BASE": "${{ github.event.pull_request.base.sha || github.event.before }}", "EVALS": " ".join(names),
    }  # fmt: skip
    for job in stage.jobs:
        env[f"FILES_{job.tasks[0].address.name}"] = Joined(tuple(eval_files(work, job, job.tasks[0])))
    out["steps"] = [
        steps.checkout(work, whole=True),
        {"name": "Compare with the base", "id": "changes", "env": env, "run": script("changes.sh")},
    ]
    return out


def gate(work: Work, stage: Stage) -> dict[str, Any]:
    """The job that others wait for, and branches can require: green if no affected eval failed."""
    before = f"{stage.name}-changes"
    needs = [before, *(job.id for job in stage.jobs)]
    out = _job(work, stage.name, {}, needs, condition(("!cancelled()", trusted(work))))
    env = {
        "CHANGES": f"${{{{ needs.{before}.result }}}}", "RESULTS": "${{ join(needs.*.result, ' ') }}",
    }  # fmt: skip
    out["steps"] = [{"name": "Gather the results", "env": env, "run": script("gate.sh")}]
    return out


# --- approval ----------------------------------------------------------------------------------------------------


def approval(work: Work, stage: Stage) -> Any:
    """Who must agree is a setting of the environment and of no file: this job fails if it is not set."""
    node, environment = stage.node, stage.jobs[0].environment
    reason = node.maybe_text("approval")
    rights = {"actions": Remark("read", "to read the protection rules of the environment")}
    out = _job(work, f"{stage.name}: approval", rights, [], condition((trusted(work),)))
    env: dict[str, Any] = {"GH_TOKEN": "${{ github.token }}", "ENVIRONMENT": environment}
    people = [name for item in node.entries("approval", "by") if (name := item.maybe_text()) is not None]
    if people:
        env["REVIEWERS"] = Joined(tuple(people))
    wait = None if reason is not None else node.maybe_integer("approval", "minutes")
    if wait is not None:
        env["MINUTES"] = wait.map(str)
    if reason is None and node.has("approval", "when"):
        work.cannot(node, ("approval", "when"), "an environment asks every time")
    out["steps"] = [{"name": "Check that a person must agree", "env": env, "run": script("approval.sh")}]
    return Sourced(out, reason.sources, raw=True) if reason is not None else out


# --- drift -------------------------------------------------------------------------------------------------------

CHECK = "llmops-check"


def check(work: Work) -> dict[str, Any] | None:
    """The job that fails if what is committed is not what the configs give; None without a lock file for it."""
    requirements = work.option("check", "requirements")
    if requirements is None:
        return None
    out = _job(work, "llmops: generated files", _reading(), [], None)
    install = 'python -m pip install --require-hashes --only-binary=:all: -r "$REQUIREMENTS"'
    compile_: dict[str, Any] = {"name": "Compare generated files with the configs"}
    if work.lowering.root != ".":
        compile_["working-directory"] = data(work.lowering.root)
    out["steps"] = [
        steps.checkout(work), steps.python(work),
        {"name": "Install llmops by its lock file", "env": {"REQUIREMENTS": requirements.map(work.in_project)},
         "run": install},
        {**compile_, "run": "llmops compile --check"},
    ]  # fmt: skip
    return out


# --- reports -----------------------------------------------------------------------------------------------------


def forks(work: Work, skipped: list[str]) -> Any:
    """Tells people from a fork why nothing ran."""
    reason = work.pipeline.maybe_text("forks")
    out = _job(work, "llmops: pull request from a fork", {}, [], condition((FORK,)))
    out["steps"] = [
        {"name": "Say what did not run", "env": {"JOBS": " ".join(skipped)}, "run": script("forks.sh")},
    ]
    return Sourced(out, reason.sources, raw=True) if reason is not None else out


def comment(work: Work, stages: list[Stage]) -> Any:
    """One comment on the pull request, found by its first line and replaced by later runs. It reads nothing of the
    proposed code, since it is the one job that may write."""
    jobs = [name for stage in stages for name in results_of(stage)]
    name = work.lowering.reader.project.name
    pipeline = work.pipeline.address.name
    rights = {"pull-requests": Remark("write", "to comment on the pull request")}
    same = "github.event.pull_request.head.repo.full_name == github.repository"
    when = condition(("!cancelled()", "github.event_name == 'pull_request'", same))
    out = _job(work, "llmops: comment", rights, jobs, when)
    env = {
        "GH_TOKEN": "${{ github.token }}", "NUMBER": "${{ github.event.pull_request.number }}",
        "MARKER": f"<!-- llmops:{name}:{pipeline} -->", "TITLE": f"llmops: {name}, {pipeline}",
        "RESULTS": Joined(tuple(Sourced(f"{job} ${{{{ needs.{job}.result }}}}", (), raw=True) for job in jobs)),
    }  # fmt: skip
    out["steps"] = [{"name": "Write the comment", "env": env, "run": script("comment.sh")}]
    flags = [stage.node.maybe_flag("comment") for stage in stages]
    only = flags[0] if len(flags) == 1 else None
    return Sourced(out, only.sources, raw=True) if only is not None else out


def results_of(stage: Stage) -> Iterator[str]:
    yield stage.name
    if stage.affected:
        yield from (job.id for job in stage.jobs)

