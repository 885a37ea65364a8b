"""What a compile would change on disk, as a value: `--check`, `--dry-run`, `diff` and the writer share it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from llmops.compiler.model.artifact import Emitted, Lock, LockEntry
from llmops.compiler.model.finding import Diagnostic, Outcome, diagnose

from . import codes
from .difference import sides
from .lock import format_lock
from .paths import LOCK_NAME, allowed, check_paths, inside, parents, unportable
from .tree import Disk, Kind, Seen
from .trouble import obstacle

MAX_FILES = 200_000
MAX_BYTES = 2 * 1024**3


class Reason(StrEnum):
    """Why a file is not written."""

    EDITED = "edited"
    FOREIGN = "foreign"
    BLOCKED = "blocked"
    """Its path is not allowed, or something that is no file stands there: a diagnostic of the plan says what."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the plan. `old` and `new` are digests; `before` is what stands there, where it differs from the new."""

    path: str
    target: str
    scope: str
    old: str | None = None
    new: str | None = None
    before: bytes | None = None
    emitted: Emitted | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Every artifact is in exactly one of the groups, each sorted by path.

    `orphans` are no longer produced but edited, so they are kept. Where `refuse` is not empty nothing is written.
    `lock` are the bytes of the lock afterwards, `lock_before` those that the plan was made from.
    """

    project: str
    create: tuple[Item, ...]
    update: tuple[Item, ...]
    keep: tuple[Item, ...]
    prune: tuple[Item, ...]
    orphans: tuple[Item, ...]
    refuse: tuple[Item, ...]
    lock: bytes
    lock_before: bytes | None
    lock_stale: bool
    """The lock's entries change (a new compiler version alone does not count)."""
    places: Mapping[str, tuple[str, ...]]

    @property
    def lock_path(self) -> str:
        return inside(self.project, LOCK_NAME)

    @property
    def changes(self) -> int:
        return len(self.create) + len(self.update) + len(self.prune)

    @property
    def up_to_date(self) -> bool:
        return not self.changes and not self.refuse and self.lock == self.lock_before


def plan(
    emitted: Sequence[Emitted],
    lock: Lock,
    disk: Disk,
    *,
    compiler: str,
    targets: Mapping[str, str],
    places: Mapping[str, tuple[str, ...]],
    project: str = ".",
    scopes: Collection[str] | None = None,
    force: Collection[str] = (),
    overwrite: bool = False,
) -> Outcome[Plan]:
    """Pure, apart from looking at `disk`.

    `scopes` are the environments compiled in this run (and `project`, if targets of that scope were lowered): what the
    lock knows of other scopes is left alone. None is a run over all of them, in which a scope that no longer exists is
    pruned too. `places` should hold every known target, not only those in use: a file of a target that is not in use
    any more can only be pruned at its declared places. `force` are paths whose edits may be lost; `overwrite` forces
    all of them (for `--out`).
    """
    wanted = {artifact.path: artifact for artifact in sorted(emitted, key=lambda artifact: artifact.path)}
    if excess := _excess(emitted):
        wanted, scopes = {}, ()
    run = None if scopes is None else {*scopes, *(artifact.scope for artifact in emitted)}
    known, foreign = _at_places(lock, project, places)
    gone = {path: entries for path, entries in known.items() if path not in wanted}
    others = {path for path, entries in gone.items() if run is not None and not any(e.scope in run for e in entries)}
    bad = check_paths({path: artifact.target for path, artifact in wanted.items()}, sorted(others), project, places)

    groups: dict[str, list[Item]] = {name: [] for name in ("create", "update", "keep", "prune", "orphans", "refuse")}
    bad |= _twice(emitted)
    problems: list[Diagnostic] = [*excess, *foreign, *bad.values()]
    after: list[LockEntry] = []
    for path, entries in sorted(gone.items()):
        seen = disk.look(path)
        if path in others:
            after += _settled(entries, seen)
            continue
        item = Item(path, entries[-1].target, entries[-1].scope, _digest(seen.content), None, seen.content)
        if seen.kind is Kind.FILE and (overwrite or path in force or _is_ours(seen, entries)):
            groups["prune"].append(item)
        elif seen.kind is not Kind.ABSENT and not _is_wanted(path, seen, wanted):
            groups["orphans"].append(item)
            problems.append(_orphan(path, seen))
            after += entries
    pruned = {item.path for item in groups["prune"]}
    for path, artifact in wanted.items():
        digest = hashlib.sha256(artifact.content).hexdigest()
        seen = disk.look(path) if path not in bad else Seen(Kind.ABSENT)
        entries = known.get(path, ())
        group, reason = _group(artifact, seen, entries, overwrite or path in force)
        if path in bad:
            group, reason = "refuse", Reason.BLOCKED
        if reason is Reason.BLOCKED and path not in bad:
            if gives_way(path, seen, pruned, disk):
                group, reason = "create", None
            else:
                problems.append(obstacle(path, seen))
        before = seen.content if group in ("update", "refuse") else None
        old = digest if group == "keep" else _digest(seen.content)
        groups[group].append(Item(path, artifact.target, artifact.scope, old, digest, before, artifact, reason))
        after.append(LockEntry(path, digest, artifact.target, artifact.scope, tuple(str(a) for a in artifact.about)))
    if excess:
        groups["refuse"].append(Item(inside(project, "generated"), "", "", reason=Reason.BLOCKED))
    return _finish(groups, after, lock, disk, compiler, targets, places, project, problems)


