"""PRM003: a row of an eval that leaves a variable of the prompt empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.chosen import eval_rows
from llmops.compiler.derive.prompt import variables
from llmops.compiler.derive.rows import Row, columns, dataset_of
from llmops.compiler.diagnostics.suggest import listed, nearest
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import EVAL


def check(scope: Scope) -> Iterator[Finding]:
    for eval_ in scope.reader.of(EVAL):
        seen: set[str] = set()
        for subject in _subjects(eval_):
            prompt = subject.ref("prompt") if "prompt" in subject.value else None
            if prompt is None or prompt.address.name in seen:
                continue
            seen.add(prompt.address.name)
            required = [name for name, needed in variables(prompt).items() if needed]
            yield from _rows(eval_, prompt, required)


def _subjects(eval_: View[Any]) -> Iterator[Node]:
    single = eval_.node("subject")
    if single is not None:
        yield single
    yield from eval_.entries("subjects")


def _rows(eval_: View[Any], prompt: View[Any], required: list[str]) -> Iterator[Finding]:
    rows = list(eval_rows(eval_))
    if not rows:
        yield from _unseen(eval_, prompt, required)
        return
    for name in required:
        missing = [row for row in rows if name not in row.vars]
        if missing:
            yield _finding(prompt, name, missing, len(rows))


def _unseen(eval_: View[Any], prompt: View[Any], required: list[str]) -> Iterator[Finding]:
    """Rows that cannot be seen here: the dataset's declared columns stand for them."""
    dataset = dataset_of(eval_)
    if dataset is None:
        return
    known = columns(dataset)
    if known is None:
        if required:
            yield Finding(
                f"which columns `{dataset.address.name}` has is unknown",
                (Label(eval_.at("rows", "dataset"), primary=True),),
                help=("say it on the dataset: `columns: {question: string}`",), unknown=True,
            )
        return
    for name in required:
        if name not in known:
            close = nearest(name, known)
            yield Finding(
                f"no column of `{dataset.address.name}` fills `{name}` of prompt `{prompt.address.name}`",
                (
                    Label(eval_.at("rows", "dataset"), f"did you mean `{close[0]}`?" if close else "", primary=True),
                    Label(prompt.at("variables", name), "must be given", key_only=True),
                ),
                notes=(f"columns there: {listed(known)}",), help=(_optional(name),), found=name,
            )


def _finding(prompt: View[Any], name: str, missing: list[Row], rows: int) -> Finding:
    first = missing[0]
    close = nearest(name, first.vars)
    notes = [f"{len(missing)} of {rows} rows leave it empty"] if rows > 1 else []
    if first.file:
        notes.append(f"first at {first.where}" if first.line else f"first in {first.file}")
    if first.file or "vars" not in str(first.at[-1]):
        notes.append(f"that row has: {listed(first.vars) or 'nothing'}")
    return Finding(
        f"a row does not fill `{name}` of prompt `{prompt.address.name}`",
        (
            Label(first.at, f"did you mean `{close[0]}`?" if close else f"no `{name}` here", primary=True),
            Label(prompt.at("variables", name), "must be given", key_only=True),
        ),
        notes=tuple(notes), help=(_optional(name),), found=name, expected=name,
    )


def _optional(name: str) -> str:
    return f"give `{name}` in each row, or say that it may be left out: `{name}: {{type: string, optional: true}}`"


RULE = Rule(
    code=Code(
        code="PRM003",
        name="unbound-variable",
        severity=Severity.ERROR,
        summary="Each row of an eval fills every variable that its prompt requires.",
        why="The runner renders the prompt with a hole in it, and judges the answer to a question that nobody asked.",
        bad="rows:\n  - vars: {query: \"May I return shoes?\"}     # the prompt's variable is `question`",
        good="rows:\n  - vars: {question: \"May I return shoes?\"}",
    ),
    check=check,
)
