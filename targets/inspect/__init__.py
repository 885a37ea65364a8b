"""Inspect AI: what an eval asks and its rows as data, and the script that runs and judges them."""

from __future__ import annotations

from llmops.compiler.model.exports import Check
from llmops.compiler.model.target import Target
from llmops.targets.inspect import exports, known
from llmops.targets.inspect.lower import lower

TARGET = Target(
    name="inspect",
    title="Inspect AI",
    since="0.1",
    version="0.3.285",
    lower=lower,
    exports={Check: exports.check},
    check=known.check,
)
