"""Which jobs the stages become, and what each of them runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from llmops.compiler.derive.gate import affectable
from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import Check, Deploy, Service, Variable
from llmops.compiler.model.exports import Task as Chore
from llmops.compiler.model.keys import Address
from llmops.compiler.model.kinds import Kind
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import DATASET, DEPLOYMENT, EVAL, FINETUNE, INDEX, SECRET
from llmops.targets.github_actions.work import TARGET, Work

CHORES: Mapping[str, Kind[Any]] = {"index": INDEX, "dataset": DATASET, "finetune": FINETUNE}
"""The verbs of a stage that have something done, once each, in the order that it says."""
PRIVATE = ("personal", "secret")
"""Data of which no copy is kept: an artifact may be read by whoever may read the repository."""


@dataclass(frozen=True, slots=True)
class Task:
    """An eval that a job runs, or what it does to an index, a dataset or a fine-tuning.

    `reference` is where the stage names it; None where the stage runs what is affected. `kept` is false where no copy
    of its results may be kept.
    """

    address: Address
    check: Check | Chore
    reference: Sourced[str] | None = None
    kept: bool = True

    @property
    def chore(self) -> bool:
        return isinstance(self.check, Chore)


@dataclass(frozen=True, slots=True)
class Release:
    """Deployments that one command brings out together."""

    deploy: Deploy
    deployments: tuple[tuple[Address, Sourced[str]], ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A job to be. `changes` is the job that says whether this one's eval is affected."""

    id: str
    stage: Node
    environment: Sourced[str]
    reader: Reader
    tasks: tuple[Task, ...] = ()
    releases: tuple[Release, ...] = ()
    commands: tuple[Sourced[str], ...] = ()
    services: tuple[tuple[Address, Service], ...] = ()
    secrets: tuple[Variable, ...] = ()
    changes: str | None = None
    brought: tuple[Job, ...] = ()
    """Jobs before this one whose results its tasks need."""

    @property
    def about(self) -> Iterator[tuple[Address, Sourced[str] | None]]:
        """What it is about beside evals, each with the place that names it."""
        for release in self.releases:
            yield from release.deployments
        for address, _ in self.services:
            yield address, None

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Whatever any of its steps reads."""
        return (
            *(v for task in self.tasks for v in task.check.variables),
            *(v for release in self.releases for v in release.deploy.variables),
            *(v for _, service in self.services for v in service.variables), *self.secrets,
        )  # fmt: skip

    @property
    def has_secret(self) -> bool:
        return any(v.secret is not None for v in self.variables)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage and its jobs. One that runs what is affected has a job before them, which looks at the change, and one
    after them with the stage's own name, which is what others wait for."""

    node: Node
    jobs: tuple[Job, ...]
    after_skipped: bool = False
    """Whether one of the jobs before it, near or far, may be skipped although all is well."""

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def approved(self) -> bool:
        """Whether a person must agree first."""
        one = self.node.maybe_text("approval")
        return one.value == "required" if one is not None else self.node.has("approval")

    @property
    def affected(self) -> bool:
        return any(job.changes is not None for job in self.jobs)


def stages(work: Work) -> list[Stage]:
    """The stages that have something to do."""
    found = [stage for node in work.pipeline.entries("stages") if (stage := _stage(work, node)).jobs]
    skipping = {stage.name for stage in found if stage.affected}
    while True:
        behind = {s.name for s in found if skipping & {item.value for item in _names(s.node, "after")}}
        if behind <= skipping:
            break
        skipping |= behind
    found = [replace(s, after_skipped=bool(skipping & {i.value for i in _names(s.node, "after")})) for s in found]
    return [replace(s, jobs=tuple(replace(job, brought=_brought(job, found)) for job in s.jobs)) for s in found]


def _brought(job: Job, all_: list[Stage]) -> tuple[Job, ...]:
    """The jobs of stages before, near or far, that make what a task of this one needs."""
    by_name = {stage.name: stage for stage in all_}
    before: dict[str, Stage] = {}
    todo = [item.value for item in _names(job.stage, "after")]
    while todo:
        stage = by_name.get(todo.pop())
        if stage is not None and stage.name not in before:
            before[stage.name] = stage
            todo += [item.value for item in _names(stage.node, "after")]
    project = job.reader.project
    needed = {a for task in job.tasks for a in project.dependencies(task.address)}
    return tuple(
        one for name, stage in by_name.items() if name in before for one in stage.jobs
        if one.reader.project.env == project.env
        and any(task.chore and task.kept and task.check.results and task.address in needed for task in one.tasks)
    )


def _stage(work: Work, node: Node) -> Stage:
    environment = _environment(work, node)
    reader = work.lowering.readers[environment.value]
    secrets = tuple(_secrets(work, node, reader))
    if node.has("affected"):
        return Stage(node, tuple(_affected(work, node, environment, reader, secrets)))
    tasks = tuple(_tasks(work, node, reader))
    releases = tuple(_releases(work, node, reader, environment.value))
    commands = tuple(_commands(node))
    wanted = [address for task in tasks for address in task.check.services]
    services = tuple(_services(work, node, reader, wanted))
    job = Job(node.name, node, environment, reader, tasks, releases, commands, services, secrets)
    return Stage(node, (job,) if tasks or releases or commands else ())


