"""Codes of the command line itself."""

from __future__ import annotations

from llmops.compiler.diagnostics.finding import Code, Severity

BUG001 = Code(
    code="BUG001",
    name="fault-of-llmops",
    severity=Severity.ERROR,
    summary="The compiler failed in a way that it should not.",
    why="A mistake in a config is always reported with its place; this is a mistake in llmops. Nothing was written.",
    bad="llmops: error[BUG001]: a fault of llmops, not of your configs",
    good="report it with the file that the message names: it holds no text of your configs",
)

CODES = (BUG001,)
"""All of them."""
