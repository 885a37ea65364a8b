"""The state folder of a project: the stage, and the journal that says how to finish a write.

    .llmops/write.lock    held while writing, through the system: it is free as soon as its holder is dead
    .llmops/stage/        new files by number, the new lock, and the folders made for them; worthless without a journal
    .llmops/journal       exists from the moment when the write is decided until it is done

The stage stands below the project and not beside each file, so that a killed run leaves nothing in `generated/` or
`.github/`, and so that all of it can be thrown away unread. A rename needs one file system: where a destination is on
another (a mount inside the project), its file is copied beside the destination and renamed there.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .lock import format_lock, parse_lock
from .paths import LOCK_NAME, STATE, allowed, inside, is_normal, parents, unportable
from .tree import BlockedError, Kind, Tree, obstructed

Step = Callable[[str], None]
"""Called before each change on disk, with its name: tests stop a write there."""


def no_step(name: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Move:
    """Staged file `number` becomes `path`. `old` is the digest of what it replaces, None for nothing."""

    number: int
    path: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class Removal:
    path: str
    old: str | None


@dataclass(frozen=True, slots=True)
class Journal:
    """All that a write changes; the lock is the last of `moves`."""

    removals: tuple[Removal, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class State:
    """Where the state of a project's writes is."""

    project: str

    @property
    def folder(self) -> str:
        return inside(self.project, STATE)

    @property
    def stage(self) -> str:
        return f"{self.folder}/stage"

    @property
    def journal(self) -> str:
        return f"{self.folder}/journal"

    @property
    def held(self) -> str:
        return f"{self.folder}/write.lock"

    @property
    def lock(self) -> str:
        return inside(self.project, LOCK_NAME)

    def staged(self, number: int) -> str:
        return f"{self.stage}/{number}"

    def pending(self, tree: Tree) -> bool:
        """Whether an earlier run was killed."""
        return tree.exists(self.journal) or tree.exists(self.stage)


def format_journal(journal: Journal) -> bytes:
    rows: list[dict[str, Any]] = [{"remove": r.path, "old": r.old} for r in journal.removals]
    rows += [{"move": m.number, "path": m.path, "old": m.old, "new": m.new} for m in journal.moves]
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return body + json.dumps({"end": hashlib.sha256(body).hexdigest()}).encode() + b"\n"


def parse_journal(data: bytes, state: State, places: Mapping[str, tuple[str, ...]]) -> Journal | None:
    """None where it is not whole. A path that no compile of this project could write makes it void.

    The state folder is not in git, but a hostile repository may hold one: it gives no right that a compile has not.
    """
    body, _, _ = data.rstrip(b"\n").rpartition(b"\n")
    body += b"\n" if body else b""
    everywhere = tuple(place for roots in places.values() for place in roots)
    try:
        *rows, end = [json.loads(line) for line in data.splitlines()]
        if end["end"] != hashlib.sha256(body).hexdigest():
            return None
        removals = tuple(Removal(str(row["remove"]), row["old"]) for row in rows if "remove" in row)
        moves = tuple(Move(int(r["move"]), str(r["path"]), r["old"], str(r["new"])) for r in rows if "move" in r)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    paths = [*(removal.path for removal in removals), *(move.path for move in moves[:-1])]
    if not moves or moves[-1].path != state.lock:
        return None
    safe = all(allowed(path, state.project, everywhere) and not unportable(path) for path in paths)
    return Journal(removals, moves) if safe else None


def undone_lock(tree: Tree, state: State, places: Mapping[str, tuple[str, ...]]) -> bytes:
    """The new lock of a write that is decided and not done; empty where there is none."""
    data = tree.read(state.journal)
    journal = parse_journal(data, state, places) if data else None
    return (tree.read(state.staged(journal.moves[-1].number)) or b"") if journal else b""


