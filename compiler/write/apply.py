"""The only code that writes: stage, journal, rename, lock.

1. Hold `.llmops/write.lock`; finish or discard what a killed run left.
2. Look again: each file to be replaced is as the plan saw it, else nothing is written.
3. Stage all new files and the new lock, make missing folders.
4. Write the journal, sync it, rename it into place: from here on the write is decided.
5. Remove, rename, rename the lock last, remove the journal and the stage.

Only the journal and the lock are synced: a sync for each file would take a hundred times as long. After a power cut the
journal's digests tell which staged files are whole, and an empty artifact is made again.

Killed before 4, the next run discards the stage: all is old. Killed after it, the next run finishes: all is new.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from llmops.compiler.model.artifact import Lock
from llmops.compiler.model.finding import Diagnostic, Outcome, diagnose

from . import codes
from .journal import (
    Journal,
    Move,
    Removal,
    State,
    Step,
    digest,
    discard,
    finish,
    format_journal,
    missing_folders,
    no_step,
    parse_journal,
)
from .lock import EMPTY, parse_lock
from .paths import parents
from .plan import Plan, gives_way
from .refusals import ExplainLine, refusals
from .tree import BlockedError, Kind, Tree, obstructed
from .trouble import blocked, system_trouble

T = TypeVar("T")

WAIT = 2.0
"""Seconds to wait for another writer."""

_RESERVE = bytes(64 * 1024)
"""Held on disk while staging and given back before the first rename, since names in a folder need room too."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was done. `done` is False where nothing was written (or, with OUT017, not all)."""

    written: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()
    kept: int = 0
    lock: bool = False
    done: bool = True


