"""How a job makes rows of what people have answered."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.exports import Task
from llmops.compiler.model.sourced import literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.label_studio.lower import PLAN, SCRIPT, ours, output, saved


def task(lowering: Lowering, dataset: View[Any], near: str | None) -> Task | None:
    if dataset.address.kind != "dataset" or not ours(lowering, dataset):
        return None
    script, plan = f"{lowering.shared_folder}/{SCRIPT}", f"{lowering.folder}/{dataset.address.name}{PLAN}"
    return Task(
        argv=(literal("python"), literal(script), literal(plan)),
        tools=("python",),
        results=(literal(output(lowering, dataset)),),
        files=(script, plan, saved(lowering, dataset)),
    )
