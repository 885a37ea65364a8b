"""`llmops new`."""

from __future__ import annotations

import re

import click

from llmops.compiler.cli.options import Usage, console, shared

_NAME = re.compile("[a-z][a-z0-9_]{0,39}")


@click.command("new")
@click.argument("kind")
@click.argument("name")
@shared
@click.pass_context
def COMMAND(context: click.Context, kind: str, name: str) -> int:  # noqa: N802
    """Write conf/KIND/NAME.yaml from the example of the kind's schema, and select it in conf/config.yaml.

    \b
    Examples:
      llmops new model judge
      llmops new eval safety
    """
    from llmops import schemas
    from llmops.compiler.cli import adding
    from llmops.compiler.cli.project import find
    from llmops.compiler.diagnostics.escape import escape
    from llmops.compiler.diagnostics.suggest import did_you_mean, listed

    here = console(context)
    kinds = schemas.kind_names()
    if kind not in kinds:
        raise Usage(f"no kind is named `{kind}`; {did_you_mean(kind, kinds) or listed(kinds, 30)}")
    if not _NAME.fullmatch(name):
        raise Usage(f"`{name}` is no name: lower-case letters, digits and `_`, a letter first, at most 40")
    place = find(here.directory)
    conf = place.folder / adding.conf_folder(place.folder)
    path = conf / kind / f"{name}.yaml"
    shown = place.inside(path) or path.name
    if path.exists() or path.is_symlink():
        raise Usage(f"{shown} exists already")
    primary = conf / "config.yaml"
    if place.inside(path) is None or place.inside(primary) is None:
        raise Usage(f"{path.parent.name}/ or config.yaml of the conf folder leads out of the project by a link")
    before = primary.read_text(encoding="utf-8") if primary.is_file() else ""
    after = adding.select(before, kind, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(adding.skeleton(schemas.schema(kind)), encoding="utf-8", newline="\n")
    here.note(f"Wrote {escape(shown)} from the example of its kind: edit it now.\n")
    config = place.inside(primary) or primary.name
    if after is None:
        here.note(f"Add to {escape(config)}:  - {kind}: [{name}]\n")
    else:
        primary.write_text(after, encoding="utf-8", newline="\n")
        here.note(f"Selected it in {escape(config)}:  - {kind}: [{name}]\n")
    here.note("Next:  llmops validate\n")
    return 0
