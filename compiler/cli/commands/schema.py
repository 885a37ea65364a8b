"""`llmops schema`."""

from __future__ import annotations

import json

import click

from llmops.compiler.cli.options import Usage, console, shared


@click.command("schema")
@click.argument("kind", required=False)
@click.option("--write", is_flag=True, help="Write all of them to .llmops/schemas, where the editor finds them.")
@shared
@click.pass_context
def COMMAND(context: click.Context, kind: str | None, write: bool) -> int:  # noqa: N802
    """Print the JSON Schema of a kind, whole, with all that it refers to. Without KIND, list the kinds.

    \b
    Examples:
      llmops schema
      llmops schema model > model.schema.json
      llmops schema --write
    """
    from llmops import schemas
    from llmops.compiler.cli.editor import write_schemas
    from llmops.compiler.diagnostics.collect import plural
    from llmops.compiler.diagnostics.suggest import did_you_mean, listed

    here = console(context)
    if write:
        from llmops.compiler.cli.project import find

        place = find(here.directory)
        names = write_schemas(place.folder)
        here.note(f"Wrote {plural(len(names), 'schema')} to .llmops/schemas.\n")
        return 0
    known = schemas.kind_names()
    if kind is None:
        wide = max(map(len, known))
        here.out("".join(f"{name.ljust(wide)}  {schemas.schema(name)['description']}\n" for name in known))
        return 0
    if kind not in known:
        raise Usage(f"no kind is named `{kind}`; {did_you_mean(kind, known) or listed(known, 30)}")
    here.out(json.dumps(schemas.bundle(kind), indent=2, ensure_ascii=False) + "\n")
    return 0
