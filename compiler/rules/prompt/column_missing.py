"""PRM004: a column that is named, and that the dataset does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.rows import columns, dataset_of, found_columns
from llmops.compiler.diagnostics.suggest import listed, nearest
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import DATASET, EVAL


def check(scope: Scope) -> Iterator[Finding]:
    for dataset in scope.reader.of(DATASET):
        yield from _dataset(dataset)
    for eval_ in scope.reader.of(EVAL):
        source = dataset_of(eval_)
        known = None if source is None else columns(source)
        if source is None:
            continue
        for at, column in _named(eval_):
            yield from _judge(source, known, at, column)


def _dataset(dataset: View[Any]) -> Iterator[Finding]:
    """What a dataset says of its own columns, against its files and against itself."""
    real = found_columns(dataset)
    for column in dataset.value.get("columns") or {}:
        if real is not None and column not in real:
            yield _finding(dataset, real, dataset.at("columns", column), column, key_only=True)
    known = columns(dataset)
    if known is None:
        return
    for meaning in dataset.value.get("fields") or {}:
        column = dataset.text("fields", meaning).value
        if column not in known:
            yield _finding(dataset, known, dataset.at("fields", meaning), column)
    for column in dataset.value.get("acl") or {}:
        dataset.has("acl", column)
        if column not in known:
            yield _finding(dataset, known, dataset.at("acl", column), column, key_only=True)


def _named(eval_: View[Any]) -> Iterator[tuple[KeyPath, str]]:
    """The columns that an eval names: in its slices, and in what it asserts of each row."""
    for index, _ in enumerate(eval_.value.get("slices") or ()):
        column = eval_.maybe_text("slices", index)
        if column is not None:
            yield eval_.at("slices", index), column.value
    for metric in eval_.entries("metrics"):
        yield from _of_assertion(metric)


def _of_assertion(assertion: Node) -> Iterator[tuple[KeyPath, str]]:
    column = assertion.maybe_text("column")
    if column is not None:
        yield assertion.at("column"), column.value
    for meaning in assertion.value.get("columns") or {}:
        named = assertion.maybe_text("columns", meaning)
        if named is not None:
            yield assertion.at("columns", meaning), named.value


def _judge(dataset: View[Any], known: frozenset[str] | None, at: KeyPath, column: str) -> Iterator[Finding]:
    if known is None:
        yield Finding(
            f"whether `{dataset.address.name}` has the column `{column}` is unknown", (Label(at, primary=True),),
            unknown=True,
        )
    elif column not in known:
        yield _finding(dataset, known, at, column)


def _finding(
    dataset: View[Any], known: frozenset[str], at: KeyPath, column: str, key_only: bool = False
) -> Finding:
    close = nearest(column, known)
    return Finding(
        f"`{dataset.address.name}` has no column `{column}`",
        (Label(at, f"did you mean `{close[0]}`?" if close else "", primary=True, key_only=key_only),),
        notes=(f"columns there: {listed(known)}",),
        help=("name a column of its rows" + (", or add it to `columns`" if dataset.has("columns") else ""),),
        found=column, expected=close[0] if close else None,
    )


RULE = Rule(
    code=Code(
        code="PRM004",
        name="column-missing",
        severity=Severity.ERROR,
        summary="A column that an eval or a dataset names must be there, in the header of local files too.",
        why="The assertion compares with nothing, and a comparison with nothing often holds.",
        bad="metrics: {recall: {type: context-recall, column: pasage, threshold: 0.9}}",
        good="metrics: {recall: {type: context-recall, column: passage, threshold: 0.9}}",
    ),
    check=check,
)