def finish(tree: Tree, state: State, journal: Journal, step: Step = no_step, *, recovering: bool = False) -> list[str]:
    """Do what the journal says, from whatever point an earlier attempt reached; returns the paths that were lost.

    When recovering, what was changed since the write was decided is left alone, and so is a staged file that a power
    cut has damaged.
    """
    lost: list[str] = []
    for removal in journal.removals:
        seen = tree.look(removal.path)
        if seen.kind is Kind.UNREADABLE:
            raise obstructed(removal.path, seen)
        if seen.kind is Kind.FILE and digest(seen.content) == removal.old:
            step(f"remove {removal.path}")
            tree.remove(removal.path)
    needed = {folder for move in journal.moves for folder in parents(move.path)}
    for folder in sorted({f for r in journal.removals for f in parents(r.path)}, key=len, reverse=True):
        if folder not in needed and folder != state.project:
            step(f"remove folder {folder}")
            tree.remove_folder(folder)
    *moves, lock = journal.moves
    for move in moves:
        staged = state.staged(move.number)
        if recovering and not _may_finish(tree, move, staged, lost):
            continue
        step(f"move {move.path}")
        tree.make_folders(move.path.rpartition("/")[0])
        _move(tree, staged, move.path)
    if lost:
        _join_locks(tree, state, state.staged(lock.number))
    if not recovering or _may_finish(tree, lock, state.staged(lock.number), lost, joined=bool(lost)):
        step("move lock")
        _move(tree, state.staged(lock.number), lock.path)
    step("remove journal")
    tree.remove(state.journal)
    step("remove stage")
    clear_stage(tree, state, step)
    return lost


def discard(tree: Tree, state: State, step: Step = no_step) -> None:
    """Undo a write that was not decided: the folders that were made for it, and the stage."""
    made = tree.read(f"{state.stage}/folders") or b""
    for line in reversed(made.decode("utf-8", errors="replace").split("\n")):
        if is_normal(line) and not unportable(line):
            tree.remove_folder(line)
    clear_stage(tree, state, step)


def clear_stage(tree: Tree, state: State, step: Step = no_step) -> None:
    for name in sorted(tree.names(state.stage), key=lambda name: name == "folders"):  # the list of folders goes last
        step(f"remove staged {name}")
        tree.remove(f"{state.stage}/{name}")
    tree.remove_folder(state.stage)


def _may_finish(tree: Tree, move: Move, staged: str, lost: list[str], *, joined: bool = False) -> bool:
    content = tree.read(staged)
    if content is None:
        return False  # it was moved before the run was killed
    if not joined and digest(content) != move.new:
        lost.append(move.path)
        return False
    try:
        return digest(tree.read(move.path)) in (move.old, move.new)
    except BlockedError:
        return False


def _join_locks(tree: Tree, state: State, staged: str) -> None:
    """Let the lock hold both sides, as after a merge: a path that was lost is still known by its old digest."""
    locks = [parse_lock(tree.read(path)).value for path in (state.lock, staged)]
    entries = dict.fromkeys(entry for lock in locks for both in lock.entries.values() for entry in both)
    targets = {**locks[0].targets, **locks[1].targets}
    tree.remove(staged)
    tree.write(staged, format_lock(locks[1].compiler or locks[0].compiler, targets, entries), sync=True)


def _move(tree: Tree, staged: str, path: str) -> None:
    try:
        tree.rename(staged, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        folder, slash, _ = path.rpartition("/")
        beside = f"{folder}{slash}.llmops-{staged.rpartition('/')[2]}"
        seen = tree.look(staged)
        tree.remove(beside)
        tree.write(beside, seen.content or b"", 0o755 if seen.executable else 0o644, sync=True)
        tree.rename(beside, path)
        tree.remove(staged)


def digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def missing_folders(tree: Tree, paths: Iterable[str]) -> list[str]:
    """The folders above the paths that do not stand yet, outer ones first."""
    folders = {folder for path in paths for folder in parents(path)}
    return [folder for folder in sorted(folders) if not tree.exists(folder)]
