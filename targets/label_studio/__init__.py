"""Label Studio: what people are asked about the rows of a dataset, the tasks, and the rows that their answers make."""

from __future__ import annotations

from llmops.compiler.model.exports import Task
from llmops.compiler.model.target import Target
from llmops.targets.label_studio import exports, known
from llmops.targets.label_studio.lower import lower

TARGET = Target(
    name="label-studio",
    title="Label Studio",
    since="0.1",
    version="2",
    lower=lower,
    exports={Task: exports.task},
    check=known.check,
)
