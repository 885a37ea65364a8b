"""Files below one root, reached folder by folder from its handle, so that no link is ever followed.

All reading and writing of this package goes through here. Paths are relative to the root and normal. Needs a system
with `openat` and its kin (Linux, macOS).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Protocol

from .paths import MAX_DEPTH

MAX_READ = 64 * 1024 * 1024
"""Above this, a file on disk is not read: no artifact is that large, so it is somebody else's."""

_MAX_HANDLES = 64
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Kind(StrEnum):
    ABSENT = "absent"
    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    OTHER = "other"
    """A device, socket or pipe."""
    NO_FOLDER = "no-folder"
    """A file where a folder is needed, above the path."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands at a path. `at` is where the trouble is: the path itself, or a folder above it.

    A file's `content` is None where it is larger than `MAX_READ`. `error` is the system's number for UNREADABLE.
    """

    kind: Kind
    content: bytes | None = None
    executable: bool = False
    at: str = ""
    error: int = 0


class Disk(Protocol):
    """What a plan sees of the files as they are."""

    def look(self, path: str) -> Seen: ...

    def files(self, folder: str) -> Iterator[str]:
        """All that is below a folder and is no folder itself, and folders that cannot be read."""


class BlockedError(Exception):
    """A link, or something that is no folder, stands on the way to a path."""

    def __init__(self, at: str, kind: Kind) -> None:
        super().__init__(f"{at}: {kind}")
        self.at, self.kind = at, kind


def obstructed(path: str, seen: Seen) -> OSError | BlockedError:
    """The error of a path where something else stands than a readable file."""
    if seen.kind is Kind.UNREADABLE:
        return OSError(seen.error, os.strerror(seen.error), seen.at)
    return BlockedError(seen.at or path, seen.kind)


