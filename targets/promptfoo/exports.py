"""How a job runs a suite."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.exports import Check
from llmops.compiler.model.sourced import literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.promptfoo.lower import blocks, gate_settings
from llmops.targets.promptfoo.subjects import services, variables


def check(lowering: Lowering, eval_: View[Any], near: str | None) -> Check | None:
    """`promptfoo eval`, whose exit code is the gate: 0 green, 100 red."""
    if eval_.address.kind != "eval" or eval_.text("runner").value != "promptfoo":
        return None
    folder = lowering.folder
    results = f"{eval_.address.name}.results.json"
    argv = [
        f"{lowering.shared_folder}/node_modules/.bin/promptfoo", "eval", "--config", f"{folder}/{eval_.address.name}.yaml",
        "--no-cache", "--no-progress-bar", "--output", results,
    ]
    return Check(
        argv=tuple(literal(word) for word in argv),
        install=(("npm", "ci", "--prefix", lowering.shared_folder, "--omit=optional", "--ignore-scripts",
                  "--no-audit", "--no-fund"),),
        tools=("node",),
        variables=tuple(variables(lowering, eval_)),
        settings=gate_settings(eval_),
        results=(results,),
        services=tuple(services(lowering, eval_)),
        blocks=blocks(eval_),
    )
