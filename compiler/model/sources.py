"""Places in files, and who wrote a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from llmops.compiler.model.keys import KeyPath


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a text file. Lines and columns count from 1, columns in code points; the end is exclusive.

    `file` is relative to the repository, with `/`. A command-line override has the file name `<override N>` (N from 1)
    and line 1: its text is a source like any other.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was read: once, by `Files`."""

    path: str
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", errors="replace")

    def line(self, number: int) -> str:
        """Line `number` (from 1) without its end; empty past the end of the file."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


Sources = Mapping[str, SourceFile]
"""By path. Also holds overrides, under their `<override N>` names, and llmops.yaml."""


@dataclass(frozen=True, slots=True)
class FromFile:
    """Written in a config file; `layer` says what kind of file: `resource`, `profile` or `config`."""

    span: Span
    key: Span | None = None
    layer: str = "resource"


@dataclass(frozen=True, slots=True)
class FromOverride:
    """Written on the command line, or in an environment's list in llmops.yaml; `span` points at it."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class FromDefault:
    """Filled in by a kind's schema; `pointer` is the JSON pointer of the `default` below the schema's root."""

    schema: str
    pointer: str


@dataclass(frozen=True, slots=True)
class FromFact:
    """Brought by the catalogue, such as the secret of a provider."""

    fact: str
    source: str
    as_of: str


Origin = FromFile | FromOverride | FromDefault | FromFact


@dataclass(frozen=True, slots=True)
class Write:
    """One writer of a value, and what it wrote (plain data; a map or list where it wrote one whole)."""

    origin: Origin
    value: Any


class At(NamedTuple):
    """A place in one environment's composed config: what a compiled value was read from.

    Of a map or a list it means the key alone (a resource's name), with `whole` everything below it. `by` is the
    reference by which the reader came to the resource: with another name there, something else would be read.
    """

    env: str
    path: KeyPath
    whole: bool = False
    by: KeyPath = ()


class Fact(NamedTuple):
    """A row of the catalogue that a compiled value was taken from."""

    fact: str
    source: str
    as_of: str


class Content(NamedTuple):
    """A file of the project that a compiled value was taken from; `line` from 1, 0 for the whole file."""

    file: str
    line: int = 0


Source = At | Fact | Content
