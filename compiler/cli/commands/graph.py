"""`llmops graph`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from llmops.compiler.cli.options import Usage, complete_address, console, environments, shared
from llmops.compiler.cli.report import Told, present
from llmops.compiler.cli.run import compile_for

if TYPE_CHECKING:
    from llmops.compiler.model.keys import Address
    from llmops.compiler.model.project import Project


@click.command("graph")
@environments
@click.option(
    "--focus", metavar="KIND.NAME", shell_complete=complete_address, help="Only what needs it, and what it needs."
)
@click.option(
    "--to", "form", type=click.Choice(["text", "mermaid", "json"]), default=None,
    help="The form (text on a terminal, else mermaid).",
)  # fmt: skip
@shared
@click.pass_context
def COMMAND(context: click.Context, env: tuple[str, ...], focus: str | None, form: str | None) -> int:  # noqa: N802
    """Show which resources need which, in one environment (the first, without --env).

    \b
    Examples:
      llmops graph
      llmops graph --focus model.answerer --to text
      llmops graph --env prod --to mermaid > graph.mmd
    """
    from llmops.compiler.cli import drawing
    from llmops.compiler.driver import Options

    here = console(context)
    if len(env) > 1:
        raise Usage("a graph shows one environment: give --env once")
    run = compile_for(here, env=env, options=Options(emit=False))
    project = run.project(env[0] if env else None)
    if project is None:
        from llmops.compiler.diagnostics.collect import summary

        last = summary(run.diagnostics, run.environments, "")
        found, sources = run.diagnostics, run.compilation.sources
        present(here, Told("graph", "error", found, sources, run.environments, run.place.root, last=last))
        return 1
    chosen = drawing.choose(project, _address(project, focus) if focus else None)
    form = form or ("text" if sys.stdout.isatty() else "mermaid")
    if form == "text":
        here.out(drawing.text(project, chosen))
    elif form == "mermaid":
        here.out(drawing.mermaid(project, chosen))
    else:
        here.out(drawing.as_json(project, chosen))
    here.note(drawing.last_line(project, chosen))
    return 0


def _address(project: Project, text: str) -> Address:
    from llmops.compiler.diagnostics.suggest import did_you_mean

    for address in project.resources:
        if str(address) == text:
            return address
    near = did_you_mean(text, map(str, project.resources)) or "see llmops ls"
    raise Usage(f"{project.env} has no resource `{text}`; {near}")