class Tree:
    """A root's files. Handles of folders are kept open: what is swapped for a link meanwhile is not followed."""

    def __init__(self, root: Path) -> None:
        self._handles: dict[str, int] = {}
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.forget()
        os.close(self._root)

    def forget(self) -> None:
        """Close the handles of folders, so that later calls see what stands there now."""
        while self._handles:
            os.close(self._handles.popitem()[1])

    # --- reading ----------------------------------------------------------------------------------------------------

    def look(self, path: str) -> Seen:
        try:
            content, mode = self._read(path)
        except FileNotFoundError:
            return Seen(Kind.ABSENT)
        except BlockedError as blocked:
            return Seen(blocked.kind, at=blocked.at)
        except OSError as error:
            return Seen(Kind.UNREADABLE, at=path, error=error.errno or errno.EIO)
        return Seen(Kind.FILE, content, bool(mode & stat.S_IXUSR), path)

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None if there is none. Raises OSError, `BlockedError`, and EFBIG above `MAX_READ`."""
        try:
            content, _ = self._read(path)
        except FileNotFoundError:
            return None
        if content is None:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
        return content

    def files(self, folder: str) -> Iterator[str]:
        try:
            names = self.names(folder) if folder.count("/") < MAX_DEPTH else None
        except OSError:
            names = None
        if names is None:  # it cannot be looked into: the folder stands for what is in it
            yield folder
            return
        for name in names:
            path = f"{folder}/{name}"
            if self.look(path).kind is Kind.FOLDER:
                yield from self.files(path)
            else:
                yield path

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted; empty where there is no such folder."""
        try:
            with _naming(folder):
                return sorted(os.listdir(self._folder(folder)))  # noqa: PTH208
        except (FileNotFoundError, BlockedError):
            return []

    def exists(self, path: str) -> bool:
        """Whether anything stands at a path that can be reached without a link."""
        try:
            self._status(path)
        except (FileNotFoundError, BlockedError):
            return False
        return True

    def size(self, path: str) -> int:
        return self._status(path).st_size

    def is_folder(self, path: str) -> bool:
        """Whether a folder stands there. A link on the way raises `BlockedError`."""
        try:
            self._folder(path)
        except FileNotFoundError:
            return False
        except BlockedError as blocked:
            if blocked.kind is Kind.LINK:
                raise
            return False
        return True

    def writable(self, folder: str) -> bool:
        """Whether this user may make and remove files in a folder, as far as the system tells beforehand."""
        return os.access(".", os.W_OK | os.X_OK, dir_fd=self._folder(folder), effective_ids=True)

    def space(self, folder: str) -> tuple[int, int]:
        """The file system of a folder, and the bytes that this user may still write on it."""
        handle = self._folder(folder)
        room = os.fstatvfs(handle)
        return os.fstat(handle).st_dev, room.f_bavail * room.f_frsize

    # --- writing ----------------------------------------------------------------------------------------------------

    def write(self, path: str, data: bytes, mode: int = 0o644, *, sync: bool = False) -> None:
        """Make a new file with exactly this mode. Its folder must exist, the file must not."""
        folder, name = self._split(path)
        with _naming(path):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(name, flags, 0o600, dir_fd=folder)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(handle, rest) :]
                os.fchmod(handle, mode)
                if sync:
                    os.fsync(handle)
            finally:
                os.close(handle)

    def rename(self, source: str, target: str) -> None:
        source_folder, source_name = self._split(source)
        source_folder = os.dup(source_folder)  # opening the other folder may close this handle
        try:
            target_folder, target_name = self._split(target)
            with _naming(target):
                os.rename(source_name, target_name, src_dir_fd=source_folder, dst_dir_fd=target_folder)
        finally:
            os.close(source_folder)

    def remove(self, path: str) -> None:
        """Remove a file or a link; it is no error if there is none."""
        with suppress(FileNotFoundError), _naming(path):
            folder, name = self._split(path)
            os.unlink(name, dir_fd=folder)

    def make_folder(self, path: str) -> bool:
        """Make one folder; False if it stands already."""
        folder, name = self._split(path)
        with _naming(path):
            try:
                os.mkdir(name, 0o755, dir_fd=folder)
            except FileExistsError:
                self._folder(path)
                return False
        return True

    def make_folders(self, path: str) -> None:
        if path:
            try:
                self._folder(path)
            except FileNotFoundError:
                self.make_folders(path.rpartition("/")[0])
                self.make_folder(path)

    def remove_folder(self, path: str) -> bool:
        """Remove a folder if it is empty; False if it stays. One that this user may not remove is no error."""
        try:
            parent, name = self._split(path)
            if path in self._handles:
                os.close(self._handles.pop(path))
            os.rmdir(name, dir_fd=parent)
        except (BlockedError, FileNotFoundError, PermissionError):
            return False
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EBUSY, errno.EROFS):
                return False
            raise
        return True

    # --- handles ----------------------------------------------------------------------------------------------------

    def _split(self, path: str) -> tuple[int, str]:
        folder, _, name = path.rpartition("/")
        return self._folder(folder), name

    def _folder(self, path: str) -> int:
        if path in ("", "."):
            return self._root
        if (known := self._handles.get(path)) is not None:
            return known
        parent, name = self._split(path)
        try:
            handle = os.open(name, _FOLDER, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.EMLINK):
                raise BlockedError(path, self._kind(parent, name)) from None
            raise OSError(error.errno, error.strerror, path) from None
        if len(self._handles) >= _MAX_HANDLES:
            os.close(self._handles.pop(next(iter(self._handles))))
        self._handles[path] = handle
        return handle

    def _kind(self, parent: int, name: str) -> Kind:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        return Kind.LINK if stat.S_ISLNK(mode) else Kind.NO_FOLDER

    def _status(self, path: str) -> os.stat_result:
        folder, name = self._split(path)
        with _naming(path):
            return os.stat(name or ".", dir_fd=folder, follow_symlinks=False)

    def _read(self, path: str) -> tuple[bytes | None, int]:
        folder, name = self._split(path)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with _naming(path):
            try:
                handle = os.open(name, flags, dir_fd=folder)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.EMLINK):
                    raise BlockedError(path, Kind.LINK) from None
                if error.errno == errno.ENXIO:
                    raise BlockedError(path, Kind.OTHER) from None
                raise
            try:
                status = os.fstat(handle)
                if stat.S_ISDIR(status.st_mode):
                    raise BlockedError(path, Kind.FOLDER)
                if not stat.S_ISREG(status.st_mode):
                    raise BlockedError(path, Kind.OTHER)
                if status.st_size > MAX_READ:
                    return None, status.st_mode
                chunks = []
                while chunk := os.read(handle, max(1, status.st_size + 1)):
                    chunks.append(chunk)
                return b"".join(chunks), status.st_mode
            finally:
                os.close(handle)


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Errors of the system name the path from the root, not the last name in it."""
    try:
        yield
    except OSError as error:
        error.filename = path
        raise
