"""The `load` pass: llmops.yaml, then the files, then each environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmops.compiler.diagnostics.collect import merge
from llmops.compiler.diagnostics.suggest import did_you_mean
from llmops.compiler.load import codes, gate
from llmops.compiler.load.conf import ENV, Conf
from llmops.compiler.load.environment import compose_environment
from llmops.compiler.load.overrides import MAX_COUNT, Given, Read, RejectedError, problem, read
from llmops.compiler.load.settings import read_settings
from llmops.compiler.model.finding import Diagnostic, Outcome, diagnose
from llmops.compiler.model.kinds import Kind
from llmops.compiler.model.project import Composed, Loaded
from llmops.compiler.model.request import Files, Request
from llmops.compiler.model.sources import SourceFile, Span

MAX_VALUES = 3_000_000
"""Keys and values in all environments of a run."""


def load(request: Request, files: Files, kinds: Mapping[str, Kind[Any]]) -> Outcome[Loaded | None]:
    """Read a project and compose each environment of the request.

    `kinds` also holds the root key `env`, under that name. An environment whose selection is not known in whole is left
    out of the result; a resource that could not be read in whole is named in `Composed.broken`, and stands in the
    tree with what is known of it.
    """
    project = read_settings(files, request.project)
    problems: list[Diagnostic] = list(project.problems)
    sources: dict[str, SourceFile] = {}
    if project.source is not None:
        sources[project.source.path] = project.source
    if project.settings is None:
        return Outcome(None, merge(problems))
    settings = project.settings
    lines = _command_line(request.overrides, sources)
    wanted = []
    for env in request.environments or tuple(settings.environments):
        if env in settings.environments:
            wanted.append(env)
        else:
            near = did_you_mean(env, settings.environments)
            problems.append(
                diagnose(
                    codes.ENVIRONMENT,
                    f"there is no environment `{gate.cut(env)}`",
                    None,
                    help=[near or f"the environments are {', '.join(settings.environments)}"],
                )
            )
    conf = Conf(files, settings, kinds, sources)
    typed = _read_all(lines, problems, None)
    composed: dict[str, Composed] = {}
    values = 0
    for env in dict.fromkeys(wanted):
        rows = _read_all(project.given[env], problems, env)
        if rows is None or typed is None:
            continue
        made = compose_environment(conf, env, settings, [*rows, *typed], kinds)
        problems.extend(made.diagnostics)
        if made.value is not None:
            composed[env] = made.value
        values += conf.values
        if values > MAX_VALUES and env != wanted[-1]:
            what = f"the environments have more than {MAX_VALUES:,} values together"
            problems.append(problem(project.given[env][0], codes.NODES, what, "compile fewer at once: `--env NAME`"))
            break
    problems.extend(conf.problems)
    return Outcome(Loaded(settings, composed, sources), merge(problems))


def _command_line(texts: Sequence[str], sources: dict[str, SourceFile]) -> list[Given]:
    out = []
    for number, text in enumerate(texts, 1):
        name = f"<override {number}>"
        sources[name] = SourceFile(name, text.encode("utf-8", "replace"))
        out.append(Given(text, Span(name, 1, 1, 1, len(text) + 1), command_line=True))
    return out


def _read_all(given: Sequence[Given], problems: list[Diagnostic], env: str | None) -> list[Read] | None:
    """The overrides, parsed; None if one of them is refused."""
    out: list[Read] = []
    sound = True
    if len(given) > MAX_COUNT:
        problems.append(problem(given[0], codes.TOO_MANY, f"a run may have {MAX_COUNT} overrides", "", env))
        return None
    for one in given:
        try:
            made = read(one)
        except RejectedError as refused:
            sound = False
            problems.append(problem(one, refused.code, refused.message, refused.cure, env))
            continue
        if one.command_line and made.change.key == ENV and not isinstance(made.change.value, dict):
            sound = False
            problems.append(
                problem(
                    one,
                    codes.OVERRIDE_ENV,
                    "the environment is not chosen by an override",
                    f"use `--env {gate.cut(str(made.change.value))}`",
                )
            )
            continue
        out.append(made)
    return out if sound else None
