"""The rows of evals and datasets, and the columns that they have."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.project import Project
from llmops.compiler.model.request import TooLarge
from llmops.compiler.model.view import View

MAX_ROWS = 100_000
"""Of one file."""
MAX_LINE = 4 << 20
"""Characters of one row in a `.jsonl`; a `.json`, which is read as a whole, may have four times that."""


@dataclass(frozen=True, slots=True)
class Row:
    """The variables of a row. `at` is the row, or the reference to the dataset; a line of a `file` counts from 1."""

    vars: Mapping[str, Any]
    at: KeyPath
    file: str | None = None
    line: int = 0
    asserts: bool = False

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.file else ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no row."""

    file: str
    line: int
    why: str


def meanings(dataset: View[Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """A row's columns, also under the names that say what they mean (`fields` of the dataset)."""
    named = {
        meaning: found[column] for meaning, column in (dataset.value.get("fields") or {}).items() if column in found
    }
    return {**named, **found}


def dataset_of(eval_: View[Any]) -> View[Any] | None:
    return eval_.ref("rows", "dataset") if isinstance(eval_.value.get("rows"), dict) else None


def dataset_rows(dataset: View[Any]) -> Iterator[Row]:
    """The rows that stand in the config or in local files; lines that are no rows are left out."""
    yield from inline(dataset)
    for file in local_files(dataset):
        for row in read(dataset, file):
            if isinstance(row, Row):
                yield row


def local_files(dataset: View[Any]) -> Iterator[str]:
    """The files of rows that the patterns match."""
    written = dataset.get("files")
    if written is None:
        return
    project = dataset.project
    for pattern in written.value if isinstance(written.value, list) else [written.value]:
        for path in project.globs.get(pattern, (pattern,)):
            if tabular(path) and _is_there(project, path):
                yield path


def _is_there(project: Project, path: str) -> bool:
    try:
        return project.texts.get(path) is not None
    except TooLarge:
        return True


def tabular(file: str) -> bool:
    """Whether a file holds rows that can be read here."""
    return file.endswith((".jsonl", ".csv", ".json"))


def read(dataset: View[Any], file: str) -> Iterator[Row | Unreadable]:
    """The rows of a file, by its extension; none for a file that is no table."""
    try:
        data = dataset.project.texts.get(file)
    except TooLarge as error:
        yield Unreadable(file, 1, f"{error.size:,} bytes, and {error.limit:,} may be read")
        return
    if data is None:
        return
    text = data.decode("utf-8-sig", errors="replace")
    at = dataset.at("files")
    parts = {"jsonl": _lines, "json": _document, "csv": _table}
    reader = parts.get(file.rpartition(".")[2])
    for number, row in enumerate(reader(text, file, at) if reader else ()):
        if number == MAX_ROWS:
            yield Unreadable(file, row.line, f"a file may have {MAX_ROWS:,} rows")
            return
        yield row


def _lines(text: str, file: str, at: KeyPath) -> Iterator[Row | Unreadable]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE:
            yield Unreadable(file, number, f"a row may have {MAX_LINE:,} characters")
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            yield Unreadable(file, number, "the line is no JSON")
            continue
        yield _row(value, file, number, at)


def _document(text: str, file: str, at: KeyPath) -> Iterator[Row | Unreadable]:
    if len(text) > 4 * MAX_LINE:
        yield Unreadable(file, 1, f"the file may have {4 * MAX_LINE:,} characters")
        return
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield Unreadable(file, getattr(error, "lineno", 1), "the file is no JSON")
        return
    if not isinstance(values, list):
        yield Unreadable(file, 1, "the file holds no list of rows")
        return
    for value in values:
        yield _row(value, file, 0, at)


def _table(text: str, file: str, at: KeyPath) -> Iterator[Row | Unreadable]:
    reader = csv.reader(io.StringIO(text))
    try:
        header = next(reader, None)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header or ()):
                why = f"the line has {len(cells)} cells, the header {len(header or ())}"
                yield Unreadable(file, reader.line_num, why)
                continue
            yield Row(dict(zip(header or (), cells, strict=True)), at, file, reader.line_num)
    except csv.Error:
        yield Unreadable(file, reader.line_num, "the line is no CSV")


def _row(value: Any, file: str, line: int, at: KeyPath) -> Row | Unreadable:
    if not isinstance(value, dict):
        return Unreadable(file, line, "the row is no map of columns")
    return Row(value, at, file, line)


def inline(holder: View[Any]) -> Iterator[Row]:
    """The rows that stand in the config of an eval or a dataset."""
    for node in holder.entries("rows"):
        asserts = node.value.get("assert")
        yield Row(node.value.get("vars") or {}, node.at(), asserts=bool(asserts))


def columns(dataset: View[Any]) -> frozenset[str] | None:
    """The columns that its rows have: as declared, else those that every row has; None where no row can be seen."""
    declared = dataset.value.get("columns")
    if declared:
        for name in declared:
            dataset.has("columns", name)
        return frozenset(declared)
    return found_columns(dataset)


def found_columns(dataset: View[Any]) -> frozenset[str] | None:
    """The columns that some row has, as far as rows can be seen."""
    found: set[str] = set()
    seen = False
    for row in dataset_rows(dataset):
        seen = True
        found.update(row.vars)
    return frozenset(found) if seen else None
