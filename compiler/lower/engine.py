"""The lower pass: which targets an environment enables, what they make, and what nothing reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from llmops.compiler.diagnostics.collect import merge
from llmops.compiler.diagnostics.locate import locate
from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.emit.emitter import emit
from llmops.compiler.emit.tree import Problem
from llmops.compiler.lower import codes
from llmops.compiler.lower.overrides import apply as apply_patch
from llmops.compiler.lower.registry import Registry, built_in
from llmops.compiler.lower.unread import without_effect
from llmops.compiler.model.artifact import Artifact, Emitted, Format
from llmops.compiler.model.finding import Code, Diagnostic, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.project import Project, Resource, Workspace
from llmops.compiler.model.sourced import through
from llmops.compiler.model.sources import At
from llmops.compiler.model.target import Target, Unsupported
from llmops.compiler.model.view import Node, Reader, Reads, View

if TYPE_CHECKING:
    from llmops.compiler.facts import Facts

E = TypeVar("E")
PROJECT_SCOPE = "project"
_NO_DATA = (Format.TEXT, Format.MARKDOWN, Format.VERBATIM)


@dataclass(frozen=True, slots=True)
class Lowered:
    """All artifacts, as bytes, sorted by path. `targets` are the names and versions that made them."""

    emitted: tuple[Emitted, ...]
    diagnostics: tuple[Diagnostic, ...]
    targets: Mapping[str, str]


class ExportCycle(Exception):
    """Two targets asked each other for facts; `way` are the questions."""

    def __init__(self, way: tuple[str, ...]) -> None:
        super().__init__(" → ".join(way))
        self.way = way


@dataclass(slots=True)
class _Environment:
    """One environment while it is lowered."""

    reader: Reader
    targets: dict[str, Target] = field(default_factory=dict)
    first: dict[str, KeyPath] = field(default_factory=dict)
    """Where each target was first asked for."""


@dataclass(slots=True)
class _Run:
    workspace: Workspace
    facts: Facts
    environments: dict[str, _Environment]
    answers: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    asking: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass(slots=True)
class LoweringRun:
    """What a target is given; see `Lowering`."""

    run: _Run
    target: Target
    env: str
    scope: str

    @property
    def reader(self) -> Reader:
        return self.run.environments[self.env].reader

    @property
    def readers(self) -> Mapping[str, Reader]:
        return {env: e.reader for env, e in self.run.environments.items()}

    @property
    def facts(self) -> Facts:
        return self.run.facts

    @property
    def root(self) -> str:
        return self.run.workspace.settings.root

    @property
    def folder(self) -> str:
        return folder(self.root, self.scope, self.target.name)

    @property
    def shared_folder(self) -> str:
        return folder(self.root, PROJECT_SCOPE, self.target.name)

    @property
    def options(self) -> Node | None:
        options = self.reader.project.options_of(self.target.name)
        return None if options is None else self.reader.view(options.address)

    def ask(
        self, kind: type[E], resource: View[Any], near: str | None = None, of: str | None = None
    ) -> E | None:
        """What is answered is said of the resource, whoever names it; that he does is a reason of all of it."""
        answer = self._answer(kind, resource.unreached(), near, of)
        return None if answer is None else through(answer, resource.reference, of=())

    def _answer(self, kind: type[E], resource: View[Any], near: str | None, of: str | None) -> E | None:
        env = resource.project.env
        question = (kind, env, resource.address, near, of)
        if question in self.run.answers:
            answer: E | None = self.run.answers[question]
            return answer
        if question in self.run.asking:
            start = self.run.asking.index(question)
            way = (*self.run.asking[start:], question)
            raise ExportCycle(tuple(f"{q[0].__name__} of {q[2]}" for q in way))
        self.run.asking.append(question)
        try:
            found: E | None = None
            for target in sorted(self.run.environments[env].targets.values(), key=lambda t: (t.order, t.name)):
                export = target.exports.get(kind)
                if export is None or of not in (None, target.name):
                    continue
                scope = PROJECT_SCOPE if target.scope == "project" else env
                found = export(LoweringRun(self.run, target, env, scope), resource, near)
                if found is not None:
                    break
        finally:
            self.run.asking.pop()
        self.run.answers[question] = found
        return found


def folder(root: str, scope: str, target: str) -> str:
    """Where a target's artifacts stand, relative to the repository."""
    below = f"generated/{scope}/{target}"
    return below if root == "." else f"{root}/{below}"


