"""IDX004: chunks that share as much as they have."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.schemas.types import INDEX


def check(scope: Scope) -> Iterator[Finding]:
    for index in scope.reader.of(INDEX):
        size, overlap = index.maybe_integer("chunking", "size"), index.maybe_integer("chunking", "overlap")
        if size is None or overlap is None or overlap.value < size.value:
            continue
        yield Finding(
            f"chunks of `{index.address.name}` share {overlap.value}, and have {size.value}",
            (
                Label(index.at("chunking", "overlap"), "not less than the size", primary=True),
                Label(index.at("chunking", "size"), f"{size.value}"),
            ),
            help=(f"`overlap` may be {size.value - 1} at most, and is a small part of the size in most indexes",),
            found=str(overlap.value), expected=f"less than {size.value}",
        )


RULE = Rule(
    code=Code(
        code="IDX004",
        name="overlap-not-smaller",
        severity=Severity.ERROR,
        summary="The overlap of chunks must be smaller than their size.",
        why="Cutting never gets ahead: the splitter refuses, runs for ever, or leaves the index empty.",
        bad="chunking: {by: tokens, size: 200, overlap: 200}",
        good="chunking: {by: tokens, size: 200, overlap: 20}",
    ),
    check=check,
)
