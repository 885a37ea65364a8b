"""Which deployment serves a flow as an app, and which one runs something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import App, Variable
from llmops.compiler.model.sourced import Sourced, combine
from llmops.compiler.model.target import Lowering
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


def app(lowering: Lowering, place: Served, consumer: str, near: str | None = None) -> App | None:
    """How a flow is called at one of the places that serve it: as its engine's target says, else as the entry does."""
    engine = place.deployment.maybe_text("engine")
    found = None if engine is None else lowering.ask(App, place.flow, near, of=engine.value)
    return found or _called(lowering, place, consumer)


def _called(lowering: Lowering, place: Served, consumer: str) -> App | None:
    """Where it runs already: at the deployment's `endpoint`, with the body that the entry says."""
    deployment, node = place.deployment, place.node
    if not deployment.has("endpoint") or not node.has("body"):
        return None
    outside = outside_variable(deployment, "endpoint", "url")
    base = deployment.maybe_text("endpoint", "url")
    if base is None and outside is None:
        return None
    path = node.text("path")
    url = path if base is None else combine(lambda start, end: start.rstrip("/") + end, base, path)
    secret = deployment.ref("endpoint", "secret")
    key = None
    if secret is not None:
        name = variable(secret, consumer).because(deployment.ref_name("endpoint", "secret"))
        key = Variable(name, secret.address)
    return App(
        url, node.text("method").value, node.tree("body"), node.maybe_text("answer"), node.maybe_text("passages"),
        key, outside,
    )


def running(reader: Reader, resource: View[Any]) -> View[Any] | None:
    """The deployment that runs a store or a gateway; None where none does."""
    for edge in reader.project.edges_to(resource.address):
        if edge.source.kind == DEPLOYMENT.name and edge.at[2:] == (resource.address.kind,):
            return reader.view(edge.source)
    return None
