"""What the system says, in a user's words."""

from __future__ import annotations

import errno

from llmops.compiler.model.finding import Code, Diagnostic, diagnose

from . import codes
from .tree import MAX_READ, BlockedError, Kind, Seen

_FULL = frozenset([errno.ENOSPC, errno.EDQUOT])
_DENIED = frozenset([errno.EACCES, errno.EPERM, errno.EROFS])
_WHY: dict[int, tuple[str, str]] = {
    errno.EROFS: ("the file system is read-only", "write elsewhere with `--out DIR`, or mount it for writing"),
    errno.EFBIG: ("the file is larger than the system allows", "raise the limit on file sizes (`ulimit -f`)"),
    errno.ENAMETOOLONG: ("the name is too long for this file system", "give the resource a shorter name"),
    errno.EMFILE: ("this process has too many open files", "raise the limit on open files (`ulimit -n`)"),
    errno.ENFILE: ("the system has too many open files", "close other programs"),
    errno.EIO: ("the device reports an error", "check the disk"),
    errno.EXDEV: ("it stands on another file system than the project", "mount both from one file system"),
}


def system_trouble(error: OSError, path: str | None = None) -> Diagnostic:
    """The diagnostic of a failed call. The message never holds a path outside the repository."""
    number = error.errno or errno.EIO
    where = path if path is not None else error.filename
    name = f"`{where}`" if isinstance(where, str) and not where.startswith("/") else "a file"
    if number in _FULL:
        return _diagnose(codes.DISK_FULL, f"there is no room to write {name}", "", "free some space and compile again")
    why, cure = _WHY.get(number, (_words(error), "remove the cause and compile again"))
    if number in _DENIED:
        if number != errno.EROFS:
            why, cure = "this user may not do that", "give this user the right to write there (`chmod`, `chown`)"
        return _diagnose(codes.PERMISSION_DENIED, f"the system denies access to {name}", why, cure)
    return _diagnose(codes.WRITE_FAILED, f"the system cannot read or write {name}", why, cure)


def obstacle(path: str, seen: Seen) -> Diagnostic:
    """What stands at a path where a plain file is needed."""
    if seen.kind is Kind.UNREADABLE:
        return system_trouble(OSError(seen.error, ""), seen.at)
    if seen.kind is Kind.FILE:
        return _diagnose(
            codes.FOREIGN_FILE, f"`{path}` is no file of llmops", f"it is larger than {MAX_READ // 1024**2} MiB",
            "move it away and compile again",
        )  # fmt: skip
    return blocked(BlockedError(seen.at or path, seen.kind))


def blocked(error: BlockedError) -> Diagnostic:
    if error.kind is Kind.LINK:
        return _diagnose(
            codes.LINK_IN_THE_WAY, f"`{error.at}` is a link, and nothing is written through a link", "",
            "put a plain file or folder there",
        )  # fmt: skip
    kinds = {Kind.FOLDER: "a folder, where a file belongs", Kind.NO_FOLDER: "not a folder"}
    what = kinds.get(error.kind, "not a plain file")
    return _diagnose(codes.NOT_A_FILE, f"`{error.at}` is {what}", "", "move it away and compile again")


def _words(error: OSError) -> str:
    return (error.strerror or "unknown error").lower()


def _diagnose(code: Code, message: str, note: str, cure: str) -> Diagnostic:
    return diagnose(code, message, None, notes=(note,) if note else (), help=(cure,))
