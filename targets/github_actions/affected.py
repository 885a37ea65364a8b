"""Which files decide what a stage does: for the paths of triggers, and for "which evals does this change touch"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llmops.compiler.derive.files import deciding, own, shared
from llmops.compiler.model.keys import Address
from llmops.compiler.model.project import Edge, Project
from llmops.compiler.model.sourced import Sourced
from llmops.targets.github_actions.plan import Job, Task
from llmops.targets.github_actions.words import filter_pattern, pathspec
from llmops.targets.github_actions.work import Work


@dataclass(frozen=True, slots=True)
class File:
    """A path or glob, relative to the repository."""

    path: Sourced[str]
    glob: bool = False


def trigger_paths(work: Work, jobs: list[Job]) -> list[Sourced[str]] | None:
    """Patterns of all files that can change the outcome of a run, each once; None where that cannot be known."""
    if any(job.commands for job in jobs):
        return None  # a command of one's own may read any file
    found: dict[str, list[Sourced[str]]] = {}
    for file in _all(work, jobs):
        pattern = Sourced(filter_pattern(file.path.value, file.glob), file.path.sources)
        found.setdefault(pattern.value, []).append(pattern)
    # a file that several things bring stays when one of them goes
    return [said[0] if len(said) == 1 else Sourced(pattern) for pattern, said in found.items()]


def _all(work: Work, jobs: list[Job]) -> Iterator[File]:
    yield File(Sourced(f".github/workflows/{work.name.value}.yml", work.name.sources))
    yield File(Sourced(work.in_project("llmops.yaml")))
    yield File(Sourced(work.in_project("generated/project/**")), glob=True)
    requirements = work.option("check", "requirements")
    if requirements is not None:
        yield File(requirements.map(work.in_project))
        yield File(Sourced(work.in_project("generated/**")), glob=True)
    for job in jobs:
        project = job.reader.project
        for path in shared(project):
            yield File(Sourced(path))
        for task in job.tasks:
            yield from _of_task(work, project, task)
        for address, reference in job.about:
            yield from _deciding(work, project, address, reference)
        folder = job.environment.map(lambda env: work.in_project(f"generated/{env}/**"))
        yield File(folder, glob=True)


def eval_files(work: Work, job: Job, task: Task) -> list[Sourced[str]]:
    """What decides one eval, as git's pathspecs: not the configs of other evals, nor what was compiled for them."""
    files = [File(Sourced(work.in_project("llmops.yaml")))]
    # what is selected; profiles count where they write a field
    files.extend(File(Sourced(path)) for path in shared(job.reader.project) if path.endswith("/config.yaml"))
    files.extend(_of_task(work, job.reader.project, task))
    files.extend(File(Sourced(path)) for path in task.check.files)
    files.extend(File(Sourced(path)) for _, service in job.services for path in service.files)
    if not task.check.files:
        files.append(File(Sourced(work.in_project(f"generated/{job.environment.value}/**")), glob=True))
    specs = (Sourced(pathspec(f.path.value, f.glob), f.path.sources) for f in files)
    return list({spec.value: spec for spec in specs}.values())


def _of_task(work: Work, project: Project, task: Task) -> Iterator[File]:
    root = work.lowering.root
    yield from _deciding(work, project, task.address, task.reference)
    for service in task.check.services:
        if service.kind != "gateway":
            yield from _deciding(work, project, service, task.reference)
            continue
        for path in own(project, service, root):
            yield _file(work, project, path)
        for address in _served(project, task.address, service):
            for path in deciding(project, address, root):
                yield _file(work, project, path)


def _deciding(work: Work, project: Project, address: Address, reference: Sourced[str] | None) -> Iterator[File]:
    for path in deciding(project, address, work.lowering.root):
        yield _file(work, project, path.because(reference))


def _file(work: Work, project: Project, path: Sourced[str]) -> File:
    prefix = "" if work.lowering.root == "." else f"{work.lowering.root}/"
    return File(Sourced(path.value, path.sources), glob=path.value.removeprefix(prefix) in project.globs)


def _served(project: Project, eval_: Address, gateway: Address) -> Iterable[Address]:
    """What decides the answers that an eval gets from a gateway: what serves the routes of the eval's models and those
    that they fall back on. The gateway's other routes are of no concern to it."""
    wanted = {address for address in project.dependencies(eval_) if address.kind == "model"}
    routes: dict[str, list[Edge]] = {}
    for edge in project.edges_from(gateway):
        below = edge.at[len(gateway.path) :]
        if len(below) > 1 and below[0] == "routes":
            routes.setdefault(str(below[1]), []).append(edge)
    todo = [name for name, edges in routes.items() if any(edge.target in wanted for edge in edges)]
    seen: dict[str, None] = {}
    while todo:
        name = todo.pop(0)
        if name not in seen:
            seen[name] = None
            todo.extend(e.entry for e in routes.get(name, ()) if e.target == gateway and e.entry is not None)
    return dict.fromkeys(e.target for name in seen for e in routes.get(name, ()) if e.target != gateway)
