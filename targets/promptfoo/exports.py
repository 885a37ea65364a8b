"""How a job runs a suite."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.exports import Check
from llmops.compiler.model.sourced import literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.promptfoo.lower import blocks, gate_settings
from llmops.targets.promptfoo.subjects import services, subjects, variables


def check(lowering: Lowering, eval_: View[Any], near: str | None) -> Check | None:
    """`promptfoo eval`, whose exit code is the gate: 0 green, 100 red."""
    if eval_.address.kind != "eval" or eval_.text("runner").value != "promptfoo":
        return None
    folder = lowering.folder
    results = f"{eval_.address.name}.results.json"
    program = f"{lowering.shared_folder}/node_modules/.bin/promptfoo"
    suite = f"{folder}/{eval_.address.name}.yaml"
    argv = [program, "eval", "--config", suite, "--no-cache", "--no-progress-bar", "--output", results]
    # `eval` runs a file that its own schema refuses.
    prepare = [program, "validate", "--config", suite]
    prompts = (s.prompt.address.name for s in subjects(lowering, eval_) if s.prompt is not None)
    return Check(
        argv=tuple(literal(word) for word in argv),
        prepare=(tuple(literal(word) for word in prepare),),
        install=(("npm", "ci", "--prefix", lowering.shared_folder, "--omit=optional", "--ignore-scripts",
                  "--no-audit", "--no-fund"),),
        tools=("node",),
        variables=tuple(variables(lowering, eval_)),
        settings=gate_settings(eval_),
        results=(results,),
        services=tuple(services(lowering, eval_)),
        files=(suite, *(f"{folder}/prompts/{name}.json" for name in dict.fromkeys(prompts)),
               f"{lowering.shared_folder}/package-lock.json"),
        blocks=blocks(eval_),
    )