def _environment(work: Work, node: Node) -> Sourced[str]:
    """Where a stage's names are looked up: `environment`, else `ci` if there is one, else the first."""
    readers = work.lowering.readers
    written = node.maybe_text("environment")
    if written is not None and written.value in readers:
        return written
    return Sourced("ci" if "ci" in readers else next(iter(readers)), written.sources if written else ())


def _affected(
    work: Work, node: Node, environment: Sourced[str], reader: Reader, secrets: tuple[Variable, ...]
) -> Iterator[Job]:
    made = False
    for view in reader.of(EVAL):
        check = work.lowering.ask(Check, view) if affectable(view) else None
        if check is None:
            continue
        made = True
        services = tuple(_services(work, node, reader, check.services))
        yield Job(
            f"{node.name}-{view.address.name}", node, environment, reader, (Task(view.address, check),),
            services=services, secrets=secrets, changes=f"{node.name}-changes",
        )  # fmt: skip
    if not made:
        work.cannot(node, ("affected",), f"environment {environment.value} has no eval that a target runs")


def _tasks(work: Work, node: Node, reader: Reader) -> Iterator[Task]:
    yield from _chores(work, node, reader)
    for reference in _names(node, "eval"):
        view = reader.get(EVAL, reference.value)
        check = work.lowering.ask(Check, view) if view is not None else None
        if view is not None and check is not None:
            yield Task(view.address, check, reference)
        elif view is not None:
            work.cannot(_at(node, reference), (), f"no target of this environment runs eval.{reference.value}")


def _chores(work: Work, node: Node, reader: Reader) -> Iterator[Task]:
    for verb, kind in CHORES.items():
        for reference in _names(node, verb):
            view: View[Any] | None = reader.get(kind, reference.value)
            chore = work.lowering.ask(Chore, view) if view is not None else None
            if view is not None and chore is not None:
                yield Task(view.address, chore, reference, kept=not _private(reader, view.address))
            elif view is not None:
                why = f"no target of this environment makes {view.address}"
                work.cannot(_at(node, reference), (), why, _CURES[verb])


_CURES = {
    "index": "choose a `runner` that fills it", "dataset": "give it a `derive` with a `runner`",
    "finetune": "choose a `trainer` that a target stands for",
}  # fmt: skip


def _private(reader: Reader, address: Address) -> bool:
    """Whether it holds, or is made from, data that is personal or secret."""
    for one in (address, *reader.project.dependencies(address)):
        dataset = reader.get(DATASET, one.name) if one.kind == DATASET.name else None
        if dataset is not None and dataset.text("sensitivity").value in PRIVATE:
            return True
    return False


def _releases(work: Work, node: Node, reader: Reader, environment: str) -> Iterator[Release]:
    """Deployments that share a command are brought out by one run of it."""
    together: dict[tuple[str, ...], Release] = {}
    for reference in _names(node, "deployment"):
        view = reader.get(DEPLOYMENT, reference.value)
        deploy = work.lowering.ask(Deploy, view) if view is not None else None
        if view is None:
            continue
        if deploy is None:
            why = f"no target of environment {environment} brings deployment.{reference.value} there"
            work.cannot(_at(node, reference), (), why, "choose a platform for it that can")
            continue
        key = tuple(word.value for word in deploy.argv)
        before = together[key].deployments if key in together else ()
        together[key] = Release(deploy, (*before, (view.address, reference)))
    yield from together.values()


def _commands(node: Node) -> Iterator[Sourced[str]]:
    one = node.maybe_text("run")
    if one is not None:
        yield one
    elif node.has("run"):
        for item in node.entries("run"):
            found = item.maybe_text()
            if found is not None:
                yield found


def _secrets(work: Work, node: Node, reader: Reader) -> Iterator[Variable]:
    for reference in _names(node, "secrets"):
        secret = reader.get(SECRET, reference.value)
        if secret is not None:
            yield Variable(variable(secret, TARGET).because(reference), secret.address)


def _services(work: Work, node: Node, reader: Reader, wanted: Iterable[Address]) -> Iterator[tuple[Address, Service]]:
    """What a job starts, in the order of need: what its checks call and nobody runs yet, and what its stage names."""
    started: dict[Address, Service] = {}

    def start(address: Address, reference: Sourced[str] | None = None) -> None:
        view = reader.view(address)
        service = work.lowering.ask(Service, view) if view is not None and address not in started else None
        if service is None:
            if reference is not None and view is not None and not view.has("endpoint") and address not in started:
                why = f"nothing says how {address} is started as a process"
                work.cannot(_at(node, reference), (), why, "start it in a `run` stage")
            return
        for need in service.needs:
            start(need)
        started[address] = service

    for address in wanted:
        start(address)
    for reference in _names(node, "services"):
        start(Address("deployment", reference.value), reference)
    yield from started.items()


def _names(node: Node, field: str) -> Iterator[Sourced[str]]:
    for item in node.entries(field):
        name = item.maybe_text()
        if name is not None:
            yield name


def _at(node: Node, reference: Sourced[str]) -> Node:
    """The node of a list's item, for a finding that points at it."""
    path = getattr(reference.sources[0], "path", node.path)
    return Node(node.project, node.resource, path, reference.value, None, node.reads)
