"""What a container waits for: what its engine needs, and what `uses` says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.route import route
from llmops.compiler.model.exports import Service
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.compose.health import healthcheck
from llmops.targets.compose.placed import host_of, runs

Need = tuple[View[Any], Sourced[Any] | None]


def depends_on(lowering: Lowering, deployment: View[Any], service: Service | None) -> dict[str, Any]:
    """Services by name, each with the condition: that it is well, where something checks that, else that it started."""
    found: dict[str, Any] = {}
    for other, reason in _needs(lowering, deployment, service):
        name = other.address.name
        if other.address == deployment.address or name in found:
            continue
        checked = healthcheck(other, runs(lowering, other)) is not None
        condition = "service_healthy" if checked else "service_started"
        found[name] = Sourced({"condition": condition}, (), raw=True).because(reason)
    return found


def _needs(lowering: Lowering, deployment: View[Any], service: Service | None) -> Iterator[Need]:
    reader = lowering.reader
    for address in service.needs if service is not None else ():
        other = reader.view(address)
        if other is not None:
            yield from _host(lowering, other, None)
    for kind in ("deployment", "gateway"):
        for entry in deployment.entries("uses", kind):
            other = entry.ref()
            if other is not None:
                yield from _host(lowering, other, entry.get())
    for entry in deployment.entries("uses", "model"):
        model = entry.ref()
        way = route(reader, model) if model is not None else None
        serves = (way.gateway or way.deployment) if way is not None else None
        if serves is not None:
            yield from _host(lowering, serves, entry.get())


def _host(lowering: Lowering, resource: View[Any], reason: Sourced[Any] | None) -> Iterator[Need]:
    host = host_of(lowering, resource)
    if host is not None:
        yield host, reason


