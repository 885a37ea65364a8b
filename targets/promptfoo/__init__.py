"""promptfoo: one suite an eval, its prompts beside it, and the lock file that installs the runner."""

from __future__ import annotations

from llmops.compiler.model.exports import Check
from llmops.compiler.model.target import Target
from llmops.targets.promptfoo import exports, known
from llmops.targets.promptfoo.escapes import rendered
from llmops.targets.promptfoo.lower import lower

TARGET = Target(
    name="promptfoo",
    title="promptfoo",
    since="0.1",
    version="0.123",
    lower=lower,
    exports={Check: exports.check},
    escape=rendered,
    check=known.check,
)
