"""axolotl: one config file of `axolotl train` a fine-tuning, and the lock file that installs it."""

from __future__ import annotations

from llmops.compiler.model.exports import Task, Trained
from llmops.compiler.model.target import Target
from llmops.targets.axolotl.exports import task, trained
from llmops.targets.axolotl.known import check
from llmops.targets.axolotl.lower import lower

TARGET = Target(
    name="axolotl",
    title="Axolotl",
    since="0.1",
    version="0.19",
    lower=lower,
    exports={Task: task, Trained: trained},
    check=check,
)