def lower(
    workspace: Workspace, registry: Registry, facts: Facts, read: Mapping[str, frozenset[KeyPath]], dead_keys: bool
) -> Lowered:
    """Ask every enabled target for its artifacts. `read` are the places that rules looked at, by environment."""
    run = _Run(workspace, facts, {})
    found: list[Diagnostic] = []
    for env, project in workspace.projects.items():
        environment = _Environment(Reader(project, Reads()))
        found.extend(_enable(environment, registry))
        run.environments[env] = environment
    if any(d.severity == Severity.ERROR for d in found):  # a target is missing: whoever asks it would only repeat that
        return Lowered((), merge(found), {})
    emitted: dict[str, Emitted] = {}
    used: dict[str, str] = {}
    for lowering in _lowerings(run):
        used[lowering.target.name] = lowering.target.version
        for artifact in _emitted(lowering, found):
            if artifact.path in emitted and _same(emitted[artifact.path], artifact):
                continue  # shared by environments
            if artifact.path in emitted:
                first = run.environments[lowering.env].first[lowering.target.name]
                found.append(_at(lowering, codes.TGT008, Finding(
                    f"two artifacts would be written to `{artifact.path}`", (Label(first, "", primary=True),),
                    notes=(f"by {emitted[artifact.path].target} and {artifact.target}",),
                    help=("give one of the resources another name",),
                )))
            else:
                emitted[artifact.path] = artifact
    found.extend(_options_differ(run))
    if dead_keys:
        every = [environment.reader.reads for environment in run.environments.values()]
        anywhere = frozenset(path for reads in every for path in reads.leaves | reads.whole)
        for env, environment in run.environments.items():
            found.extend(without_effect(environment.reader, read.get(env, frozenset()), anywhere))
    return Lowered(tuple(emitted[p] for p in sorted(emitted)), merge(found), {**used, **registry.foreign})


def _same(first: Emitted, other: Emitted) -> bool:
    """Whether two environments made the same file of one target: each for a reason of its own."""
    return (first.target, first.content, first.executable) == (other.target, other.content, other.executable)


def _lowerings(run: _Run) -> Iterator[LoweringRun]:
    """One for each environment and target; a target of project scope gets one, in the first that selects it.

    It needs all environments: a run that was asked for some of them leaves it alone.
    """
    seen: set[str] = set()
    for env, environment in run.environments.items():
        for name in sorted(environment.targets):
            target = environment.targets[name]
            if target.scope != "project":
                yield LoweringRun(run, target, env, env)
            elif name not in seen and set(run.environments) == set(run.workspace.settings.environments):
                seen.add(name)
                yield LoweringRun(run, target, env, PROJECT_SCOPE)


# --- which targets -----------------------------------------------------------------------------------------------


def _enable(environment: _Environment, registry: Registry) -> Iterator[Diagnostic]:
    project = environment.reader.project
    for name, at, optional in _named(project):
        if name in environment.targets:
            continue
        target = registry.get(name)
        if target is None:
            if not optional:
                yield _unknown(name, at, project)
            elif nearest(name, built_in()):
                yield _misspelt(name, at, project)
            continue
        environment.targets[name] = target
        environment.first[name] = at
        environment.reader.reads.leaves.add(at)
    for diagnostic in _overridden(project):
        if registry.get(diagnostic.found or "") is None:
            yield diagnostic


