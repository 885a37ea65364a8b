"""Codes of the command line itself."""

from __future__ import annotations

from llmops.compiler.model.finding import Code, Severity

BUG002 = Code(
    code="BUG002",
    name="fault-of-llmops",
    severity=Severity.ERROR,
    summary="The compiler failed in a way that it should not.",
    why="A mistake in a config is always reported with its place; this is a mistake in llmops. Nothing was written.",
    bad="llmops: error[BUG002]: a fault of llmops, not of your configs",
    good="report it with the file that the message names: it holds no text of your configs",
)

BUG003 = Code(
    code="BUG003",
    name="exhausted",
    severity=Severity.ERROR,
    summary="The run needs more memory, or deeper nesting, than there is.",
    why="Every input has a limit with a code of its own; together, or in a way that no limit foresaw, they can still "
    "be too much for this machine. Nothing was written.",
    bad="a thousand environments of a thousand resources each, on a machine with 512 MiB",
    good="compile fewer environments at once: llmops compile --env prod",
)

CODES = (BUG002, BUG003)
"""All of them."""
