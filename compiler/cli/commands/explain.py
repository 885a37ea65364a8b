"""`llmops explain`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from llmops.compiler.cli.console import Console
from llmops.compiler.cli.options import Usage, complete_address, console, environments, reporting, shared

if TYPE_CHECKING:
    from llmops.compiler.cli.run import Run

_CODE = re.compile("[A-Za-z]{3}[0-9]{3}")
_NAME = re.compile("[a-z]+(-[a-z0-9]+)+")


@click.command("explain")
@click.argument("subject", metavar="CODE | KIND.NAME[.KEY...] | FILE[:LINE]", shell_complete=complete_address)
@environments
@reporting("text", "json")
@shared
@click.pass_context
def COMMAND(context: click.Context, subject: str, env: tuple[str, ...]) -> int:  # noqa: N802
    """Say what a code means; where the values of a resource come from; what a generated line was made of.

    \b
    Examples:
      llmops explain IDX001
      llmops explain model.answerer --env prod
      llmops explain model.answerer.params.temperature
      llmops explain generated/prod/litellm/config.yaml:12
      llmops explain generated/prod/litellm/config.yaml --output-format json
    """
    here = console(context)
    if _CODE.fullmatch(subject) or _NAME.fullmatch(subject):
        return _code(here, subject)
    return _compiled(here, subject, env)


def _print(here: Console, text: str, data: dict[str, object]) -> int:
    if here.shape == "json":
        from llmops.compiler.diagnostics.render import json as as_json

        here.out(as_json.dump({"schema": as_json.VERSION, "command": "explain", **data}))
    else:
        here.out(text)
    return 0


def _code(here: Console, subject: str) -> int:
    from llmops.compiler.cli.code_page import code_data, code_text
    from llmops.compiler.diagnostics.codes import all_codes, code_named
    from llmops.compiler.diagnostics.suggest import did_you_mean

    found = code_named(subject.upper() if _CODE.fullmatch(subject) else subject)
    if found is None:
        codes = all_codes()
        near = did_you_mean(subject.upper(), (code.code for code in codes))
        near = near or did_you_mean(subject, (code.name for code in codes)) or "llmops rules lists them"
        raise Usage(f"no code is named `{subject}`; {near}")
    return _print(here, code_text(found), code_data(found))


def _compiled(here: Console, subject: str, env: tuple[str, ...]) -> int:
    from llmops.compiler.cli.run import compile_for, repository_path

    file, line = _split_line(subject)
    run = compile_for(here, env=())
    for name in env:
        if name not in run.environments:
            raise Usage(f"no environment is named `{name}`; it has {', '.join(run.environments)}")
    artifacts = {one.path for one in run.compilation.emitted}
    path = repository_path(run.place, here, file, artifacts)
    if "/" in subject or path in artifacts:
        return _artifact(here, run, path, line)
    return _value(here, run, subject, env)


def _split_line(subject: str) -> tuple[str, int | None]:
    file, colon, line = subject.rpartition(":")
    return (file, max(int(line), 1)) if colon and line.isdecimal() else (subject, None)


def _artifact(here: Console, run: Run, path: str, line: int | None) -> int:
    from llmops.compiler.cli.explaining import artifact_data, artifact_text
    from llmops.compiler.diagnostics.escape import escape
    from llmops.compiler.diagnostics.suggest import did_you_mean
    from llmops.compiler.load.disk import Disk

    workspace = run.compilation.workspace
    if run.compilation.failed or workspace is None:
        return _failed(here, run)
    artifact = next((one for one in run.compilation.emitted if one.path == path), None)
    if artifact is None:
        if path in run.compilation.sources:
            raise Usage(f"`{path}` is a config; ask for its resource (KIND.NAME), or for a generated file")
        near = did_you_mean(path, (one.path for one in run.compilation.emitted)) or "see llmops.lock for what is"
        raise Usage(f"`{path}` is not compiled from this project; {near}")
    if line is not None and line > len(artifact.lines):
        raise Usage(f"`{path}` has {len(artifact.lines)} lines")
    on_disk = Disk(run.place.root).read(path)
    if on_disk != artifact.content:
        what = "is not written yet" if on_disk is None else "differs from what the configs give"
        here.note(f"{escape(path)} {what}; this is about the compiled text.\n")
    text = artifact_text(workspace, artifact, line, run.compilation.emitted)
    return _print(here, text, artifact_data(workspace, artifact, line))


def _value(here: Console, run: Run, subject: str, env: tuple[str, ...]) -> int:
    from llmops.compiler.cli import explaining
    from llmops.compiler.cli.origins import value_of
    from llmops.compiler.diagnostics.suggest import did_you_mean
    from llmops.compiler.model.keys import Address

    workspace = run.compilation.workspace
    if workspace is None:
        return _failed(here, run)
    wanted = env or tuple(workspace.projects)
    projects = [workspace.projects[name] for name in wanted if name in workspace.projects]
    path = explaining.parse_path(subject)
    if len(path) < 2:
        raise Usage(f"`{subject}` is no code, no file and no KIND.NAME; see llmops explain --help")
    address = Address(str(path[0]), str(path[1]))
    having = [project for project in projects if address in project.resources or path[0] == "env"]
    if not having:
        known = {str(one) for project in workspace.projects.values() for one in project.resources}
        where = f"{', '.join(wanted)} has no" if env else "there is no"
        raise Usage(f"{where} resource `{address}`; {did_you_mean(str(address), known) or 'see llmops ls'}")
    emitted = run.compilation.emitted
    names = [project.env for project in having]
    if len(path) == 2 and path[0] != "env":
        text = explaining.resource_text(having[0], having[1:], address, emitted, here.verbose)
        if len(names) > 1 and not env:
            here.note(f"In {names[0]}; --env names another of {', '.join(names)}.\n")
        return _print(here, text, explaining.path_data(workspace, path, names, emitted))
    if all(value_of(project, path) is None for project in having):
        parent = value_of(having[0], path[:-1])
        keys = parent if isinstance(parent, dict) else ()
        near = did_you_mean(str(path[-1]), map(str, keys)) or f"see llmops explain {address}"
        raise Usage(f"nothing stands at `{subject}`; {near}")
    text = explaining.path_text(workspace, path, names, emitted)
    return _print(here, text, explaining.path_data(workspace, path, names, emitted))


def _failed(here: Console, run: Run) -> int:
    from llmops.compiler.cli.report import Told, present
    from llmops.compiler.diagnostics.collect import summary

    last = summary(run.diagnostics, run.environments, "nothing to explain yet")
    present(
        here,
        Told("explain", "error", run.diagnostics, run.compilation.sources, run.environments, run.place.root, last=last),
    )
    return 1
