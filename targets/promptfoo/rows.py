"""Rows: those that a config lists, or a part of a dataset, each with the place that it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from llmops.compiler.derive.rows import Row, dataset_rows
from llmops.compiler.derive.splits import part
from llmops.compiler.emit.escapes import promptfoo_variable
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import At, Content, Source
from llmops.compiler.model.view import Node, View
from llmops.targets.promptfoo.providers import full_path
from llmops.targets.promptfoo.work import Work

TYPES = {"integer": int, "number": float}
"""What the cells of a CSV become where a column says so."""


@dataclass(frozen=True, slots=True)
class Case:
    """A row: its variables as a sourced tree, and the node that lists it, where one does."""

    vars: dict[str, Any]
    node: Node | None = None
    why: tuple[Source, ...] = ()
    """Why it is there: the split that was asked for, and of the last row why there are no more."""


def cases(work: Work, holder: Node, field: str) -> list[Case]:
    """What `rows` of an eval, or `examples` of a prompt, hold."""
    value = holder.value.get(field)
    if value is None:
        return []
    if isinstance(value, list):
        return [_listed(node) for node in holder.entries(field)]
    of = holder.node(field)
    dataset = holder.ref(field, "dataset")
    if of is None or dataset is None:
        return []
    return _of_dataset(work, of, dataset)


def _listed(node: Node, why: tuple[Source, ...] = ()) -> Case:
    return Case(node.tree("vars") or {}, node, why)


def _of_dataset(work: Work, of: Node, dataset: View[Any]) -> list[Case]:
    for kind in ("source", "derive"):
        if dataset.has(kind):
            work.error(
                of.at("dataset"), f"the rows of {dataset.address} stand in no file of the project",
                "promptfoo is given rows that are known when it is compiled", "copy the rows that count to a file",
            )
            return []
    listed = {node.at(): node for node in dataset.entries("rows")}
    rows = list(dataset_rows(dataset))
    most = dataset.maybe_integer("max_rows")
    if most is not None:
        rows = rows[: most.value]
    part_of: tuple[Source, ...] = ()
    """Why any of the rows is there."""
    last: tuple[Source, ...] = ()
    """Why there are no more of them."""
    split, count = of.maybe_text("split"), of.maybe_integer("count")
    if split is not None:
        chosen = part(dataset, rows, split.value)
        if chosen is None:
            work.error(of.at("split"), f"{dataset.address} has no rows of a split `{split.value}`",
                       "its `splits` name no such part", "add it to `splits`")
            return []
        part_of = (*split.sources, dataset.source("splits", split.value))
        rows = chosen
    if count is not None:
        rows, last = rows[: count.value], count.sources
    if not rows:
        work.error(of.at("dataset"), f"{dataset.address} gives no rows", "an eval without rows would be green")
    cases = [_case(work, of, dataset, row, listed.get(row.at)) for row in rows]
    made = [replace(case, why=merge(case.why, part_of)) for case in cases]
    if made and last:
        made[-1] = replace(made[-1], why=merge(made[-1].why, last))
    return made


def _case(work: Work, of: Node, dataset: View[Any], row: Row, node: Node | None) -> Case:
    if node is not None and row.file is None:
        return _meanings(dataset, _listed(node))
    columns = dataset.value.get("columns") or {}
    origin: tuple[Source, ...] = (At(dataset.project.env, row.at),)
    if row.file is not None:
        origin = (*origin, Content(full_path(work, row.file), row.line))
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
        return TYPES[kind](cell) if kind in TYPES else cell
    except ValueError:
        return cell


def variables(work: Work, case: Case) -> dict[str, Any]:
    """A row's variables as promptfoo is to read them: put in without being rendered."""
    return {str(name): value for name, value in work.tree(case.vars, promptfoo_variable(case.vars)).items()}


def holds_lists(found: list[Case]) -> bool:
    """Whether promptfoo would make several cases of a row, one for each item of a list."""
    return any(_is_list(value) for case in found for value in case.vars.values())


def _is_list(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, Sourced) and _is_list(value.value))


def described(work: Work, case: Case) -> Iterator[tuple[str, Any]]:
    for field in ("description", "metadata"):
        value = work.tree(case.node.tree(field)) if case.node is not None else None
        if value is not None:
            yield field, value
