"""lm-evaluation-harness: published benchmarks, and tasks of one's own rows, with a gate on what they measured."""

from __future__ import annotations

from llmops.compiler.emit.escapes import jinja
from llmops.compiler.model.exports import Check
from llmops.compiler.model.target import Target
from llmops.targets.lm_eval import exports, known
from llmops.targets.lm_eval.lower import lower

TARGET = Target(
    name="lm-eval",
    title="lm-evaluation-harness",
    since="0.1",
    version="0.4.13",
    lower=lower,
    exports={Check: exports.check},
    escape=jinja,
    check=known.check,
)
