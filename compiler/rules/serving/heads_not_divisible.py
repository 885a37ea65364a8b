"""SRV002: a model whose attention heads cannot be shared out over the accelerators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.architecture import Dimensions, architecture
from llmops.compiler.derive.hardware import Parallelism, parallelism
from llmops.compiler.derive.model import called, source_note
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT


def check(scope: Scope) -> Iterator[Finding]:
    for deployment in scope.reader.of(DEPLOYMENT):
        model = deployment.ref("model")
        parallel = parallelism(deployment)
        if model is None or parallel is None or parallel.tensor == 1 or not deployment.has("engine"):
            continue
        found = architecture(scope.facts, model)
        at = _place(deployment, parallel)
        if found is None or found.value.heads is None:
            yield Finding(
                f"how many heads `{called(model)}` has is unknown", (Label(at, primary=True),),
                help=("say it on the model: `facts: {architecture: {heads: 40, kv_heads: 8}}`",), unknown=True,
            )
            continue
        problem = _problem(found.value, parallel.tensor)
        if problem is None:
            continue
        message, severity, help_ = problem
        yield Finding(
            f"`{model.address.name}` {message}",
            (
                Label(at, f"{parallel.tensor} accelerators share each layer", primary=True),
                Label(_weights(model), _heads(found.value)),
            ),
            notes=(f"{called(model)}: {_heads(found.value)} {source_note(found)}",), help=(help_,), severity=severity,
        )


def _weights(model: View[Any]) -> KeyPath:
    """Where the weights are named: a repository, or the fine-tuning that makes them."""
    return model.at("weights", "repo") if model.has("weights", "repo") else model.at("weights")


def _problem(dimensions: Dimensions, tensor: int) -> tuple[str, Severity, str] | None:
    heads, kv_heads = dimensions.heads or 0, dimensions.kv_heads
    fits = [str(n) for n in range(1, min(heads, 64) + 1) if dimensions.shareable(n)]
    allowed = f"share each layer over {', '.join(fits[:8])}{' …' if len(fits) > 8 else ''}"
    if heads % tensor:
        return f"has {heads} heads, which {tensor} accelerators cannot share", Severity.ERROR, allowed
    if dimensions.latent or kv_heads is None:
        return None
    if kv_heads % tensor and tensor % kv_heads:
        return f"has {kv_heads} KV heads, which {tensor} accelerators cannot share", Severity.ERROR, allowed
    if kv_heads < tensor:
        copies = tensor // kv_heads
        return (
            f"keeps each KV head {copies} times on {tensor} accelerators", Severity.WARNING,
            f"share each layer over {kv_heads} and run copies: `parallel: {{tensor: {kv_heads}, data: {copies}}}`",
        )
    return None


def _heads(dimensions: Dimensions) -> str:
    if dimensions.latent or dimensions.kv_heads is None:
        return f"{dimensions.heads} heads"
    return f"{dimensions.heads} heads, {dimensions.kv_heads} of them for keys and values"


def _place(deployment: View[Any], parallel: Parallelism) -> KeyPath:
    return deployment.at("hardware", "count") if parallel.derived else deployment.at("parallel", "tensor")


RULE = Rule(
    code=Code(
        code="SRV002",
        name="heads-not-divisible",
        severity=Severity.ERROR,
        summary="Attention heads must come out even over the accelerators, and so must KV heads or copies of them.",
        why="The engine refuses to start. With fewer KV heads than accelerators it starts, and keeps the same cache "
        "several times (a warning).",
        bad="model: answerer                       # Qwen/Qwen2.5-7B has 28 heads\nhardware: {pool: gpu, count: 8}",
        good="model: answerer\nhardware: {pool: gpu, count: 4}",
    ),
    check=check,
)
