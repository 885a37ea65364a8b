"""The only ways in which the compiler reads files."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from llmops.compiler.load import gate
from llmops.compiler.model.request import Files, TooLarge

MAX_DATA = 64 << 20
"""Bytes of a file that is no config: data, code, images of a prompt."""

CONFIG_SUFFIXES = (".yaml", ".yml")


def limit_of(path: str) -> int:
    return gate.MAX_BYTES if path.endswith(CONFIG_SUFFIXES) else MAX_DATA


def is_normal(path: str) -> bool:
    """Whether a path is relative to the repository and stays below it as it is written.

    Git's own folder is no part of a project: it holds hooks, and in CI the credentials of the checkout.
    """
    return (
        bool(path)
        and "\x00" not in path
        and "\\" not in path
        and not path.startswith("/")
        and (path == "." or all(part not in ("", ".", "..") and not _is_git(part) for part in path.split("/")))
    )


def _is_git(name: str) -> bool:
    return name.casefold() == ".git"


class Disk:
    """A folder on disk. No link is followed to a file, and none to a folder outside."""

    def __init__(self, repository: Path) -> None:
        self._root = os.path.realpath(repository)
        self._folders: dict[str, str | None] = {".": self._root, "": self._root}

    def read(self, path: str) -> bytes | None:
        if not is_normal(path) or path == ".":
            return None
        folder, _, name = path.rpartition("/")
        real = self._folder(folder)
        if real is None:
            return None
        try:
            # without O_NONBLOCK a named pipe would wait for a writer
            handle = os.open(f"{real}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.EINVAL):
                return None
            raise
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                return None
            limit = limit_of(path)
            if found.st_size > limit:
                raise TooLarge(path, found.st_size, limit)
            parts = []
            left = limit + 1
            # in one piece if it can be, so that nothing is held twice
            while left > 0 and (part := os.read(handle, min(left, max(found.st_size + 1, 1 << 16)))):
                parts.append(part)
                left -= len(part)
            if left <= 0:
                raise TooLarge(path, limit + 1, limit)
            return b"".join(parts)
        finally:
            os.close(handle)

    def list(self, folder: str) -> tuple[str, ...]:
        real = self._folder(folder) if is_normal(folder) else None
        if real is None:
            return ()
        names = []
        try:
            with os.scandir(real) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        names.append(entry.name + "/")
                    elif entry.is_file(follow_symlinks=False):
                        names.append(entry.name)
        except OSError:
            return ()
        return tuple(sorted(name for name in names if _sayable(name) and not _is_git(name.rstrip("/"))))

    def _folder(self, path: str) -> str | None:
        """The real place of a folder, if it is in the repository. Asked once for each folder."""
        if path not in self._folders:
            above, _, name = path.rpartition("/")
            parent = self._folder(above)
            self._folders[path] = None if parent is None else self._inside(f"{parent}/{name}")
        return self._folders[path]

    def _inside(self, place: str) -> str | None:
        real = os.path.realpath(place)
        inside = real == self._root or real.startswith(self._root.rstrip("/") + "/")
        return real if inside and Path(real).is_dir() else None


def _sayable(name: str) -> bool:
    """A file name that is no UTF-8 can be named in no config and in no message."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class Overlay:
    """Other files with some of them replaced (bytes) or taken away (None): unsaved buffers, tests, another revision."""

    def __init__(self, files: Files, changes: Mapping[str, bytes | None]) -> None:
        self._files = files
        self._changes = dict(changes)

    def read(self, path: str) -> bytes | None:
        if path not in self._changes:
            return self._files.read(path)
        data = self._changes[path]
        if data is not None and len(data) > limit_of(path):
            raise TooLarge(path, len(data), limit_of(path))
        return data

    def list(self, folder: str) -> tuple[str, ...]:
        names = set(self._files.list(folder))
        prefix = "" if folder in (".", "") else folder + "/"
        for path, data in self._changes.items():
            if not path.startswith(prefix):
                continue
            first, slash, _ = path[len(prefix) :].partition("/")
            if data is not None:
                names.add(first + slash)
            elif not slash:
                names.discard(first)
        return tuple(sorted(names))


class Memory:
    """Files that exist nowhere: for tests, and for revisions read from git."""

    def __init__(self, files: Mapping[str, bytes | str]) -> None:
        empty = _Nothing()
        self._over = Overlay(empty, {p: d.encode() if isinstance(d, str) else d for p, d in files.items()})

    def read(self, path: str) -> bytes | None:
        return self._over.read(path)

    def list(self, folder: str) -> tuple[str, ...]:
        return self._over.list(folder)


class _Nothing:
    def read(self, path: str) -> bytes | None:
        return None

    def list(self, folder: str) -> tuple[str, ...]:
        return ()


def join(*parts: str) -> str:
    """A normal path from parts that may hold `..`; starts with `../` where it leaves the repository."""
    return os.path.normpath(str(PurePosixPath(*parts))).replace(os.sep, "/")
