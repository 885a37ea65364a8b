"""What stands behind each route of a gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.placement import host, platform
from llmops.compiler.derive.route import behind_gateway, outside_variable, provider_key, served_name
from llmops.compiler.model.exports import Endpoint, Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.sources import Fact
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, View


@dataclass(frozen=True, slots=True)
class Backend:
    """One row of `model_list`: `entry` is the route, or the entry of its `backends`, that asked for it."""

    route: Node
    entry: Node
    model: View[Any]
    name: Sourced[str]
    """LiteLLM's spelling: the provider's prefix and the model's name there."""
    url: Sourced[str] | None
    url_variable: Variable | None
    key: Variable | None
    deployment: Address | None


def backends(lowering: Lowering, gateway: View[Any]) -> Iterator[Backend]:
    """Every backend of every route, in the config's order."""
    for route in gateway.entries("routes"):
        entries = list(route.entries("backends"))
        for entry in entries or [route]:
            made = _backend(lowering, gateway, route, entry)
            if made is not None:
                yield made


def _backend(lowering: Lowering, gateway: View[Any], route: Node, entry: Node) -> Backend | None:
    deployment = entry.ref("deployment") if entry is not route else None
    model = deployment.ref("model") if deployment is not None else (_model(entry) or _model(route))
    if model is None:
        return None
    if deployment is None:
        deployment = behind_gateway(lowering.reader, model).deployment
    if deployment is not None:
        endpoint = lowering.ask(Endpoint, deployment, near(lowering, gateway))
        name = served_name(model).express(lambda n: f"openai/{n}")
        url = endpoint.url if endpoint else None
        return Backend(route, entry, model, name, url, None, endpoint.key if endpoint else None, deployment.address)
    url, outside = model.maybe_text("endpoint", "url"), outside_variable(model, "endpoint", "url")
    key = provider_key(model, "litellm")
    return Backend(route, entry, model, _name(lowering, model), url, outside, key, None)


def near(lowering: Lowering, gateway: View[Any]) -> str | None:
    """The platform that the gateway itself runs on, which decides how it sees its backends."""
    runner = host(lowering.reader, gateway)
    where = platform(lowering.reader, runner) if runner is not None else None
    return None if where is None else where.value


def _model(entry: Node) -> View[Any] | None:
    edge = entry.edge("model") or entry.edge()
    return None if edge is None else entry.view(edge.target)


def _name(lowering: Lowering, model: View[Any]) -> Sourced[str]:
    """`<prefix>/<id>`: the provider's prefix is a fact; an OpenAI-compatible endpoint of one's own is `openai/`."""
    provider = model.maybe_text("provider")
    id_ = model.maybe_text("id") or served_name(model)
    if provider is None:
        return id_.express(lambda i: f"openai/{i}")
    row = lowering.facts.provider(provider.value)
    if row is None or row.litellm_prefix is None:
        return Sourced(f"{provider.value}/{id_.value}", merge(id_.sources, provider.sources), raw=True)
    fact = Fact(row.fact, row.source, row.as_of)
    return Sourced(f"{row.litellm_prefix}{id_.value}", merge(id_.sources, provider.sources, (fact,)), raw=True)


__all__ = ["Backend", "backends", "literal", "near"]
