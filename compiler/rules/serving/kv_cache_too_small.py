"""SRV003: a cache in which not even one request of the promised length has room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.hardware import accelerator, count_place, memory_bound
from llmops.compiler.derive.memory import Budget, budget, dtype_bytes, gib
from llmops.compiler.derive.model import called, context_tokens
from llmops.compiler.derive.sizes import fewest, sources_note
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT

ROUND = 1024
"""Lengths are suggested in whole multiples of it."""


def check(scope: Scope) -> Iterator[Finding]:
    for deployment in scope.reader.of(DEPLOYMENT):
        model = deployment.ref("model")
        if model is None or not memory_bound(scope.facts, deployment):
            continue
        found = budget(scope.reader, scope.facts, deployment, model)
        if found is None or found.left <= 0:
            continue
        length = deployment.maybe_integer("max_model_len") or context_tokens(scope.facts, model)
        needed = None if length is None else found.cache(length.value)
        if length is None or needed is None:
            yield Finding(
                f"how much cache `{called(model)}` needs is unknown",
                (Label(count_place(deployment), primary=True),), unknown=True,
            )
        elif needed > found.left:
            yield _finding(scope, deployment, model, found, length, needed)


def _finding(
    scope: Scope, deployment: View[Any], model: View[Any], found: Budget, length: Sourced[int], needed: int
) -> Finding:
    gpu = accelerator(scope.reader, scope.facts, deployment)
    name = "accelerator" if gpu is None else gpu.value.name
    total = found.weights + needed + found.beside
    hardware = Label(
        count_place(deployment), f"{name}: {gib(found.memory)} each, of which {found.share:.2f} may be used",
        primary=True,
    )
    cache = f"{gib(needed)} is the KV cache of one such request"
    if deployment.has("max_model_len"):
        labels = (hardware, Label(deployment.at("max_model_len"), cache))
    else:
        labels = (hardware, Label(deployment.at("model"), f"{length.value} tokens, its whole context: {cache}"))
    return Finding(
        f"`{deployment.address.name}` does not fit: {gib(total)} needed on each {name}, {gib(found.usable)} usable",
        labels,
        notes=(
            f"{gib(found.weights)} weights + {gib(needed)} KV cache + {gib(found.beside)} activations "
            f"= {gib(total)}",
            sources_note(found),
        ),
        help=tuple(_help(scope, deployment, found, length.value)),
    )


def _help(scope: Scope, deployment: View[Any], found: Budget, length: int) -> Iterator[str]:
    fits = found.tokens() or 0
    if fits >= 16:
        yield f"`max_model_len: {fits // ROUND * ROUND if fits >= ROUND else fits}` fits"
    half = found.cache(length, dtype_bytes("fp8"))
    if found.cache_bytes > 1 and half is not None and half <= found.left:
        yield f"`kv_cache_dtype: fp8` fits: {gib(half)} of cache"
    more = fewest(scope.reader, deployment, found, lambda b: (b.cache(length) or 0) <= b.left)
    if more is not None:
        yield f"`hardware: {{count: {more}}}` fits"


RULE = Rule(
    code=Code(
        code="SRV003",
        name="kv-cache-too-small",
        severity=Severity.ERROR,
        summary="Beside the weights there must be room for the cache of one request of full length.",
        why="The engine loads the weights, counts its memory, and refuses to start: minutes into the rollout, on the "
        "dearest hardware.",
        bad="model: answerer                       # Qwen/Qwen3-14B\nhardware: {pool: gpu, count: 1}     # L40S\n"
        "max_model_len: 131072",
        good="model: answerer\nhardware: {pool: gpu, count: 2}\nmax_model_len: 16384",
    ),
    check=check,
)
