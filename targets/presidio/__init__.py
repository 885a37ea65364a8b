"""Presidio: an analyser and what becomes of its finds for each guardrail, and the lock file that installs it."""

from __future__ import annotations

from llmops.compiler.model.exports import Screen
from llmops.compiler.model.target import Target
from llmops.targets.presidio.exports import screen
from llmops.targets.presidio.known import check
from llmops.targets.presidio.lower import lower

TARGET = Target(
    name="presidio",
    title="Presidio",
    since="0.1",
    version="2.2.366",
    lower=lower,
    exports={Screen: screen},
    check=check,
)
