"""What a container gets of the machine: cores, memory, accelerators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.hardware import accelerator, count, count_place, pool
from llmops.compiler.model.exports import Service
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.compose.known import table
from llmops.targets.compose.placed import placed


def vendors() -> dict[str, Any]:
    """How a container is given a vendor's accelerators, each with its source."""
    found: dict[str, Any] = table("accelerators")
    return found


def size(text: str) -> str:
    """`16GiB` is Docker's `16gb`: its units are powers of 1024 too."""
    return text.lower().replace("ib", "b")


def shares(lowering: Lowering) -> dict[Address, Sourced[list[str]]]:
    """The numbers of the accelerators that each deployment gets.

    A mere count would be the first ones of the machine for every container, so that two would share them. The numbers
    of a deployment follow from what those before it take.
    """
    given: dict[Address, Sourced[list[str]]] = {}
    taken = 0
    before: tuple[Any, ...] = ()
    for deployment in placed(lowering):
        gpu = accelerator(lowering.reader, lowering.facts, deployment)
        wanted = count(deployment)
        if gpu is None or wanted is None:
            continue
        numbers = [str(taken + n) for n in range(wanted.value)]
        given[deployment.address] = Sourced(numbers, merge(wanted.sources, before), raw=True)
        taken += wanted.value
        before = merge(before, wanted.sources)
    return given


def hardware(lowering: Lowering, deployment: View[Any], service: Service | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    cores = deployment.maybe_number("hardware", "cpu")
    if cores is not None:
        out["cpus"] = cores
    memory = deployment.maybe_text("hardware", "memory")
    if memory is not None:
        out["mem_limit"] = memory.map(size)
    shm = deployment.maybe_text("hardware", "shm")
    if shm is not None:
        out["shm_size"] = shm.map(size)
    ipc = deployment.maybe_text("security", "ipc")
    if ipc is not None:
        out["ipc"] = ipc
    elif shm is None and service is not None and service.shares_memory:
        reasons = [count(deployment), deployment.get("parallel")]
        out["ipc"] = Sourced("host", (), raw=True).because(*reasons)
    out.update(_accelerators(lowering, deployment))
    return out


def _accelerators(lowering: Lowering, deployment: View[Any]) -> dict[str, Any]:
    machines = pool(lowering.reader, deployment)
    gpu = accelerator(lowering.reader, lowering.facts, deployment)
    row = vendors().get(gpu.value.vendor) if gpu is not None else None
    if machines is None or gpu is None or row is None:
        return {}
    why = [deployment.maybe_text("hardware", "pool"), machines.maybe_text("accelerator")]

    def because(value: Any) -> Sourced[Any]:
        return Sourced(value, (), raw=True).because(*why)

    if "driver" in row:
        numbers = shares(lowering)[deployment.address]
        device = {"driver": row["driver"], "device_ids": numbers, "capabilities": row["capabilities"]}
        return {"deploy": because({"resources": {"reservations": {"devices": [device]}}})}
    return {"devices": because([f"{path}:{path}" for path in row["devices"]]), "group_add": because(row["groups"])}


def problems(lowering: Lowering, deployment: View[Any]) -> Iterator[Finding | Unsupported]:
    """What of the hardware this platform cannot give."""
    if deployment.has("hardware", "disk"):
        yield Unsupported(deployment.at("hardware", "disk"), "a container's disk has no size of its own")
    machines = pool(lowering.reader, deployment)
    name = machines.maybe_text("accelerator") if machines is not None else None
    if machines is None or name is None or name.value == "cpu":
        return
    gpu = accelerator(lowering.reader, lowering.facts, deployment)
    if gpu is None or gpu.value.vendor not in vendors():
        vendor = f" of {gpu.value.vendor}" if gpu is not None else ""
        yield Unsupported(
            machines.at("accelerator"), f"it is not known how a container is given an accelerator{vendor}",
            "give the service what it needs in `overrides`",
        )  # fmt: skip
        return
    each = machines.maybe_integer("per_node")
    numbers = shares(lowering)[deployment.address].value
    if each is not None and numbers and int(numbers[-1]) >= each.value:
        others = int(numbers[0])
        yield Finding(
            f"the machine has {each.value} accelerators, and {others + len(numbers)} are wanted up to here",
            (
                Label(count_place(deployment), f"{others} are taken by deployments before it", primary=True),
                Label(machines.at("per_node"), "in one machine"),
            ),
            help=("compose runs all on one machine: take fewer, or another platform",), severity=Severity.ERROR,
        )  # fmt: skip
    elif "devices" in vendors()[gpu.value.vendor] and each is not None and _some(deployment, each.value):
        yield Unsupported(
            deployment.at("hardware", "count"), "a container sees all accelerators of that vendor",
            "choose some with the vendor's own variable in `env`",
        )  # fmt: skip


def _some(deployment: View[Any], all_of_them: int) -> bool:
    written = deployment.maybe_integer("hardware", "count")
    return written is not None and written.value < all_of_them