def _finish(
    groups: Mapping[str, list[Item]],
    after: list[LockEntry],
    lock: Lock,
    disk: Disk,
    compiler: str,
    targets: Mapping[str, str],
    places: Mapping[str, tuple[str, ...]],
    project: str,
    problems: list[Diagnostic],
) -> Outcome[Plan]:
    """The plan with its lock."""
    path = inside(project, LOCK_NAME)
    seen = disk.look(path)
    if seen.kind not in (Kind.FILE, Kind.ABSENT) or (seen.kind is Kind.FILE and seen.content is None):
        groups["refuse"].append(Item(path, "", "", reason=Reason.BLOCKED))
        problems.append(obstacle(path, seen))
    used = {entry.target for entry in after}
    versions = {name: version for name, version in {**lock.targets, **targets}.items() if name in used}
    before = {entry for entries in lock.entries.values() for entry in entries}
    made = {name: tuple(sorted(items, key=lambda item: item.path)) for name, items in groups.items()}
    result = Plan(
        project=project,
        lock=format_lock(compiler, versions, after),
        lock_before=seen.content,
        lock_stale=before != set(after) or lock.conflicted or seen.content is None,
        places=MappingProxyType(dict(places)),
        **made,
    )
    return Outcome(result, tuple(problems))


def _group(
    artifact: Emitted, seen: Seen, entries: tuple[LockEntry, ...], may_lose: bool
) -> tuple[str, Reason | None]:
    if seen.kind is Kind.ABSENT:
        return "create", None
    if seen.kind is not Kind.FILE:
        return "refuse", Reason.BLOCKED
    if seen.content == artifact.content:
        return ("keep" if seen.executable == artifact.executable else "update"), None
    if may_lose or _is_ours(seen, entries):
        return "update", None
    return "refuse", (Reason.EDITED if entries else Reason.FOREIGN)


def _is_ours(seen: Seen, entries: Collection[LockEntry]) -> bool:
    """Whether a file holds nothing but what a compile wrote.

    Besides the bytes of the lock: a merge conflict between two such versions, and what a power cut leaves of a file
    that was renamed but not synced (nothing, or only NULs).
    """
    if seen.content is None:
        return False
    known = {entry.sha256 for entry in entries}
    if _digest(seen.content) in known or (entries and not seen.content.strip(b"\0")):
        return True
    both = sides(seen.content) if b"<<<<<<<" in seen.content else None
    return both is not None and all(_digest(side) in known for side in both)


