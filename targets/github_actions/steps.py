"""The steps of a job. A `run:` body holds no text of a config: values come in by `env:` and are used quoted."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import Any

from llmops.compiler.model.exports import Check, Deploy, Service, Variable
from llmops.compiler.model.exports import Task as Chore
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Joined, Sourced
from llmops.targets.github_actions import earlier
from llmops.targets.github_actions.plan import Job, Task
from llmops.targets.github_actions.triggers import inputs
from llmops.targets.github_actions.words import Script, data, programs, script
from llmops.targets.github_actions.work import NODE, PYTHON, Work

READY = "ready"
"""The id of the step after which the evals can run, each whatever came of the one before."""


def checkout(work: Work, whole: bool = False) -> dict[str, Any]:
    options: dict[str, Any] = {"persist-credentials": False}
    if whole:
        options["fetch-depth"] = 0
    return {"name": "Check out", "uses": work.action("actions/checkout"), "with": options}


def python(work: Work) -> dict[str, Any]:
    version = work.option("python") or PYTHON
    return {"name": "Set up Python", "uses": work.action("actions/setup-python"), "with": {"python-version": version}}


def node(work: Work) -> dict[str, Any]:
    # Without the second input it keeps a cache of its own accord, and a release must not be made from one.
    options = {"node-version": work.option("node") or NODE, "package-manager-cache": False}
    return {"name": "Set up Node.js", "uses": work.action("actions/setup-node"), "with": options}


Runs = Check | Chore | Deploy | Service


def _running(job: Job) -> list[Runs]:
    return [*(task.check for task in job.tasks), *(r.deploy for r in job.releases), *(s for _, s in job.services)]


def set_up(work: Work, job: Job) -> Iterator[dict[str, Any]]:
    """Tool chains, then what each thing that runs wants installed, once."""
    running = _running(job)
    tools = {tool for one in running for tool in one.tools}
    if "python" in tools:
        yield python(work)
    if "node" in tools:
        yield node(work)
    installs = list(dict.fromkeys((environment(job, one), argv) for one in reversed(running) for argv in one.install))
    if not installs:
        return
    made = Script()
    for name in dict.fromkeys(name for name, argv in installs if name is not None and argv[0] == "python"):
        made.add(("python", "-m", "venv", f"$RUNNER_TEMP/{name}"))
    for own, argv in dict.fromkeys((name if argv[0] == "python" else None, argv) for name, argv in installs):
        made.add(argv if own is None else (f"$RUNNER_TEMP/{own}/bin/python", *argv[1:]))
    yield _step("Install tools by their lock files", made.run(_environment(job)), made.env)


def environment(job: Job, one: Runs) -> str | None:
    """The Python environment that something runs in, None for the job's own.

    Each lock is whole for itself: two in one environment would replace what the other pins. So where several meet in
    a job, each thing that runs gets one of its own, called after its first lock's folder.
    """
    several = list(dict.fromkeys(found for other in reversed(_running(job)) if (found := _locks(other))))
    mine = _locks(one)
    if len(several) < 2 or not mine:
        return None
    names: list[str] = []
    for locks in several:
        name = posixpath.basename(posixpath.dirname(locks[0][-1])) or "tools"
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    return names[several.index(mine)]


def _locks(one: Runs) -> tuple[tuple[str, ...], ...]:
    """What it installs with Python's tools."""
    return tuple(argv for argv in one.install if argv[0] == "python")


def _environment(job: Job) -> Sourced[str] | None:
    """The environment as a reason for the names of generated folders, where a config says it."""
    return job.environment if job.environment.sources else None


def _step(name: Any, run: Any, env: dict[str, Any], **more: Any) -> dict[str, Any]:
    step: dict[str, Any] = {"name": name, **more}
    if env:
        step["env"] = env
    step["run"] = run
    return step


# --- what runs beside --------------------------------------------------------------------------------------------


def start(work: Work, job: Job, address: Address, service: Service) -> dict[str, Any]:
    """Start a server and wait until it answers."""
    command, own = Script(), environment(job, service)
    line = f"nohup {command.line(service.argv)}"
    if own is not None:
        line = f"PATH={programs(own)} {line}"
    env: dict[str, Any] = {
        **variables(work, job, service.variables), **{name: data(value) for name, value in service.settings.items()},
        **command.env,
        "LLMOPS_HEALTH": data(service.port.map(lambda port: f"http://127.0.0.1:{port}{service.health}")),
        "LLMOPS_LOG": f"{address}.log",
    }  # fmt: skip
    body = Sourced(script("start.sh", command=line), (), raw=True).because(_environment(job))
    return _step(f"Start {address}", body, env)


# --- evals, and what is done to data, indexes and models ---------------------------------------------------------

DONE = {"eval": "Run", "index": "Fill", "dataset": "Make", "finetune": "Train"}


def tasks(work: Work, job: Job) -> Iterator[dict[str, Any]]:
    for number, task in enumerate(job.tasks):
        yield _task(work, job, task, first=number == 0 or task.chore)
        yield from earlier.keep(work, job, task)
    kept = [
        data(result).because(task.reference)
        for task in job.tasks if task.kept for result in task.check.results
    ]  # fmt: skip
    if not kept:
        return
    if any(task.chore for task in job.tasks):
        # A file at the top keeps the folders of the others: an artifact begins where all of its files are.
        kept.append(Sourced(work.in_project(ANCHOR)))
    yield keep(work, "Keep the results", f"{job.id}-results", kept, job)


