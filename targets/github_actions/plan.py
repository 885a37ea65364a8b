"""Which jobs the stages become, and what each of them runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import Check, Deploy, Service, Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node, Reader
from llmops.schemas.types import DEPLOYMENT, EVAL, SECRET
from llmops.targets.github_actions.work import TARGET, Work


@dataclass(frozen=True, slots=True)
class Task:
    """An eval that a job runs. `reference` is where the stage names it; None where the stage runs what is affected."""

    address: Address
    check: Check
    reference: Sourced[str] | None = None


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
    return [replace(s, after_skipped=bool(skipping & {i.value for i in _names(s.node, "after")})) for s in found]


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
        check = work.lowering.ask(Check, view)
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
    for reference in _names(node, "eval"):
        view = reader.get(EVAL, reference.value)
        check = work.lowering.ask(Check, view) if view is not None else None
        if view is not None and check is not None:
            yield Task(view.address, check, reference)
        elif view is not None:
            work.cannot(_at(node, reference), (), f"no target of this environment runs eval.{reference.value}")


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