def _is_wanted(path: str, seen: Seen, wanted: Mapping[str, Emitted]) -> bool:
    """Whether what stands at an old path is (part of) a new artifact: its folder, or a file that is one now."""
    return seen.kind in (Kind.FOLDER, Kind.NO_FOLDER) and (
        any(parent in wanted for parent in parents(path)) or any(new.startswith(f"{path}/") for new in wanted)
    )


def gives_way(path: str, seen: Seen, pruned: Collection[str], disk: Disk) -> bool:
    """Whether what stands in the way of a path is pruned in this run: a file becomes a folder, or the reverse."""
    if seen.kind is Kind.NO_FOLDER:
        return seen.at in pruned
    if seen.kind is Kind.FOLDER:
        return all(file in pruned for file in disk.files(path))
    return False


def _settled(entries: tuple[LockEntry, ...], seen: Seen) -> tuple[LockEntry, ...]:
    """The entries of a path that this run leaves alone: after a merge, the side that is on disk."""
    digest = _digest(seen.content) if len(entries) > 1 else None
    return tuple(entry for entry in entries if entry.sha256 == digest) or entries


def _at_places(
    lock: Lock, project: str, places: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, tuple[LockEntry, ...]], list[Diagnostic]]:
    """The lock's entries that a compile could have written. A lock that names other files gives no right to them."""
    known, foreign = dict[str, tuple[LockEntry, ...]](), list[Diagnostic]()
    for path, entries in lock.entries.items():
        if not unportable(path) and all(allowed(path, project, places.get(entry.target, ())) for entry in entries):
            known[path] = entries
        else:
            foreign.append(
                diagnose(
                    codes.CORRUPT_LOCK,
                    f"the lock names `{path}`, where no target of this project may write",
                    None,
                    notes=("the entry is dropped, the file stays as it is",),
                )
            )
    return known, foreign


def _twice(emitted: Sequence[Emitted]) -> dict[str, Diagnostic]:
    first: dict[str, Emitted] = {}
    bad: dict[str, Diagnostic] = {}
    for artifact in emitted:
        if (other := first.setdefault(artifact.path, artifact)) is not artifact:
            by = f"`{other.target}`" if other.target == artifact.target else f"`{other.target}` and `{artifact.target}`"
            bad[artifact.path] = diagnose(
                codes.PATH_COLLISION, f"`{artifact.path}` is made more than once", None, notes=(f"by {by}",),
                help=("rename one of the resources that it is made from",),
            )  # fmt: skip
    return bad


def _excess(emitted: Sequence[Emitted]) -> list[Diagnostic]:
    size = sum(len(artifact.content) for artifact in emitted)
    if len(emitted) <= MAX_FILES and size <= MAX_BYTES:
        return []
    problem = diagnose(
        codes.TOO_MUCH_OUTPUT, f"{len(emitted)} artifacts of {size // 1024**2} MiB are too many", None,
        notes=(f"the limit is {MAX_FILES} files and {MAX_BYTES // 1024**2} MiB",),
        help=("compile fewer environments in one project, or turn targets off in some",),
    )  # fmt: skip
    return [problem]


def _orphan(path: str, seen: Seen) -> Diagnostic:
    if seen.kind is not Kind.FILE:
        return diagnose(
            codes.EDITED_ORPHAN, f"`{path}` is no longer produced, but it is no readable file now", None,
            help=("look at it and delete it by hand",),
        )  # fmt: skip
    return diagnose(
        codes.EDITED_ORPHAN, f"`{path}` is no longer produced, but it was changed by hand", None,
        notes=("it is kept",), help=(f"delete it by hand, or with `llmops compile --force {path}`",),
    )  # fmt: skip


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()
