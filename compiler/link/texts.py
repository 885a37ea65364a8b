"""The files of the project that fields point to: by a path, or by a pattern of paths."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator, Mapping

from llmops.compiler.model.request import Files, TooLarge

MAX_TEXTS = 128 << 20
"""Bytes of all files that fields point to, in one run."""
MAX_MATCHES = 20_000
"""Files that one glob may match."""
MAX_FOLDERS = 32
"""Levels of folders that `**` goes down."""


class Texts(Mapping[str, bytes]):
    """The files that fields point to, by the path written there (relative to the project), read when asked for.

    One for all environments, so that each file is read and kept once.
    """

    def __init__(self, files: Files, root: str) -> None:
        self._files = files
        self._root = root
        self._read: dict[str, bytes | None] = {}
        self._refused: dict[str, tuple[int, int]] = {}
        self._bytes = 0

    def full(self, path: str) -> str:
        """The path from the repository's root."""
        return posixpath.normpath(posixpath.join(self._root, path))

    def load(self, path: str) -> bytes | None:
        """A file's bytes, None where it is not there. Raises `TooLarge`, also where all together are too large."""
        if path not in self._read and path not in self._refused:
            try:
                data = self._files.read(self.full(path))
            except TooLarge as error:
                self._refused[path] = error.size, error.limit
            else:
                size = self._bytes + len(data or b"")
                if size > MAX_TEXTS:
                    self._refused[path] = size, MAX_TEXTS
                else:
                    self._bytes, self._read[path] = size, data
        if path in self._refused:
            raise TooLarge(path, *self._refused[path])
        return self._read[path]

    def names(self, folder: str) -> tuple[str, ...]:
        return self._files.list(self.full(folder))

    def __getitem__(self, path: str) -> bytes:
        data = self.load(path)
        if data is None:
            raise KeyError(path)
        return data

    def __iter__(self) -> Iterator[str]:
        return (path for path, data in self._read.items() if data is not None)

    def __len__(self) -> int:
        return sum(data is not None for data in self._read.values())


def expand(texts: Texts, pattern: str) -> Iterator[str]:
    """The files that match a glob, sorted: `*` and `?` within a name, `**` for any folders.

    Each folder is looked into once for each part of the pattern; one file above the limit ends it.
    """
    seen: set[tuple[str, int]] = set()
    found: set[str] = set()

    def descend(folder: str, parts: list[str]) -> Iterator[str]:
        if (folder, len(parts)) in seen or folder.count("/") > MAX_FOLDERS:
            return
        seen.add((folder, len(parts)))
        head, rest = parts[0], parts[1:]
        names = texts.names(folder or ".")
        if head == "**":
            if rest:
                yield from descend(folder, rest)
            for name in names:
                if name.endswith("/") and not name.startswith("."):
                    yield from descend(posixpath.join(folder, name[:-1]), parts)
            return
        for name in names:
            is_folder = name.endswith("/")
            if is_folder == bool(rest) and fnmatch.fnmatchcase(name.rstrip("/"), head):
                below = posixpath.join(folder, name.rstrip("/"))
                if rest:
                    yield from descend(below, rest)
                else:
                    yield below

    for path in descend("", pattern.split("/")):
        found.add(path)
        if len(found) > MAX_MATCHES:
            break
    return iter(sorted(found))
