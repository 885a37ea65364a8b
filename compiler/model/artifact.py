"""What targets make, and what becomes of it on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Source


class Format(StrEnum):
    YAML = "yaml"
    JSON = "json"
    JSONL = "jsonl"
    TOML = "toml"
    TEXT = "text"
    MARKDOWN = "markdown"
    VERBATIM = "verbatim"
    """Bytes as they are: a lock file that the target ships, a file of the project."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file to be written, still as data.

    `path` is below `generated/<env>/<target>/` (`generated/project/<target>/` for a target of project scope); one that
    starts with `/` stands below the repository, at a place that the target declares. `body` is a tree of maps, lists
    and scalars with `Sourced` parts; for TEXT and MARKDOWN a list of lines (each `str` or `Sourced[str]`); for
    VERBATIM bytes or `Sourced[bytes]`. `about` are the resources that its header names; a `Sourced` one is named
    because of what stands at its sources (the reference that an eval makes to its prompt).
    """

    path: str
    body: Any
    about: tuple[Address | Sourced[Address], ...] = ()
    format: Format = Format.YAML
    executable: bool = False
    comment: str | None = "#"
    """How a header line starts; None where the format has no comments."""
    front: Any = None
    """Data that stands as YAML between `---` before a Markdown body, on the file's first lines: the metadata of a card.
    Overrides patch it, and it is what the target's check sees."""
    shared: bool = False
    """The same in every environment (a lock file that the target ships): written once, below `generated/project/`."""
    because: tuple[Source, ...] = ()
    """Why there is such a file at all: the reference without which it would not be. Each of its lines says so."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """An artifact as bytes. `lines[n]` are the origins of line n+1; `path` is relative to the repository."""

    path: str
    target: str
    scope: str
    """The environment, or `project`."""
    content: bytes
    lines: tuple[tuple[Source, ...], ...]
    about: tuple[Address, ...] = ()
    executable: bool = False
    data: Any = None
    """What it says, as plain data, where the format has one."""


@dataclass(frozen=True, slots=True)
class LockEntry:
    """A line of llmops.lock: an artifact as it was last written."""

    path: str
    sha256: str
    target: str
    scope: str
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """llmops.lock. `conflicted` was read with conflict markers of git in it; `entries` then hold both sides."""

    compiler: str
    targets: Mapping[str, str]
    entries: Mapping[str, tuple[LockEntry, ...]]
    conflicted: bool = False
