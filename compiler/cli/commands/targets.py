"""`llmops targets`."""

from __future__ import annotations

from typing import Any

import click

from llmops.compiler.cli.options import console, reporting, shared


@click.command("targets")
@reporting("text", "json")
@shared
@click.pass_context
def COMMAND(context: click.Context) -> int:  # noqa: N802
    """List the tools that can be compiled for: those that come with llmops, and those of installed packages.

    \b
    Examples:
      llmops targets
      llmops targets --output-format json
    """
    from llmops.compiler.diagnostics.collect import plural
    from llmops.compiler.diagnostics.escape import escape
    from llmops.compiler.diagnostics.render import json as as_json

    here = console(context)
    rows = _rows()
    if here.shape == "json":
        here.out(as_json.dump({"schema": as_json.VERSION, "command": "targets", "targets": rows}))
        return 0
    wide = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        scope = "one set for the project" if row["scope"] == "project" else "one set for each environment"
        comes = f"   from {row['package']}" if row["package"] else ""
        here.out(escape(f"{row['name'].ljust(wide)}  {row['title']}, {scope}{comes}") + "\n")
    here.note(f"{plural(len(rows), 'target')}.\n")
    return 0


def _rows() -> list[dict[str, Any]]:
    from importlib.metadata import entry_points

    from llmops.compiler.lower.registry import GROUP, Registry, built_in

    registry = Registry()
    rows = []
    for name in sorted({*built_in(), *(point.name for point in entry_points(group=GROUP))}):
        target = registry.get(name)
        if target is not None:
            rows.append(
                {
                    "name": target.name, "title": target.title, "scope": target.scope, "since": target.since,
                    "places": list(target.places), "package": registry.foreign.get(name),
                }
            )  # fmt: skip
    return rows
