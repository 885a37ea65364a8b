"""`llmops compile`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmops.compiler.cli.console import Console
from llmops.compiler.cli.options import Usage, console, environments, reporting, shared
from llmops.compiler.cli.report import Told, present
from llmops.compiler.cli.run import Run, compile_for, repository_path, split, unknown_checks

if TYPE_CHECKING:
    from llmops.compiler.model.finding import Diagnostic
    from llmops.compiler.write.plan import Plan


@click.command("compile")
@click.argument("arguments", nargs=-1, metavar="[PATH | OVERRIDE]...")
@environments
@click.option("--check", is_flag=True, help="Write nothing; exit with 4 if the files are not what the configs give.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would change.")
@click.option(
    "--force", multiple=True, metavar="PATH", help="Overwrite this file though it was edited by hand; may be repeated."
)
@click.option(
    "--out", metavar="DIR", type=click.Path(file_okay=False),
    help="Write below DIR and leave the project alone.",
)  # fmt: skip
@reporting()
@shared
@click.pass_context
def COMMAND(  # noqa: N802
    context: click.Context,
    arguments: tuple[str, ...],
    env: tuple[str, ...],
    check: bool,
    dry_run: bool,
    force: tuple[str, ...],
    out: str | None,
) -> int:
    """Compile the configs: check everything, then write generated/ and llmops.lock. With an error, nothing is written.

    \b
    Examples:
      llmops compile
      llmops compile --check                       in CI: exit code 4 if something is out of date
      llmops compile --env prod --dry-run
      llmops compile --force generated/prod/litellm/config.yaml
      llmops compile --out /tmp/try model.answerer.params.temperature=0.5
    """
    here = console(context)
    overrides, paths = split(arguments)
    if overrides and not (out or dry_run):
        raise Usage("overrides change only what is compiled now: they need --dry-run, or --out DIR")
    if sum((check, dry_run, out is not None)) > 1:
        raise Usage("--check, --dry-run and --out exclude each other")
    if force and (check or out):
        raise Usage("--force is for writing this project's files: it goes with neither --check nor --out")
    run = compile_for(here, env=env, arguments=paths, overrides=overrides)
    if run.compilation.failed:
        return _fail(here, run, run.diagnostics)
    if out is not None:
        return _elsewhere(here, run, Path(out))
    forced = [repository_path(run.place, here, path) for path in force]
    return _here(here, run, env, forced, check=check, dry_run=dry_run)


def _places(run: Run) -> dict[str, tuple[str, ...]]:
    """Where targets may write outside generated/: those in use, and those of the lock, whose files may have to go."""
    from llmops.compiler.write.apply import read_lock

    registry = run.tools.registry
    before = read_lock(run.place.root, run.place.project).value
    used = {name: registry.get(name) for name in sorted({*run.compilation.targets, *before.targets})}
    return {name: target.places for name, target in used.items() if target is not None}


def _here(here: Console, run: Run, env: Sequence[str], force: Sequence[str], *, check: bool, dry_run: bool) -> int:
    from llmops import __version__
    from llmops.compiler.cli.changes import explainer
    from llmops.compiler.write.apply import apply
    from llmops.compiler.write.refusals import refusals
    from llmops.compiler.write.run import prepare

    emitted = run.compilation.emitted
    if env:  # what spans environments is made of all of them
        emitted = tuple(one for one in emitted if one.scope != "project")
    planned = prepare(
        emitted, run.place.root, compiler=__version__, targets=run.compilation.targets, places=_places(run),
        project=run.place.project, scopes=env or None, force=force, writing=not (check or dry_run),
    )  # fmt: skip
    plan, notes = planned.value, planned.diagnostics
    if plan is None:
        return _fail(here, run, (*run.diagnostics, *notes))
    if check:
        return _check(here, run, plan, notes)
    explain = explainer(run)
    if dry_run:
        refused = refusals(plan, explain)
        failed = bool(plan.refuse)
        notes = (*notes, *refused)
    else:
        done = apply(plan, run.place.root, explain_line=explain)
        failed = not done.value.done
        notes = (*notes, *done.diagnostics)
    if failed:
        return _fail(here, run, (*run.diagnostics, *notes), plan)
    return _done(here, run, plan, notes, dry_run)


def _fail(here: Console, run: Run, diagnostics: Sequence[Diagnostic], plan: Plan | None = None) -> int:
    from llmops.compiler.diagnostics.collect import merge, summary
    from llmops.compiler.write.refusals import sources as on_disk

    found = merge(diagnostics)
    sources = {**run.compilation.sources, **(on_disk(plan) if plan else {})}
    told = Told(
        "compile", "error", found, sources, run.environments, run.place.root, last=summary(found, run.environments),
        files={"added": 0, "changed": 0, "removed": 0},
    )  # fmt: skip
    present(here, told)
    return 1


def _check(here: Console, run: Run, plan: Plan, notes: Sequence[Diagnostic]) -> int:
    from llmops.compiler.cli.changes import counts, drift_text, explainer
    from llmops.compiler.diagnostics.collect import merge, plural
    from llmops.compiler.write.refusals import check, drift
    from llmops.compiler.write.refusals import sources as on_disk

    explain = explainer(run)
    rows = drift(plan, explain)
    found = merge(run.diagnostics, notes)
    shown, last = "", f"Up to date: {_size(run, plan)}."
    if rows:
        (problem,) = check(plan, explain).diagnostics
        if here.shape == "text":
            shown = drift_text(problem, rows, here.color)
        else:
            found = merge(found, (problem,))
        last = f"{plural(len(rows), 'file')} out of date; run `llmops compile` and commit the result."
    told = Told(
        "compile", "drift" if rows else "ok", found, {**run.compilation.sources, **on_disk(plan)}, run.environments,
        run.place.root, files=counts(plan), last=last, head=shown,
    )  # fmt: skip
    present(here, told)
    return 4 if rows else 0


def _done(here: Console, run: Run, plan: Plan, notes: Sequence[Diagnostic], dry_run: bool) -> int:
    from llmops.compiler.cli.changes import counts, describe, environment_table
    from llmops.compiler.cli.editor import refresh_schemas
    from llmops.compiler.diagnostics.collect import merge, plural
    from llmops.compiler.diagnostics.escape import escape

    if here.shape in ("text", "github") and (plan.lock_before is None or here.verbose):
        here.note(environment_table(run))
    if not dry_run:
        refresh_schemas(run.place.folder)
    written, gone = len(plan.create) + len(plan.update), len(plan.prune)
    if not plan.changes:
        last = f"Up to date: {_size(run, plan)}."
    elif dry_run:
        last = f"Would change {plural(plan.changes, 'file')}; nothing was written."
    else:
        things = [plural(written, "file")] if written else []
        things += ["llmops.lock"] if plan.lock != plan.lock_before else []
        done = [f"removed {plural(gone, 'file')}"] if gone else []
        done = [f"wrote {' and '.join(things)}", *done] if things else done
        settings = run.compilation.settings
        conf = escape(settings.conf if settings else "conf")
        said = ", ".join(done)
        last = f"{said[0].upper()}{said[1:]}. Commit them together with {conf}/."
    told = Told(
        "compile", "ok", merge(run.diagnostics, notes), run.compilation.sources, run.environments, run.place.root,
        body="" if here.quiet else describe(run, plan, verbose=here.verbose), files=counts(plan),
        last=last + unknown_checks(here, run),
    )  # fmt: skip
    present(here, told)
    return 0


def _elsewhere(here: Console, run: Run, out: Path) -> int:
    from llmops import __version__
    from llmops.compiler.diagnostics.collect import merge, plural
    from llmops.compiler.diagnostics.escape import escape
    from llmops.compiler.write.run import write_elsewhere

    done = write_elsewhere(
        run.compilation.emitted, out, compiler=__version__, targets=run.compilation.targets, places=_places(run),
        project=run.place.project,
    )  # fmt: skip
    if not done.value.done:
        return _fail(here, run, (*run.diagnostics, *done.diagnostics))
    number = len(run.compilation.emitted)
    told = Told(
        "compile", "ok", merge(run.diagnostics, done.diagnostics), run.compilation.sources, run.environments,
        run.place.root, last=f"Wrote {plural(number, 'file')} below {escape(str(out))}.",
        files={"added": len(done.value.written), "changed": 0, "removed": len(done.value.pruned)},
    )  # fmt: skip
    present(here, told)
    return 0


def _size(run: Run, plan: Plan) -> str:
    from llmops.compiler.diagnostics.collect import plural

    return f"{plural(len(plan.keep), 'file')}, {plural(len(run.environments), 'environment')}"
