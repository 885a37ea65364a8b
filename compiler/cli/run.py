"""One run of the compiler for a command: the project, what was asked, what came out."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llmops.compiler.cli.console import Console
from llmops.compiler.cli.options import Usage
from llmops.compiler.cli.project import Place, find
from llmops.compiler.diagnostics.collect import plural
from llmops.compiler.diagnostics.suggest import did_you_mean
from llmops.compiler.model.finding import Diagnostic
from llmops.compiler.model.request import Request

if TYPE_CHECKING:
    from llmops.compiler.driver import Compilation, Options, Toolkit
    from llmops.compiler.model.project import Project


@dataclass(frozen=True, slots=True)
class Run:
    place: Place
    compilation: Compilation
    tools: Toolkit
    environments: tuple[str, ...]
    """All that the project has."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return self.compilation.diagnostics

    def project(self, env: str | None = None) -> Project | None:
        """One environment, the first by default; None where nothing could be read."""
        workspace = self.compilation.workspace
        if workspace is None or not workspace.projects:
            return None
        return workspace.projects.get(env) if env else next(iter(workspace.projects.values()))


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is written after a command: overrides (with `=`, or starting `+` or `~`), and paths, which must exist."""
    overrides, paths = [], []
    for argument in arguments:
        if "=" in argument or argument.startswith(("+", "~")):
            overrides.append(argument)
        else:
            paths.append(argument)
    for override in overrides:
        if override.lstrip("+").startswith("env="):
            raise Usage(f"`{override}` is no override: choose an environment with --env")
    for path in paths:
        if not Path(path).exists():
            raise Usage(f"`{path}` is no file or folder here, and no override (`key=value`)")
    return overrides, paths


def place_of(console: Console, paths: Sequence[str]) -> Place:
    """The one project that all paths lie in; the current folder's without paths."""
    places = {find(str(path if path.is_dir() else path.parent)) for path in map(Path, paths)}
    places = places or {find(console.directory)}
    if len(places) > 1:
        raise Usage("these paths are of different projects: compile one at a time")
    return places.pop()


def compile_for(
    console: Console,
    *,
    env: Sequence[str] = (),
    arguments: Sequence[str] = (),
    overrides: Sequence[str] = (),
    options: Options | None = None,
) -> Run:
    """Run the passes on the project around. `arguments` are paths in it."""
    from llmops.compiler.driver import compile_project, toolkit
    from llmops.compiler.load.disk import Disk

    place = place_of(console, arguments)
    tools = toolkit()
    start = time.monotonic()
    with console.waiting("compiling"):
        made = compile_project(
            Disk(place.root), Request(place.project, tuple(env), tuple(overrides)), options, tools
        )
    console.secrets = made.secrets
    if console.verbose:
        console.err(_size_and_time(made, time.monotonic() - start))
    known = tuple(made.settings.environments) if made.settings else tuple(env)
    for name in env:
        if made.settings and name not in known:
            near = did_you_mean(name, known) or f"it has {', '.join(known)}"
            raise Usage(f"{made.settings.name} has no environment `{name}`; {near}")
    return Run(place, made, tools, known)


def _size_and_time(made: Compilation, seconds: float) -> str:
    files, read = len(made.sources), sum(len(source.data) for source in made.sources.values())
    written = sum(len(one.content) for one in made.emitted)
    return (
        f"compiled in {seconds:.2f} s: {plural(files, 'file')} read ({read:,} bytes), "
        f"{plural(len(made.emitted), 'artifact')} made ({written:,} bytes)\n"
    )


def unknown_checks(console: Console, run: Run) -> str:
    """The end of a last line: how many checks a missing fact made impossible."""
    number = len(run.compilation.unknown)
    if not number:
        return ""
    more = "" if console.verbose else " (validate -v lists them)"
    return f"   {number} {'check was' if number == 1 else 'checks were'} not possible for want of a fact{more}"


def repository_path(place: Place, console: Console, argument: str, known: Collection[str] = ()) -> str:
    """A path as typed (from the current folder, the project's or the repository's), relative to the repository.

    The first that is `known`, or that exists; else as it was typed.
    """
    bases = (Path(console.directory or "."), place.folder, place.root)
    inside = [path for path in (place.inside(base / argument) for base in bases) if path is not None]
    found = [path for path in inside if path in known] or [path for path in inside if (place.root / path).exists()]
    return found[0] if found else argument.removeprefix("./")
