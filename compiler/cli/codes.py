"""Codes of the command line itself."""

from __future__ import annotations

from llmops.compiler.diagnostics.finding import Code, Severity

BUG002 = Code(
    code="BUG002",
    name="fault-of-llmops",
    severity=Severity.ERROR,
    summary="The compiler failed in a way that it should not.",
    why="A mistake in a config is always reported with its place; this is a mistake in llmops. Nothing was written.",
    bad="llmops: error[BUG002]: a fault of llmops, not of your configs",
    good="report it with the file that the message names: it holds no text of your configs",
)

CODES = (BUG002,)
"""All of them."""
