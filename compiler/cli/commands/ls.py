"""`llmops ls`."""

from __future__ import annotations

from typing import Any

import click

from llmops.compiler.cli.options import Usage, console, environments, reporting, shared
from llmops.compiler.cli.report import Told, present
from llmops.compiler.cli.run import Run, compile_for


@click.command("ls")
@click.argument("kind", required=False)
@environments
@reporting("text", "json")
@shared
@click.pass_context
def COMMAND(context: click.Context, kind: str | None, env: tuple[str, ...]) -> int:  # noqa: N802
    """List the resources: their file, the environments that select them, and what uses them.

    \b
    Examples:
      llmops ls
      llmops ls model
      llmops ls --env prod --output-format json
    """
    from llmops.compiler.diagnostics.collect import plural
    from llmops.compiler.diagnostics.escape import escape
    from llmops.compiler.diagnostics.suggest import did_you_mean, listed
    from llmops.compiler.driver import Options

    here = console(context)
    run = compile_for(here, env=env, options=Options(emit=False))
    if kind is not None and kind not in run.tools.kinds:
        raise Usage(f"no kind is named `{kind}`; {did_you_mean(kind, run.tools.kinds) or listed(run.tools.kinds, 30)}")
    if run.compilation.workspace is None:
        return _broken(run, context)
    rows = [row for row in _rows(run) if kind is None or row["kind"] == kind]
    if here.shape == "json":
        present(here, Told("ls", "ok", data={"resources": rows}))
        return 0
    wide = max((len(row["address"]) for row in rows), default=0)
    places = max((len(row["file"] or "") for row in rows), default=0)
    for row in rows:
        envs = row["environments"]
        where = "not selected" if not envs else "" if tuple(envs) == run.environments else f"[{' '.join(envs)}]"
        broken = "   has errors" if row["broken"] else ""
        line = f"{row['address'].ljust(wide)}  {(row['file'] or 'from the catalogue').ljust(places)}  {where}{broken}"
        here.out(escape(line.rstrip()) + "\n")
    here.note(f"{plural(len(rows), 'resource')}.   llmops explain KIND.NAME\n")
    return 0


def _broken(run: Run, context: click.Context) -> int:
    from llmops.compiler.diagnostics.collect import summary

    found = run.diagnostics
    last = summary(found, run.environments, "")
    present(console(context), Told("ls", "error", found, run.compilation.sources, root=run.place.root, last=last))
    return 1


def _rows(run: Run) -> list[dict[str, Any]]:
    from llmops.compiler.diagnostics.locate import written_span

    workspace = run.compilation.workspace
    assert workspace is not None
    rows: dict[str, dict[str, Any]] = {}
    for env, project in workspace.projects.items():
        for address, resource in project.resources.items():
            row = rows.setdefault(str(address), {"address": str(address), "kind": address.kind, "environments": []})
            writes = () if resource.implied else project.composed.history.writes(address.path)
            span = written_span(writes[0].origin) if writes else None
            row.setdefault("file", span.file if span else None)
            row["broken"] = row.get("broken", False) or resource.broken
            row["environments"].append(env)
            users = {str(edge.source) for edge in project.edges_to(address)}
            row["used_by"] = sorted({*row.get("used_by", ()), *users})
        for address in project.composed.absent:
            rows.setdefault(
                str(address),
                {"address": str(address), "kind": address.kind, "environments": [], "broken": False, "used_by": []},
            ).setdefault("file", f"{workspace.settings.conf}/{address.kind}/{address.name}.yaml")
    return [rows[address] for address in sorted(rows)]
