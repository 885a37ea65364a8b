"""`llmops init`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from llmops.compiler.cli.options import Usage, console, shared
from llmops.compiler.cli.templates import TEMPLATES


@click.command("init")
@click.argument("folder", default=".", metavar="[FOLDER]", type=click.Path(file_okay=False))
@click.option(
    "--template", type=click.Choice(TEMPLATES), default=TEMPLATES[0], show_default=True, help="What to start from."
)
@shared
@click.pass_context
def COMMAND(context: click.Context, folder: str, template: str) -> int:  # noqa: N802
    """Start a project in FOLDER. In a folder that is not empty, only what is missing is added.

    \b
    minimal   a model, a prompt, an eval, a gateway and a pull-request workflow
    chat      the same in two environments, with a model that steps in when the first fails
    rag       answers from documents: an index in PostgreSQL, an app that uses it, an eval of it

    \b
    Examples:
      llmops init faq-bot
      llmops init support-bot --template chat
      llmops init handbook --template rag
    """
    from llmops.compiler.cli import templates
    from llmops.compiler.diagnostics.collect import plural
    from llmops.compiler.diagnostics.escape import escape

    here = console(context)
    root = Path(here.directory or ".") / folder
    name = templates.project_name(root.resolve().name)
    try:
        made = templates.create(root, template, name)
    except templates.PathTakenError as error:
        raise Usage(str(error)) from None
    others = ", ".join(other for other in TEMPLATES if other != template)
    if made.written:
        here.note(f"Created {name} from template {template} (also: {others})\n")
        wide = max(len(path) for path in made.written)
        for path, about in made.written.items():
            here.note(f"  {escape(path).ljust(wide)}   {about}".rstrip() + "\n")
    if made.kept:
        here.note(f"Left alone, since {'it exists' if len(made.kept) == 1 else 'they exist'}:\n")
        here.note("".join(f"  {escape(path)}\n" for path in made.kept))
    if not made.written:
        here.note(f"Nothing to add: {plural(len(made.kept), 'file')} exist already.\n")
    step = "" if folder == "." else f"cd {escape(shlex.quote(folder))} && "
    here.note(f"Next:  {step}llmops compile\n")
    return 0
