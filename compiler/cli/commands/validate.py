"""`llmops validate`."""

from __future__ import annotations

from datetime import datetime

import click

from llmops.compiler.cli.options import console, environments, reporting, shared
from llmops.compiler.cli.report import Told, present
from llmops.compiler.cli.run import compile_for, split, unknown_checks


@click.command("validate")
@click.argument("arguments", nargs=-1, metavar="[PATH | OVERRIDE]...")
@environments
@click.option(
    "--as-of", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]),
    help="Judge what depends on time (retirements, expired silences) as of this date.",
)  # fmt: skip
@reporting()
@shared
@click.pass_context
def COMMAND(  # noqa: N802
    context: click.Context, arguments: tuple[str, ...], env: tuple[str, ...], as_of: datetime | None
) -> int:
    """Find every problem of the project, in all environments; write nothing.

    \b
    Examples:
      llmops validate
      llmops validate --env prod
      llmops validate --as-of 2027-01-31           is a model retired by then?
      llmops validate model.answerer.params.temperature=3
      llmops validate --output-format sarif > llmops.sarif
    """
    from llmops.compiler.diagnostics.collect import summary
    from llmops.compiler.driver import Options

    here = console(context)
    overrides, paths = split(arguments)
    options = Options(as_of=as_of.date() if as_of else None, dead_keys=here.verbose)
    run = compile_for(here, env=env, arguments=paths, overrides=overrides, options=options)
    found = run.diagnostics + (run.compilation.unknown if here.verbose else ())
    last = summary(run.diagnostics, run.environments, "") + unknown_checks(here, run)
    failed = run.compilation.failed
    present(
        here,
        Told(
            "validate", "error" if failed else "ok", found, run.compilation.sources, run.environments,
            run.place.root, last=last, full=True,
        ),
    )  # fmt: skip
    return int(failed)