ANCHOR = "llmops.yaml"


def bring(work: Work, job: Job) -> Iterator[dict[str, Any]]:
    """What jobs before this one have made, at the places where they made it."""
    for before in job.brought:
        results = [str(data(r).value) for task in before.tasks if task.kept for r in task.check.results]
        top = posixpath.commonpath([posixpath.dirname(work.in_project(ANCHOR)) or ".", *map(_in_top, results)])
        yield {
            "name": f"Bring what {before.id} made", "uses": work.action("actions/download-artifact"),
            "with": {"name": f"{before.id}-results", "path": top.removeprefix("./") or "."},
        }  # fmt: skip


def _in_top(path: str) -> str:
    return posixpath.join(".", path)


def _task(work: Work, job: Job, task: Task, first: bool) -> dict[str, Any]:
    compared = earlier.baseline(work, job, task) is not None
    made = Script().within(environment(job, task.check))
    if compared:
        made.export("LLMOPS_SUMMARY", '"$GITHUB_STEP_SUMMARY"')
    for argv in task.check.prepare:
        made.add(argv)
    made.add(task.check.argv)
    env = {
        **stage_variables(work, job), **variables(work, job, task.check.variables),
        **{name: data(value) for name, value in task.check.settings.items()}, **made.env,
    }  # fmt: skip
    name = Sourced(f"{DONE[task.address.kind]} {task.address}", (), raw=True).because(task.reference)
    more = {"id": earlier.step(task)} if compared else {}
    if not first:
        more["if"] = f"${{{{ !cancelled() && steps.{READY}.conclusion == 'success' }}}}"
    return _step(name, made.run(task.reference, _environment(job)), env, **more)


# --- deployments, commands ---------------------------------------------------------------------------------------


def releases(work: Work, job: Job) -> Iterator[dict[str, Any]]:
    for release in job.releases:
        made = Script().within(environment(job, release.deploy)).add(release.deploy.argv)
        env = {
            **stage_variables(work, job), **variables(work, job, release.deploy.variables),
            **{name: data(value) for name, value in release.deploy.settings.items()}, **made.env,
        }  # fmt: skip
        references = [reference for _, reference in release.deployments]
        names = ", ".join(str(address) for address, _ in release.deployments)
        title = Sourced(f"Deploy {names} to {job.environment.value}", (), raw=True)
        yield _step(title.because(*references, _environment(job)), made.run(_environment(job)), env)


def commands(work: Work, job: Job) -> Iterator[dict[str, Any]]:
    """The user's own commands: text of a config, so a shell of its own reads it from a variable."""
    shared = {**stage_variables(work, job), **dict(inputs(work))}
    for number, command in enumerate(job.commands, start=1):
        name = "Run the command" if len(job.commands) == 1 else f"Run command {number} of {len(job.commands)}"
        more: dict[str, Any] = {}
        if work.lowering.root != ".":
            more["working-directory"] = data(work.lowering.root)
        yield _step(name, 'bash -euo pipefail -c "$LLMOPS_COMMAND"', {**shared, "LLMOPS_COMMAND": command}, **more)


# --- shared ------------------------------------------------------------------------------------------------------


def variables(work: Work, job: Job, wanted: Iterable[Variable]) -> dict[str, Any]:
    """Sorted by name. What is a secret for one reader is one for all."""
    ordered = sorted(wanted, key=lambda variable: (variable.name.value, variable.secret is not None))
    return {variable.name.value: work.stored(variable, job.reader) for variable in ordered}


def stage_variables(work: Work, job: Job) -> dict[str, Any]:
    """What every command of a stage sees: its own secrets, and the values of its matrix as MATRIX_<NAME>."""
    matrix = {f"MATRIX_{n.name.upper()}": f"${{{{ matrix.{n.name} }}}}" for n in job.stage.entries("matrix")}
    return {**variables(work, job, job.secrets), **matrix}


def artifacts(work: Work, job: Job) -> Iterator[dict[str, Any]]:
    kept: list[Sourced[str]] = []
    for item in job.stage.entries("artifacts"):
        pattern = item.maybe_text()
        if pattern is not None and pattern.value.isprintable():
            kept.append(pattern.map(work.in_project))
        else:
            work.cannot(item, (), "a pattern of files is one line of visible characters")
    if kept:
        yield keep(work, "Keep the files", f"{job.id}-files", kept, job)


def keep(work: Work, title: str, name: str, paths: list[Sourced[str]], job: Job) -> dict[str, Any]:
    """Upload files, also of a job that failed; each combination of a matrix keeps its own. A job that is run again is
    still of the same run, where a name can be taken once."""
    if job.stage.has("matrix"):
        name += "-${{ strategy.job-index }}"
    return {
        "name": title, "if": "${{ !cancelled() }}", "uses": work.action("actions/upload-artifact"),
        "with": {"name": name, "path": Joined(tuple(paths)), "if-no-files-found": "ignore", "overwrite": True},
    }  # fmt: skip
