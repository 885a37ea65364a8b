"""SRV004: weights that are larger than the memory of the accelerators they are shared over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.hardware import accelerator, count, count_place, memory_bound, pool
from llmops.compiler.derive.memory import Budget, budget, gib
from llmops.compiler.derive.model import called
from llmops.compiler.derive.sizes import fewest, sources_note, unknown_figure
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT


def check(scope: Scope) -> Iterator[Finding]:
    for deployment in scope.reader.of(DEPLOYMENT):
        model = deployment.ref("model")
        if model is None or not memory_bound(scope.facts, deployment):
            continue
        machines = pool(scope.reader, deployment)
        if machines is None or machines.value.get("accelerator") == "cpu":
            continue
        found = budget(scope.reader, scope.facts, deployment, model)
        if found is None:
            yield Finding(
                f"whether `{called(model)}` fits is unknown", (Label(count_place(deployment), primary=True),),
                notes=(unknown_figure(scope.reader, scope.facts, deployment, model),), unknown=True,
            )
        elif found.weights + found.beside > found.usable:
            yield _finding(scope, deployment, model, found)


def _finding(scope: Scope, deployment: View[Any], model: View[Any], found: Budget) -> Finding:
    gpu = accelerator(scope.reader, scope.facts, deployment)
    name = "accelerator" if gpu is None else gpu.value.name
    have = count(deployment)
    more = fewest(scope.reader, deployment, found, lambda b: b.weights + b.beside <= b.usable)
    help_ = ["quantized weights (`weights.repo` of an AWQ or FP8 checkpoint) take a half or a quarter"]
    if more is not None:
        help_.insert(0, f"`hardware: {{count: {more}}}` fits" + ("" if have is None else f" (now {have.value})"))
    return Finding(
        f"the weights of `{model.address.name}` take {gib(found.weights)} of each {name}'s {gib(found.usable)}",
        (
            Label(count_place(deployment), f"{gib(found.memory)} each, of which {found.share:.2f} may be used",
                  primary=True),
            Label(model.at("weights", "repo"), _words(found)),
        ),
        notes=(
            f"{gib(found.weights)} weights + {gib(found.beside)} activations > {gib(found.usable)}",
            sources_note(found),
        ),
        help=tuple(help_),
    )


def _words(found: Budget) -> str:
    parameters = (found.dimensions.parameters or 0) / 1e9
    split = found.parallel.tensor * found.parallel.pipeline
    over = f" over {split}" if split > 1 else ""
    kind = found.dimensions.quantization or found.dimensions.dtype
    return f"{parameters:.2f} billion weights, {kind}{over}"


RULE = Rule(
    code=Code(
        code="SRV004",
        name="weights-do-not-fit",
        severity=Severity.ERROR,
        summary="A model's weights must fit the memory of the accelerators that share them.",
        why="The engine dies while it loads, minutes after the rollout began.",
        bad="model: answerer     # 70.6 billion weights of 2 bytes\nhardware: {pool: gpu, count: 1}     # 80 GB",
        good="model: answerer\nhardware: {pool: gpu, count: 4}",
    ),
    check=check,
)
