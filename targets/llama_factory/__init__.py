"""LLaMA-Factory: the files of `llamafactory-cli` for each fine-tuning, and the lock file that installs it."""

from __future__ import annotations

from llmops.compiler.model.exports import Task, Trained
from llmops.compiler.model.target import Target
from llmops.targets.llama_factory.exports import task, trained
from llmops.targets.llama_factory.known import check
from llmops.targets.llama_factory.lower import lower

TARGET = Target(
    name="llama-factory",
    title="LLaMA-Factory",
    since="0.1",
    version="0.9",
    lower=lower,
    exports={Task: task, Trained: trained},
    check=check,
)
