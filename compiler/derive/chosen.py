"""The rows that an eval tries: its own, or the part of a dataset that it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from llmops.compiler.derive.rows import Row, dataset_of, dataset_rows, inline, meanings
from llmops.compiler.derive.splits import part
from llmops.compiler.model.view import View


def eval_rows(eval_: View[Any]) -> Iterator[Row]:
    """Nothing where they cannot be seen here, or where there is no such split. A row of a file stands at the reference
    to its dataset."""
    if isinstance(eval_.value.get("rows"), list):
        yield from inline(eval_)
        return
    dataset = dataset_of(eval_)
    if dataset is None:
        return
    rows = list(dataset_rows(dataset))
    most = dataset.maybe_integer("max_rows")
    if most is not None:
        rows = rows[: most.value]
    split, count = eval_.maybe_text("rows", "split"), eval_.maybe_integer("rows", "count")
    if split is not None:
        rows = part(dataset, rows, split.value) or []
    for row in rows if count is None else rows[: count.value]:
        named = replace(row, vars=meanings(dataset, row.vars))
        yield replace(named, at=eval_.at("rows", "dataset")) if row.file else named
