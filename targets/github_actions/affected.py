"""Which files decide what a stage does: for the paths of triggers, and for "which evals does this change touch"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmops.compiler.derive.files import common, deciding, needed, own, shared
from llmops.compiler.model.keys import Address
from llmops.compiler.model.project import Edge, Project
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At
from llmops.targets.github_actions.plan import Job, Task
from llmops.targets.github_actions.words import data, filter_pattern, pathspec
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
    return common(Sourced(filter_pattern(f.path.value, f.glob), f.path.sources) for f in _all(work, jobs))


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
    files.extend(File(data(path)) for path in task.check.files)
    for address, service in job.services:
        # what was compiled for a gateway holds its other routes as well: its configs say what matters here
        own_files = (path for path in service.files if address.kind != "gateway" or "/project/" in path)
        files.extend(File(Sourced(path)) for path in own_files)
    if not task.check.files:
        files.append(File(Sourced(work.in_project(f"generated/{job.environment.value}/**")), glob=True))
    return common(Sourced(pathspec(f.path.value, f.glob), f.path.sources) for f in files)


def _of_task(work: Work, project: Project, task: Task) -> Iterator[File]:
    root = work.lowering.root
    yield from _deciding(work, project, task.address, task.reference)
    for service in task.check.services:
        if service.kind != "gateway":
            yield from _deciding(work, project, service, task.reference)
            continue
        for path in own(project, service, root):
            yield _file(work, project, path.because(task.reference))
        for address, reasons in _served(project, task.address, service).items():
            for path in deciding(project, address, root):
                yield _file(work, project, Sourced(path.value, (*reasons, *path.sources)).because(task.reference))


def _deciding(work: Work, project: Project, address: Address, reference: Sourced[str] | None) -> Iterator[File]:
    for path in deciding(project, address, work.lowering.root):
        yield _file(work, project, path.because(reference))


def _file(work: Work, project: Project, path: Sourced[str]) -> File:
    prefix = "" if work.lowering.root == "." else f"{work.lowering.root}/"
    return File(Sourced(path.value, path.sources), glob=path.value.removeprefix(prefix) in project.globs)


def _served(project: Project, eval_: Address, gateway: Address) -> dict[Address, tuple[At, ...]]:
    """What decides the answers that an eval gets from a gateway: what serves the routes of the eval's models and those
    that they fall back on, each with the references that lead there. Its other routes are of no concern to it."""
    models = {address: reasons for address, reasons in needed(project, eval_).items() if address.kind == "model"}
    routes: dict[str, list[Edge]] = {}
    for edge in project.edges_from(gateway):
        below = edge.at[len(gateway.path) :]
        if len(below) > 1 and below[0] == "routes":
            routes.setdefault(str(below[1]), []).append(edge)
    todo = [(name, models[e.target]) for name, edges in routes.items() for e in edges if e.target in models]
    seen: set[str] = set()
    found: dict[Address, tuple[At, ...]] = {}
    while todo:
        name, reasons = todo.pop(0)
        if name in seen:
            continue
        seen.add(name)
        for edge in routes.get(name, ()):
            way = (*reasons, At(project.env, edge.at))
            if edge.target != gateway:
                before = found.get(edge.target, way)
                found[edge.target] = tuple(at for at in before if at in way)
            elif edge.entry is not None:
                todo.append((edge.entry, way))
    return found