def _named(project: Project) -> Iterator[tuple[str, KeyPath, bool]]:
    """The targets that an environment names, in fields marked `x-target` and by their options.

    True where a name may also be of something that no target is made for (`x-target: "optional"`).
    """
    for resource in [*project.resources.values(), project.environment]:
        if resource.broken:
            continue
        base: KeyPath = resource.address.path if resource.address.name else (resource.address.kind,)
        for path in resource.kind.shape.targets:
            value = _below(resource.spec, path)
            shape = resource.kind.shape.down(resource.spec, path)
            if isinstance(value, str) and shape is not None:
                yield value, (*base, *path), shape.flag("x-target") == "optional"
        if resource.kind.holds_options:
            yield resource.address.name, base, False


def _overridden(project: Project) -> Iterator[Diagnostic]:
    """Overrides of what is no target at all: no target reads them, so none can say so."""
    for address, resource in project.resources.items():
        for name in () if resource.broken else resource.spec.get("overrides", ()):
            if name not in built_in():
                close = nearest(name, built_in())
                yield locate(codes.TGT005, Finding(
                    f"there is no target `{name}` to override",
                    (Label(
                        (*address.path, "overrides", name), f"did you mean `{close[0]}`?" if close else "", True, True
                    ),),
                    help=("`llmops targets` lists them",), found=name, expected=close[0] if close else None,
                ), project.composed)


def _below(spec: Any, path: KeyPath) -> Any:
    for key in path:
        spec = spec.get(key) if isinstance(spec, Mapping) else None
    return spec


def _misspelt(name: str, at: KeyPath, project: Project) -> Diagnostic:
    close = nearest(name, built_in())
    return locate(codes.TGT009, Finding(
        f"`{name}` is nearly the target `{close[0]}`, and no target of its own",
        (Label(at, f"did you mean `{close[0]}`?", primary=True),),
        notes=("nothing is compiled for it",), found=name, expected=close[0],
    ), project.composed)


def _unknown(name: str, at: KeyPath, project: Project) -> Diagnostic:
    close = nearest(name, built_in())
    return locate(codes.TGT001, Finding(
        f"there is no target named `{name}`",
        (Label(at, f"did you mean `{close[0]}`?" if close else "", primary=True),),
        notes=(f"targets: {', '.join(built_in())}",), found=name, expected=close[0] if close else None,
        help=() if close else ("name one of those, or install the package that brings it",),
    ), project.composed)


def _options_differ(run: _Run) -> Iterator[Diagnostic]:
    """A target of project scope is compiled once: its options must not differ."""
    first: dict[str, tuple[str, Resource | None]] = {}
    for env, environment in run.environments.items():
        for name, target in environment.targets.items():
            if target.scope != "project":
                continue
            options = environment.reader.project.options_of(name)
            other, before = first.setdefault(name, (env, options))
            said = options or before
            if said is not None and (options is None or before is None or options.spec != before.spec):
                at: KeyPath = options.address.path if options else environment.first[name]
                yield locate(codes.TGT007, Finding(
                    f"the options of `{name}` differ between {other} and {env}",
                    (Label(at, "", primary=True),),
                    help=(f"say it once, in conf/{said.address.kind}/{name}.yaml, for all environments",),
                ), environment.reader.project.composed)


# --- what they make ----------------------------------------------------------------------------------------------


def _at(lowering: LoweringRun, code: Code, finding: Finding) -> Diagnostic:
    return locate(code, finding, lowering.reader.project.composed)


