"""TRL: one config file of `trl <command>` a fine-tuning, and the lock file that installs it."""

from __future__ import annotations

from llmops.compiler.model.exports import Task, Trained
from llmops.compiler.model.target import Target
from llmops.targets.trl.exports import task, trained
from llmops.targets.trl.known import check
from llmops.targets.trl.lower import lower

TARGET = Target(
    name="trl",
    title="TRL",
    since="0.1",
    version="1.16",
    lower=lower,
    exports={Task: task, Trained: trained},
    check=check,
)