class _HeldError(Exception):
    """Another process holds the lock file."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


class _ChangedError(Exception):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class _UnfinishedError(Exception):
    """A failure after the write was decided."""

    def __init__(self, cause: OSError | BlockedError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def apply(
    plan: Plan,
    root: Path,
    *,
    explain_line: ExplainLine | None = None,
    wait: float = WAIT,
    step: Step = no_step,
) -> Outcome[Report]:
    """Make the files of a plan true below `root`, the repository (or the folder of `--out`).

    All or nothing: a plan that refuses a file, a file that changed meanwhile, a full disk leave everything as it was.
    A plan without changes touches nothing.
    """
    if plan.refuse:
        return Outcome(Report(done=False), refusals(plan, explain_line))
    if plan.up_to_date:
        return Outcome(Report(kept=len(plan.keep)))

    def write() -> Outcome[Report]:
        state = State(plan.project)
        with Tree(root) as tree, _held(tree, root, state, wait):
            found = _recover(tree, state, plan.places)
            _verify(tree, plan)
            _write(tree, state, plan, step)
        report = Report(
            written=tuple(sorted(item.path for item in (*plan.create, *plan.update))),
            pruned=tuple(item.path for item in plan.prune),
            kept=len(plan.keep),
            lock=plan.lock != plan.lock_before,
        )
        return Outcome(report, found)

    return guarded(write, Report(done=False))


def recover(
    root: Path,
    project: str = ".",
    *,
    places: Mapping[str, tuple[str, ...]],
    wait: float = WAIT,
    step: Step = no_step,
) -> Outcome[bool]:
    """Finish or discard what a killed run left; True if there was something. To be called before the lock is read."""

    def run() -> Outcome[bool]:
        state = State(project)
        with Tree(root) as tree:
            if not state.pending(tree):
                return Outcome(False)
            with _held(tree, root, state, wait):
                return Outcome(True, _recover(tree, state, places, step))

    return guarded(run, False)


def read_lock(root: Path, project: str = ".") -> Outcome[Lock]:
    """The lock of a project; a link, a folder or an unreadable file in its place is reported."""
    path = State(project).lock

    def run() -> Outcome[Lock]:
        with Tree(root) as tree:
            return parse_lock(tree.read(path), path)

    return guarded(run, EMPTY)


def guarded(run: Callable[[], Outcome[T]], failed: T) -> Outcome[T]:
    """The outcome, or the diagnostic of what stopped it."""
    try:
        return run()
    except _HeldError as held:
        who = f"process {held.owner}" if held.owner else "another process"
        problem = diagnose(
            codes.LOCK_HELD, "another llmops is writing this project", None, notes=(f"{who} holds the lock",),
            help=("wait until it is done, or end it, and run again",),
        )  # fmt: skip
    except _ChangedError as changed:
        problem = changed_meanwhile(changed.path)
    except _UnfinishedError as unfinished:
        problem = diagnose(
            codes.WRITE_UNFINISHED, "some files are written, others are not yet", None,
            notes=("the next compile finishes this write first",), help=("remove the cause, then compile again",),
        )  # fmt: skip
        return Outcome(failed, (_trouble(unfinished.cause), problem))
    except (OSError, BlockedError) as error:
        problem = _trouble(error)
    return Outcome(failed, (problem,))


def changed_meanwhile(path: str) -> Diagnostic:
    return diagnose(
        codes.CHANGED_MEANWHILE, f"`{path}` changed while this run was working", None,
        notes=("nothing was written",), help=("compile again",),
    )  # fmt: skip


def _trouble(error: OSError | BlockedError) -> Diagnostic:
    return blocked(error) if isinstance(error, BlockedError) else system_trouble(error)


@contextmanager
def _held(tree: Tree, root: Path, state: State, wait: float) -> Iterator[None]:
    """Hold the lock file; the system frees it when this process dies, however it dies."""
    tree.make_folder(state.folder)
    seen = tree.look(state.held)
    if seen.kind not in (Kind.FILE, Kind.ABSENT):
        raise obstructed(state.held, seen)
    from filelock import FileLock, Timeout  # not needed by a run that changes nothing

    lock = FileLock(str(root / state.held), timeout=wait)
    try:
        lock.acquire()
    except Timeout:
        raise _HeldError((tree.read(f"{state.stage}/owner") or b"").decode("ascii", errors="replace")) from None
    except OSError as error:
        raise OSError(error.errno, error.strerror, state.held) from None
    try:
        if not tree.exists(f"{state.folder}/.gitignore"):
            tree.write(f"{state.folder}/.gitignore", b"*\n")
        yield
    finally:
        lock.release()


def _recover(
    tree: Tree, state: State, places: Mapping[str, tuple[str, ...]], step: Step = no_step
) -> tuple[Diagnostic, ...]:
    if not state.pending(tree):
        return ()
    data = tree.read(state.journal)
    if data is None:
        discard(tree, state, step)
        return ()
    journal = parse_journal(data, state, places)
    if journal is None:
        tree.remove(state.journal)
        discard(tree, state)
        return (_damaged("its journal cannot be read"),)
    lost = finish(tree, state, journal, step, recovering=True)
    return (_damaged(f"{len(lost)} staged files are damaged, such as `{lost[0]}`"),) if lost else ()


def _damaged(why: str) -> Diagnostic:
    return diagnose(
        codes.DAMAGED_STAGE, "an interrupted write could not be finished", None, notes=(why,),
        help=("this compile makes the files again",),
    )  # fmt: skip


def _verify(tree: Tree, plan: Plan) -> None:
    """Another run may have come in between, or an editor. Equal to the new output is fine: two equal compiles."""
    pruned = {item.path for item in plan.prune}
    for item in (*plan.create, *plan.update, *plan.prune):
        seen = tree.look(item.path)
        if seen.kind in (Kind.LINK, Kind.UNREADABLE):
            raise obstructed(item.path, seen)
        same = seen.kind in (Kind.FILE, Kind.ABSENT) and digest(seen.content) in (item.old, item.new)
        if not (same or (item.old is None and gives_way(item.path, seen, pruned, tree))):
            raise _ChangedError(item.path)
    if tree.read(plan.lock_path) not in (plan.lock_before, plan.lock):
        raise _ChangedError(plan.lock_path)


def _write(tree: Tree, state: State, plan: Plan, step: Step) -> None:
    try:
        journal = _stage(tree, state, plan, step)
        step("write journal")
        tree.write(f"{state.stage}/journal", format_journal(journal), sync=True)
        tree.remove(f"{state.stage}/reserve")
        step("commit")
        tree.rename(f"{state.stage}/journal", state.journal)
    except BaseException:
        if not tree.exists(state.journal):
            with suppress(OSError, BlockedError):
                discard(tree, state)
        raise
    try:
        finish(tree, state, journal, step)
    except (OSError, BlockedError) as error:
        raise _UnfinishedError(error) from error
    except BaseException:  # an interrupt: what is decided is done first
        finish(tree, state, journal, recovering=True)
        raise


def _stage(tree: Tree, state: State, plan: Plan, step: Step) -> Journal:
    step("make stage")
    tree.make_folder(state.stage)
    tree.write(f"{state.stage}/owner", str(os.getpid()).encode())
    tree.write(f"{state.stage}/reserve", _RESERVE)
    moves = []
    for number, item in enumerate((*plan.create, *plan.update)):
        assert item.emitted is not None
        assert item.new is not None
        step(f"stage {item.path}")
        tree.write(state.staged(number), item.emitted.content, 0o755 if item.emitted.executable else 0o644)
        moves.append(Move(number, item.path, item.old, item.new))
    step("stage lock")
    number = len(moves)
    tree.write(state.staged(number), plan.lock, sync=True)
    moves.append(Move(number, state.lock, digest(plan.lock_before), digest(plan.lock) or ""))
    removals = tuple(Removal(item.path, item.old) for item in plan.prune)
    _make_folders(tree, state, moves, removals, step)
    return Journal(removals, tuple(moves))


def _make_folders(tree: Tree, state: State, moves: list[Move], removals: tuple[Removal, ...], step: Step) -> None:
    """Make what is missing before the write is decided, so that a full disk or a read-only folder shows now.

    A folder whose place a pruned file still takes is made later.
    """
    pruned = {removal.path for removal in removals}
    missing = [
        folder
        for folder in missing_folders(tree, (move.path for move in moves))
        if folder not in pruned and not any(parent in pruned for parent in parents(folder))
    ]
    if missing:
        tree.write(f"{state.stage}/folders", "\n".join(missing).encode())
    for folder in missing:
        step(f"make folder {folder}")
        tree.make_folder(folder)
    paths = [*(move.path for move in moves), *pruned]
    for folder in sorted({path.rpartition("/")[0] for path in paths}):
        if tree.is_folder(folder) and not tree.writable(folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder or ".")
    _check_room(tree, state, moves)
    for path in paths:
        tree.exists(path)  # raises where this file system cannot hold such a name


def _check_room(tree: Tree, state: State, moves: list[Move]) -> None:
    """What stands on another file system than the stage is copied there later: see now that there is room for it."""
    home, _ = tree.space(state.stage)
    needed: dict[int, int] = {}
    for move in moves:
        folder = move.path.rpartition("/")[0]
        if tree.is_folder(folder):
            device, free = tree.space(folder)
            if device != home:
                needed[device] = needed.get(device, len(_RESERVE)) + tree.size(state.staged(move.number))
                if needed[device] > free:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), move.path)