def _emitted(lowering: LoweringRun, found: list[Diagnostic]) -> Iterator[Emitted]:
    target = lowering.target
    patches = _patches(lowering)
    try:
        items = list(target.lower(lowering))
    except ExportCycle as cycle:
        at = lowering.run.environments[lowering.env].first[target.name]
        found.append(_at(lowering, codes.TGT004, Finding(
            f"{target.name} waits for itself: {' → '.join(cycle.way)}"[:200], (Label(at, "", primary=True),),
        )))
        return
    refused: list[Diagnostic] = []
    for item in items:
        if isinstance(item, Unsupported):
            refused.append(_at(lowering, codes.TGT002, item.finding(target.name)))
        elif isinstance(item, Finding):
            refused.append(_at(lowering, codes.TGT002, item))
    found.extend(refused)
    told = any(one.severity is Severity.ERROR for one in refused)
    for item in items:
        if isinstance(item, Artifact):
            yield from _emit(lowering, item, patches, found, told)
    for name, places in patches.items():
        for place in places:
            close = nearest(name, [a.path.lstrip("/") for a in items if isinstance(a, Artifact)])
            found.append(_at(lowering, codes.TGT005, Finding(
                f"{target.name} writes no `{name}`", (Label(place.path, "", primary=True, key_only=True),),
                help=(f"did you mean `{close[0]}`?",) if close else (),
            )))


def _patches(lowering: LoweringRun) -> dict[str, list[Node]]:
    """The `overrides` of all resources that are meant for this target, by artifact."""
    out: dict[str, list[Node]] = {}
    for resource in lowering.reader.project.resources.values():
        if resource.broken or "overrides" not in resource.spec:
            continue
        view: View[Any] = View(lowering.reader.project, resource, lowering.reader.reads)
        for patch in view.entries("overrides", lowering.target.name):
            out.setdefault(patch.name, []).append(patch)
    return out


def _emit(
    lowering: LoweringRun, artifact: Artifact, patches: dict[str, list[Node]], found: list[Diagnostic], told: bool
) -> Iterator[Emitted]:
    """`told`: the target refuses something itself, so what its check says of the artifact would be an echo."""
    target = lowering.target
    name = artifact.path.lstrip("/")
    body = artifact.body if artifact.front is None else artifact.front
    places = patches.pop(name, [])
    if places and artifact.front is None and artifact.format in _NO_DATA:
        found.extend(_at(lowering, codes.TGT005, Finding(
            f"nothing in `{name}` can be overridden: it is a text, and no data",
            (Label(place.path, "", primary=True, key_only=True),), help=("remove it",),
        )) for place in places)
        places = []
    for place in places:
        body, _, unused = apply_patch(body, place.tree())
        for idle in unused:
            found.append(_at(lowering, codes.TGT005, Finding(
                f"this override changes nothing in `{name}`",
                (Label((*place.path, *idle), "the artifact says so already, or has no such key", primary=True),),
                help=("remove it",),
            )))
    scope = PROJECT_SCOPE if artifact.shared else lowering.scope
    below = folder(lowering.root, scope, target.name)
    path = name if artifact.path.startswith("/") else f"{below}/{artifact.path}"
    artifact = replace(artifact, body=body) if artifact.front is None else replace(artifact, front=body)
    result = emit(artifact, target=target.name, scope=scope, path=path, escape=target.escape)
    found.extend(_problem(lowering, problem) for problem in result.problems)
    if result.emitted is None:
        return
    if target.check is not None and not told and result.emitted.data is not None:
        at = places[0].path if places else lowering.run.environments[lowering.env].first[target.name]
        for complaint in target.check(artifact.path, result.emitted.data):
            found.append(_at(lowering, codes.TGT006, Finding(
                f"`{name}`: {complaint}", (Label(at, "", primary=True, key_only=bool(places)),),
            )))
    yield result.emitted


def _problem(lowering: LoweringRun, problem: Problem) -> Diagnostic:
    """What emit found, at the place in the config that the text came from, else where the target was asked for."""
    place = problem.place or At(lowering.env, lowering.run.environments[lowering.env].first[lowering.target.name])
    finding = Finding(problem.message, (Label(place.path, "", primary=True),), help=problem.help)
    return locate(problem.code, finding, lowering.run.workspace.projects[place.env].composed)
