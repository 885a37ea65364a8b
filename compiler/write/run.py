"""The two ways to a plan: for the repository itself, and for another folder (`--out`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from llmops.compiler.model.artifact import Emitted
from llmops.compiler.model.finding import Diagnostic, Outcome, Severity

from .apply import Report, apply, changed_meanwhile, guarded, recover
from .journal import State, undone_lock
from .lock import parse_lock
from .paths import LOCK_NAME, inside
from .plan import Plan, plan
from .tree import Tree

_ATTEMPTS = 5

Places = Mapping[str, tuple[str, ...]]


def prepare(
    emitted: Sequence[Emitted],
    root: Path,
    *,
    compiler: str,
    targets: Mapping[str, str],
    places: Places,
    project: str = ".",
    scopes: Collection[str] | None = None,
    force: Collection[str] = (),
    writing: bool = True,
) -> Outcome[Plan | None]:
    """The plan for the files below `root`, the repository; None where they cannot be read.

    `writing` first finishes what a killed run left. Without it (`--check`, `--dry-run`) nothing on disk is touched;
    what a killed run has written so far is then known to be ours by the lock that it did not get to.
    """
    return _prepare(emitted, root, compiler, targets, places, project, scopes, force, writing, overwrite=False)


def write_elsewhere(
    emitted: Sequence[Emitted],
    out: Path,
    *,
    compiler: str,
    targets: Mapping[str, str],
    places: Places,
    project: str = ".",
) -> Outcome[Report]:
    """Write the same files below another folder, which is made if needed.

    The folder gets its own lock, so that the next run into it prunes what is gone. Nothing in it is taken for a hand
    edit: a file at an artifact's path is replaced. Files at other paths stay.
    """

    def run() -> Outcome[Report]:
        out.mkdir(parents=True, exist_ok=True)
        planned = _prepare(emitted, out, compiler, targets, places, project, None, (), True, overwrite=True)
        if planned.value is None:
            return Outcome(Report(done=False), planned.diagnostics)
        done = apply(planned.value, out)
        return Outcome(done.value, planned.diagnostics + done.diagnostics)

    return guarded(run, Report(done=False))


def _prepare(
    emitted: Sequence[Emitted],
    root: Path,
    compiler: str,
    targets: Mapping[str, str],
    places: Places,
    project: str,
    scopes: Collection[str] | None,
    force: Collection[str],
    writing: bool,
    *,
    overwrite: bool,
) -> Outcome[Plan | None]:
    def attempt(before: tuple[Diagnostic, ...]) -> Outcome[Plan | None]:
        with Tree(root) as disk:
            data = disk.read(inside(project, LOCK_NAME))
            undone = b"" if writing else undone_lock(disk, State(project), places)
            lock = parse_lock(b"\n".join((data or b"", undone)), inside(project, LOCK_NAME))
            made = plan(
                emitted, lock.value, disk, compiler=compiler, targets=targets, places=places, project=project,
                scopes=scopes, force=force, overwrite=overwrite,
            )  # fmt: skip
            if writing and (made.value.lock_before != data or State(project).pending(disk)):
                return Outcome(None)  # another run wrote in between: the plan saw files of both
        return Outcome(made.value, before + lock.diagnostics + made.diagnostics)

    for _ in range(_ATTEMPTS):
        recovered = recover(root, project, places=places) if writing else Outcome(False)
        if any(problem.severity is Severity.ERROR for problem in recovered.diagnostics):
            return Outcome(None, recovered.diagnostics)
        outcome = guarded(partial(attempt, recovered.diagnostics), None)
        if outcome.value is not None or outcome.diagnostics:
            return outcome
    return Outcome(None, (changed_meanwhile(inside(project, LOCK_NAME)),))
