"""Which deployment serves a flow as an app, and which one runs something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import DEPLOYMENT


@dataclass(frozen=True, slots=True)
class Served:
    """A flow where it is served: `node` is the entry of the deployment's `serves`, `named` the reference there."""

    flow: View[Any]
    deployment: View[Any]
    node: Node
    named: Sourced[str]


def served(reader: Reader, deployment: View[Any]) -> Iterator[Served]:
    """The flows that a deployment serves, in its order."""
    for node in deployment.entries("serves"):
        flow = deployment.ref("serves", node.name)
        if flow is not None:
            yield Served(flow, deployment, node, Sourced(node.name, (node.source(),)))


def serving(reader: Reader, flow: View[Any]) -> tuple[Served, ...]:
    """Where a flow is served; more than one place is for the caller to choose from."""
    return tuple(
        found for edge in reader.project.edges_to(flow.address)
        if edge.source.kind == DEPLOYMENT.name and edge.at[2] == "serves"
        for deployment in [reader.view(edge.source)] if deployment is not None
        for found in served(reader, deployment) if found.flow.address == flow.address
    )


def foremost(places: tuple[Served, ...]) -> tuple[Served, ...]:
    """Of the places that serve a flow, those that callers reach first: none that another one `uses` stands behind."""
    behind = {name for place in places for name in (place.deployment.value.get("uses") or {}).get("deployment", ())}
    return tuple(place for place in places if place.deployment.address.name not in behind)


def running(reader: Reader, resource: View[Any]) -> View[Any] | None:
    """The deployment that runs a store or a gateway; None where none does."""
    for edge in reader.project.edges_to(resource.address):
        if edge.source.kind == DEPLOYMENT.name and edge.at[2:] == (resource.address.kind,):
            return reader.view(edge.source)
    return None
