"""DVC: one pipeline an environment, whose stages make datasets, and what is built from them."""

from __future__ import annotations

from llmops.compiler.model.exports import Task
from llmops.compiler.model.target import Target
from llmops.targets.dvc import exports, known
from llmops.targets.dvc.lower import lower
from llmops.targets.dvc.work import template

TARGET = Target(
    name="dvc",
    title="DVC",
    since="0.1",
    version="3.67",
    lower=lower,
    exports={Task: exports.task},
    escape=template,
    check=known.check,
)
