"""What a replica runs on, and how the model is split over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmops.compiler.facts import EngineFacts, Facts, Gpu
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Fact, Source
from llmops.compiler.model.view import Node, Reader, View

UTILISATION = "gpu-memory-utilization"
"""An engine with this option keeps weights and cache in the accelerator's memory, and refuses to start otherwise."""


@dataclass(frozen=True, slots=True)
class Parallelism:
    """How many accelerators share each layer (`tensor`), the layers (`pipeline`), and how many copies there are."""

    tensor: int
    pipeline: int
    data: int
    sources: tuple[Source, ...]
    derived: bool
    """Whether `tensor` follows from the number of accelerators."""

    @property
    def accelerators(self) -> int:
        return self.tensor * self.pipeline * self.data


def pool(reader: Reader, deployment: View[Any]) -> Node | None:
    """The pool of the environment that the deployment names; None without one, or where the name is unknown."""
    name = deployment.maybe_text("hardware", "pool")
    return None if name is None else reader.environment.node("pools", name.value)


def accelerator(reader: Reader, facts: Facts, deployment: View[Any]) -> Sourced[Gpu] | None:
    """The accelerator of its pool; None where it has none, or the catalogue does not know it."""
    machines = pool(reader, deployment)
    name = None if machines is None else machines.maybe_text("accelerator")
    if name is None or name.value == "cpu":
        return None
    gpu = facts.gpu(name.value)
    return None if gpu is None else Sourced(gpu, (Fact(gpu.fact, gpu.source, gpu.as_of), *name.sources), raw=True)


def count(deployment: View[Any]) -> Sourced[int] | None:
    """How many accelerators a replica gets: one if it does not say; None without a pool."""
    if not deployment.has("hardware", "pool"):
        return None
    written = deployment.maybe_integer("hardware", "count")
    return written or Sourced(1, (deployment.source("hardware", "pool"),), raw=True)


def count_place(deployment: View[Any]) -> KeyPath:
    """Where a deployment says how many accelerators a replica gets, or at least of which pool."""
    return deployment.at("hardware", "count" if deployment.has("hardware", "count") else "pool")


def parallelism(deployment: View[Any]) -> Parallelism | None:
    """As written; `tensor` follows from the accelerators of a replica. None where that does not come out even."""
    pipeline = deployment.maybe_integer("parallel", "pipeline")
    data = deployment.maybe_integer("parallel", "data")
    tensor = deployment.maybe_integer("parallel", "tensor")
    have = count(deployment)
    written = [part for part in (pipeline, data, tensor) if part is not None]
    groups = (pipeline.value if pipeline else 1) * (data.value if data else 1)
    derived = tensor is None
    if tensor is None:
        if have is None or have.value % groups:
            return None
        tensor = have.map(lambda n: n // groups)
        written.append(tensor)
    return Parallelism(
        tensor.value, pipeline.value if pipeline else 1, data.value if data else 1,
        merge(*(part.sources for part in written)), derived,
    )


def engine(facts: Facts, deployment: View[Any]) -> EngineFacts | None:
    """The options of its engine in the version that it asks for, else in the newest that is known."""
    name = deployment.maybe_text("engine")
    if name is None:
        return None
    version = deployment.maybe_text("version")
    known = facts.engine_versions(name.value)
    if version is None:
        return facts.engine(name.value, known[-1]) if known else None
    return facts.engine(name.value, version.value) or (facts.engine(name.value, known[0]) if known else None)


def memory_per_gpu(reader: Reader, facts: Facts, deployment: View[Any]) -> Sourced[int] | None:
    """Bytes of one accelerator as an engine sees them, where that was seen; else its nominal size, which is more."""
    gpu = accelerator(reader, facts, deployment)
    return None if gpu is None else gpu.map(lambda row: row.visible_memory or row.memory)


def utilisation(facts: Facts, deployment: View[Any]) -> Sourced[float] | None:
    """The share of an accelerator's memory that the engine may use; None for engines that have no such share."""
    rows = engine(facts, deployment)
    option = None if rows is None else rows.option(UTILISATION)
    if rows is None or option is None:
        return None
    written = deployment.maybe_number("gpu_memory_utilization")
    if written is not None:
        return written
    if not isinstance(option.default, float | int):
        return None
    return Sourced(float(option.default), (Fact(rows.fact, rows.source, rows.as_of),), raw=True)


def memory_bound(facts: Facts, deployment: View[Any]) -> bool:
    """Whether the engine must keep weights and cache in accelerator memory: it has a share to set, and no offloading
    to main memory was asked for."""
    args = deployment.value.get("args") or {}
    if "cpu_offload_gb" in args or "cpu-offload-gb" in args:
        return False
    rows = engine(facts, deployment)
    on_accelerator = deployment.has("hardware", "pool")
    return on_accelerator and rows is not None and rows.option(UTILISATION) is not None
