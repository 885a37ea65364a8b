"""DAT006: a file of rows with a line that is no row."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.rows import Unreadable, local_files, read
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import Address
from llmops.schemas.types import DATASET


def check(scope: Scope) -> Iterator[Finding]:
    for dataset in scope.reader.of(DATASET):
        if not _read_as_rows(scope, dataset.address) and not dataset.has("columns"):
            continue
        for file in local_files(dataset):
            wrong = [row for row in read(dataset, file) if isinstance(row, Unreadable)]
            if wrong:
                more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
                yield Finding(
                    f"{file} cannot be read as rows",
                    (Label(dataset.at("files"), f"line {wrong[0].line}: {wrong[0].why}{more}", primary=True),),
                    help=("one JSON map a line in `.jsonl`, a list of maps in `.json`, a header in `.csv`",),
                )


def _read_as_rows(scope: Scope, dataset: Address) -> bool:
    """A dataset of documents may hold any JSON; one that an eval takes its rows from may not."""
    return any(edge.at[2:] == ("rows", "dataset") for edge in scope.reader.project.edges_to(dataset))


RULE = Rule(
    code=Code(
        code="DAT006",
        name="malformed-data",
        severity=Severity.ERROR,
        summary="Every line of a file of rows must be a row.",
        why="A row that cannot be read is a case that is never tried, or the run fails half-way.",
        bad='{"question": "May I return shoes?"     # line 3 of data/questions.jsonl: not closed',
        good='{"question": "May I return shoes?"}',
    ),
    check=check,
)
