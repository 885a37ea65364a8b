"""GuideLLM: load tests of models as its scenarios, and the script that runs and judges them."""

from __future__ import annotations

from llmops.compiler.model.exports import Check
from llmops.compiler.model.target import Target
from llmops.targets.guidellm import exports, known
from llmops.targets.guidellm.lower import lower

TARGET = Target(
    name="guidellm",
    title="GuideLLM",
    since="0.1",
    version="0.8.1",
    lower=lower,
    exports={Check: exports.check},
    check=known.check,
)
