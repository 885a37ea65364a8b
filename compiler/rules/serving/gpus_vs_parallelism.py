"""SRV005: a model split over more or fewer accelerators than a replica has."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.hardware import count, count_place, parallelism, pool
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT

WAYS = ("tensor", "pipeline", "data")


def check(scope: Scope) -> Iterator[Finding]:
    for deployment in scope.reader.of(DEPLOYMENT):
        if not deployment.has("model") or deployment.has("roles"):
            continue
        machines = pool(scope.reader, deployment)
        accelerator = None if machines is None else machines.maybe_text("accelerator")
        if accelerator is None or accelerator.value == "cpu":
            continue
        yield from _product(deployment)
        yield from _machine(scope, deployment)


def _product(deployment: View[Any]) -> Iterator[Finding]:
    have, parallel = count(deployment), parallelism(deployment)
    if have is None:
        return
    written = {way: n.value for way in WAYS if (n := deployment.maybe_integer("parallel", way)) is not None}
    words = " × ".join(f"{n} {way}" for way, n in written.items())
    if parallel is None:
        need = prod(written.values())
        message = f"{have.value} accelerators cannot be shared out over {words}"
    elif parallel.accelerators != have.value:
        need = parallel.accelerators
        message = f"`{deployment.address.name}` is split over {need} accelerators, a replica has {have.value}"
    else:
        return
    yield Finding(
        message,
        (
            Label(count_place(deployment), f"{have.value} for each replica", primary=True),
            *(Label(deployment.at("parallel", way), str(n)) for way, n in written.items()),
        ),
        notes=(f"{words} = {need}",) if len(written) > 1 else (),
        help=(f"`count: {need}`" if parallel is not None else f"`count:` a multiple of {need}",
              "or leave `tensor` out: it follows from `count`"),
    )


def _machine(scope: Scope, deployment: View[Any]) -> Iterator[Finding]:
    """More accelerators than a machine has, without a pipeline that could go over several."""
    machines, have = pool(scope.reader, deployment), count(deployment)
    each = None if machines is None else machines.maybe_integer("per_node")
    pipeline = deployment.maybe_integer("parallel", "pipeline")
    if machines is None or each is None or have is None or have.value <= each.value:
        return
    if pipeline is not None and pipeline.value > 1:
        return
    machines_needed = -(-have.value // each.value)
    yield Finding(
        f"a replica of `{deployment.address.name}` needs {have.value} accelerators, a machine has {each.value}",
        (
            Label(count_place(deployment), f"{have.value} in one machine", primary=True),
            Label(machines.at("per_node"), f"{each.value} in each of pool `{machines.name}`"),
        ),
        help=(f"`count: {each.value}`, or `parallel: {{pipeline: {machines_needed}}}` over several machines",),
    )


RULE = Rule(
    code=Code(
        code="SRV005",
        name="gpus-vs-parallelism",
        severity=Severity.ERROR,
        summary="A model is split over exactly the accelerators that a replica has, and they stand in one machine.",
        why="With too few the engine does not start, or waits for ever to be scheduled; with too many the rest is "
        "paid for and idle.",
        bad="hardware: {pool: gpu, count: 2}\nparallel: {tensor: 4}",
        good="hardware: {pool: gpu, count: 4}     # tensor follows",
    ),
    check=check,
)
