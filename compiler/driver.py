"""The compiler as one function: the passes in their order, from files to artifacts and diagnostics.

Nothing here touches a disk: `files` reads, and the result is a value. compiler/write turns it into files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

from llmops.compiler.check import suppress
from llmops.compiler.check.engine import check
from llmops.compiler.check.levels import relevel, unfit
from llmops.compiler.check.rule import Rule
from llmops.compiler.derive.secrets import brought
from llmops.compiler.derive.secrets import known as known_names
from llmops.compiler.diagnostics.codes import all_codes
from llmops.compiler.diagnostics.collect import discreet, merge, without_echoes
from llmops.compiler.diagnostics.locate import locate
from llmops.compiler.diagnostics.redact import redact, secrets
from llmops.compiler.facts import Facts
from llmops.compiler.link.codes import REF010
from llmops.compiler.link.link import link
from llmops.compiler.link.texts import Texts
from llmops.compiler.link.unselected import unselected
from llmops.compiler.link.unused import unused
from llmops.compiler.load import load
from llmops.compiler.load.disk import join
from llmops.compiler.lower.engine import lower
from llmops.compiler.lower.registry import Registry, built_in
from llmops.compiler.model.artifact import Emitted
from llmops.compiler.model.finding import Diagnostic, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.kinds import Kind
from llmops.compiler.model.project import Loaded, Project, Settings, Workspace
from llmops.compiler.model.request import Files, Request, TooLarge
from llmops.compiler.model.sources import SourceFile, Sources
from llmops.compiler.validate import same_everywhere, validate
from llmops.compiler.validate.codes import NEAR_MISS


@dataclass(frozen=True, slots=True)
class Compilation:
    """What a run found and made. With an error among the diagnostics, nothing of `emitted` is to be written."""

    settings: Settings | None
    workspace: Workspace | None
    emitted: tuple[Emitted, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    unknown: tuple[Diagnostic, ...] = ()
    """Checks that could not be made since a fact is missing."""
    silenced: tuple[Diagnostic, ...] = ()
    sources: Sources = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    """What stands in the configs and must not be printed."""

    @property
    def failed(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.diagnostics)


@dataclass(frozen=True, slots=True)
class Options:
    """What a run may leave out or be told."""

    as_of: date | None = None
    emit: bool = True
    dead_keys: bool = False


@dataclass(frozen=True, slots=True)
class Toolkit:
    """What the passes work with: made once a process, shared by runs."""

    kinds: Mapping[str, Kind[Any]]
    rules: tuple[Rule, ...]
    registry: Registry
    facts: Facts


_GUESSES = frozenset((NEAR_MISS.code, REF010.code))


def toolkit() -> Toolkit:
    """The kinds, rules, targets and facts that come with the compiler."""
    from llmops.compiler.rules import load_rules
    from llmops.schemas import load_kinds

    return Toolkit(load_kinds(), load_rules(), Registry(), Facts())


def compile_project(
    files: Files, request: Request, options: Options | None = None, tools: Toolkit | None = None
) -> Compilation:
    """load → validate → link → check → export → lower → emit, for every environment of the request.

    What was found to be a secret is left out of every diagnostic.
    """
    return _discreet(_compile(files, request, options or Options(), tools or toolkit()), files, request)


def _compile(files: Files, request: Request, options: Options, tools: Toolkit) -> Compilation:
    loaded = load(request, files, tools.kinds)
    if loaded.value is None:
        return Compilation(None, None, diagnostics=merge(loaded.diagnostics))
    workspace, found = _link(loaded.value, files, tools)
    judge = _Judge(workspace, tools, options.as_of)
    checked = check(workspace, tools.rules, tools.facts, options.as_of)
    early = judge.heard((*loaded.diagnostics, *found), checked.diagnostics)
    diagnostics = [*judge.unfit, *early.diagnostics]
    quiet = list(early.quiet)
    emitted: tuple[Emitted, ...] = ()
    targets: Mapping[str, str] = {}
    passes: list[Diagnostic] = []
    whole = options.emit and not any(d.severity is Severity.ERROR for d in diagnostics)
    if whole:
        lowered = lower(workspace, tools.registry, tools.facts, checked.read, options.dead_keys)
        passes.extend(lowered.diagnostics)
        emitted, targets = lowered.emitted, lowered.targets
    passes.extend(_unused(workspace, emitted))
    late = judge.heard(passes)
    diagnostics.extend(late.diagnostics)
    quiet.extend(late.quiet)
    diagnostics.extend(suppress.idle(judge.silences, quiet, options.as_of, judge.judged(checked.ran, whole)))
    return Compilation(
        settings=loaded.value.settings, workspace=workspace, emitted=emitted,
        diagnostics=without_echoes(merge(diagnostics), _GUESSES),
        unknown=checked.unknown, silenced=tuple(d for d, _ in quiet), sources=loaded.value.sources, targets=targets,
    )


def _unused(workspace: Workspace, emitted: Iterable[Emitted]) -> Iterator[Diagnostic]:
    """What nothing refers to and nothing is made of: known once it is known what is made."""
    made: dict[str, set[Address]] = {}
    for one in emitted:
        made.setdefault(one.scope, set()).update(one.about)
    for env, project in workspace.projects.items():
        for code, finding in unused(project, made.get(env, ())):
            yield locate(code, finding, project.composed)


class _Judge:
    """Levels and silences of one project, for what rules and passes find."""

    def __init__(self, workspace: Workspace, tools: Toolkit, as_of: date | None) -> None:
        known = all_codes()
        self.settings = workspace.settings
        self.as_of = as_of
        self.rules = frozenset(rule.code.code for rule in tools.rules)
        self.passes = frozenset(code.code for code in known) - self.rules
        self.silences, wrong = suppress.read(workspace.sources, [code.code for code in known])
        self.unfit = (*wrong, *unfit(self.settings, workspace.sources, known, self.rules))

    def heard(self, passes: Iterable[Diagnostic], rules: Iterable[Diagnostic] = ()) -> suppress.Silenced:
        """What is left to say of these; rules have their levels already."""
        found = merge((*relevel(passes, self.settings), *rules))
        return suppress.apply(found, self.silences, self.as_of, self.rules)

    def judged(self, ran: frozenset[str], whole: bool) -> frozenset[str]:
        """The codes of which it is known whether a silence of them is needed: all, once every pass has run."""
        return ran | (self.passes if whole else frozenset())


def _discreet(made: Compilation, files: Files, request: Request) -> Compilation:
    """Where no environment could be composed no rule has run: secrets are looked for here."""
    from llmops.compiler.rules.pipeline.secret_literal import RULE, in_sources

    sources, diagnostics = made.sources, made.diagnostics
    if made.settings is None:
        sources = _project_file(files, request)
    off = made.settings is not None and made.settings.rules.get("PIP002") == "off"
    if not off and (made.workspace is None or not made.workspace.projects):
        diagnostics = merge(diagnostics, in_sources(sources))
    known = secrets(diagnostics, sources)
    diagnostics = discreet(diagnostics, RULE.code.code)
    return replace(
        made, diagnostics=redact(diagnostics, known), unknown=redact(made.unknown, known), sources=sources,
        silenced=redact(made.silenced, known), secrets=known,
    )  # fmt: skip


def _project_file(files: Files, request: Request) -> Sources:
    path = join(request.project, "llmops.yaml")
    try:
        data = files.read(path)
    except TooLarge:
        return {}
    return {} if data is None else {path: SourceFile(path, data)}


def _link(loaded: Loaded, files: Files, tools: Toolkit) -> tuple[Workspace, list[Diagnostic]]:
    """Validate and link each environment."""
    found: list[Diagnostic] = []
    projects: dict[str, Project] = {}
    validated = {}
    settings = loaded.settings
    for env, composed in loaded.environments.items():
        validated[env] = validate(composed, tools.kinds, tools.registry.options, built_in())
    elsewhere = {env: valid.resources for env, valid in validated.items()}
    texts = Texts(files, settings.root)
    for env, composed in loaded.environments.items():
        valid = validated[env]
        linked = link(
            settings.name, composed, tools.kinds, valid.resources, valid.environment, texts,
            partial(brought, tools.facts), elsewhere, tuple(settings.environments), partial(known_names, tools.facts),
        )
        projects[env] = linked.project
        for code, finding in (*valid.findings, *linked.findings):
            found.append(locate(code, finding, composed))
    for env, code, finding in same_everywhere(validated):
        found.append(locate(code, finding, loaded.environments[env]))
    found.extend(unselected(loaded))
    return Workspace(settings, projects, loaded.sources), found
