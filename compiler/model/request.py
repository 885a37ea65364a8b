"""What a run is asked to do, and the only way in which it reads files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Files(Protocol):
    """Reads a repository. Paths are relative to its root, normal, with `/`; nothing outside is ever read.

    A path that is a link, or lies behind one that leaves the repository, does not exist here.
    """

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is no such file. Raises `TooLarge` above the limit."""

    def list(self, folder: str) -> tuple[str, ...]:
        """The names in a folder, sorted, folders with a `/` at the end; empty where there is no such folder."""


class TooLarge(Exception):
    """A file above the limit on what is read."""

    def __init__(self, path: str, size: int, limit: int) -> None:
        super().__init__(f"{path}: {size} bytes, the limit is {limit}")
        self.path, self.size, self.limit = path, size, limit


@dataclass(frozen=True, slots=True)
class Request:
    """One run of the compiler on one project.

    `project` is its folder, relative to the repository (`.` for the top). `environments` are names to compile, empty
    for all. `overrides` are Hydra overrides from the command line.
    """

    project: str = "."
    environments: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
