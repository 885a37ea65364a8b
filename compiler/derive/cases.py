"""The cases of an eval, or the worked ones of a prompt: rows that a config lists, or a part of a dataset.

Each comes with the place that it was read from; what hinders is a finding, since an eval without its rows is green.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from llmops.compiler.derive.rows import Row, dataset_rows
from llmops.compiler.derive.splits import part
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Content, Source
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, View

_CELLS = {"integer": int, "number": float}
"""What the cells of a CSV become where a column says so."""


@dataclass(frozen=True, slots=True)
class Case:
    """A row: its variables as a sourced tree, and the node that lists it, where one does."""

    vars: dict[str, Any]
    node: Node | None = None
    why: tuple[Source, ...] = ()
    """Why it is there: the split that was asked for, and of the last row why there are no more."""


def problem(at: KeyPath, message: str, label: str = "", cure: str = "") -> Finding:
    """What cannot be left out without changing what is tested."""
    labels = (Label(at, label, primary=True),)
    return Finding(message, labels, help=(cure,) if cure else (), severity=Severity.ERROR)


def cases(lowering: Lowering, holder: Node, field: str) -> tuple[list[Case], list[Finding]]:
    """What `rows` of an eval, or `examples` of a prompt, hold."""
    value = holder.value.get(field)
    if isinstance(value, list):
        return [_listed(node) for node in holder.entries(field)], []
    of = holder.node(field) if value is not None else None
    dataset = holder.ref(field, "dataset") if of is not None else None
    return ([], []) if of is None or dataset is None else _of_dataset(lowering, of, dataset)


def _listed(node: Node, why: tuple[Source, ...] = ()) -> Case:
    return Case(node.tree("vars") or {}, node, why)


def _of_dataset(lowering: Lowering, of: Node, dataset: View[Any]) -> tuple[list[Case], list[Finding]]:
    for kind in ("source", "derive"):
        if dataset.has(kind):
            return [], [problem(
                of.at("dataset"), f"the rows of {dataset.address} stand in no file of the project",
                "rows must be known when the project is compiled", "copy the rows that count to a file",
            )]
    listed = {node.at(): node for node in dataset.entries("rows")}
    rows = list(dataset_rows(dataset))
    most = dataset.maybe_integer("max_rows")
    if most is not None:
        rows = rows[: most.value]
    part_of: tuple[Source, ...] = ()
    last: tuple[Source, ...] = ()
    split, count = of.maybe_text("split"), of.maybe_integer("count")
    if split is not None:
        chosen = part(dataset, rows, split.value)
        if chosen is None:
            return [], [problem(of.at("split"), f"{dataset.address} has no rows of a split `{split.value}`",
                                "its `splits` name no such part", "add it to `splits`")]
        part_of = (*split.sources, dataset.source("splits", split.value))
        rows = chosen
    if count is not None:
        rows, last = rows[: count.value], count.sources
    made = [replace(case, why=merge(case.why, part_of)) for row in rows
            if (case := _case(lowering, dataset, row, listed.get(row.at)))]
    if made and last:
        made[-1] = replace(made[-1], why=merge(made[-1].why, last))
    if made:
        return made, []
    return [], [problem(of.at("dataset"), f"{dataset.address} gives no rows", "an eval without rows would be green")]


def _case(lowering: Lowering, dataset: View[Any], row: Row, node: Node | None) -> Case:
    if node is not None and row.file is None:
        return _meanings(dataset, _listed(node))
    columns = dataset.value.get("columns") or {}
    origin: tuple[Source, ...] = (dataset.origin(row.at),)
    if row.file is not None:
        origin = (*origin, Content(in_repository(lowering, row.file), row.line))
    cells = row.file is not None and row.file.endswith(".csv")
    read = {
        str(name): Sourced(_typed(value, columns.get(name)) if cells else value, origin)
        for name, value in row.vars.items()
    }
    return _meanings(dataset, Case(read))


def _meanings(dataset: View[Any], case: Case) -> Case:
    """Columns also under the names that say what they mean."""
    made = dict(case.vars)
    for meaning in dataset.value.get("fields") or {}:
        column = dataset.text("fields", meaning)
        if column.value in case.vars and meaning not in case.vars:
            value = case.vars[column.value]
            made[meaning] = value.because(column) if isinstance(value, Sourced) else Sourced(value, column.sources)
    return Case(made, case.node, case.why)


def _typed(cell: Any, kind: Any) -> Any:
    if kind == "boolean" and str(cell).lower() in ("true", "false"):
        return str(cell).lower() == "true"
    try:
        return _CELLS[kind](cell) if kind in _CELLS else cell
    except ValueError:
        return cell


def in_repository(lowering: Lowering, path: str) -> str:
    """A path of the project, from the repository's root."""
    return path if lowering.root == "." else f"{lowering.root}/{path}"


def asserted(case: Case) -> Iterator[Node]:
    """What is asserted of this row alone."""
    if case.node is not None:
        yield from case.node.entries("assert")


__all__ = ["Case", "asserted", "cases", "in_repository", "problem"]
