"""What stands behind each route of a gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.model import task
from llmops.compiler.derive.placement import host, platform
from llmops.compiler.derive.route import behind_gateway, outside_variable, provider_key, served_name
from llmops.compiler.model.exports import Endpoint, Variable
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.sources import Fact, Source
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, View
from llmops.targets.litellm.known import known

CONSUMER = "litellm"
APIS = {
    "openai": "openai/", "anthropic": "anthropic/", "azure": "azure/", "bedrock": "bedrock/", "vertex": "vertex_ai/",
    "ollama": "ollama_chat/", "cohere": "cohere/",
}
"""The prefix of a model whose own endpoint speaks a protocol."""
OWN_SERVER = "openai/"
RERANKER = "hosted_vllm/"
"""LiteLLM's `openai/` has no rerank call; this prefix has, for the same kind of server."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One row of `model_list`: `entry` is the route, or the entry of its `backends`, that asked for it.

    `name` is LiteLLM's spelling: the provider's prefix and the model's name there. `keys` are variables that LiteLLM
    reads by itself, where a provider wants several; `why` are the places that chose this way.
    """

    route: Node
    entry: Node
    model: View[Any]
    name: Sourced[str]
    task: str | None
    url: Sourced[str] | None = None
    url_variable: Variable | None = None
    key: Variable | None = None
    keys: tuple[Variable, ...] = ()
    keyless: bool = False
    deployment: Address | None = None
    why: tuple[Source, ...] = ()

    @property
    def prefix(self) -> str:
        return self.name.value.partition("/")[0] + "/"

    def variables(self) -> Iterator[Variable]:
        for variable in (self.key, self.url_variable, *self.keys):
            if variable is not None:
                yield variable


def backends(lowering: Lowering, gateway: View[Any]) -> Iterator[Backend | Finding]:
    """Every backend of every route, in the config's order; or why there is none."""
    for route in gateway.entries("routes"):
        entries = list(route.entries("backends"))
        for entry in entries or [route]:
            made = _backend(lowering, gateway, route, entry)
            if made is not None:
                yield made


def usable(lowering: Lowering, gateway: View[Any]) -> list[Backend]:
    return [found for found in backends(lowering, gateway) if isinstance(found, Backend)]


def _backend(lowering: Lowering, gateway: View[Any], route: Node, entry: Node) -> Backend | Finding | None:
    deployment = entry.ref("deployment") if entry is not route else None
    model = deployment.ref("model") if deployment is not None else (_model(entry) or _model(route))
    if model is None:
        return _none(entry, f"{deployment.address} serves no model") if deployment is not None else None
    found = task(lowering.facts, model)
    kind = None if found is None else str(found.value)
    way = behind_gateway(lowering.reader, model)
    if deployment is None:
        deployment = way.deployment
    if deployment is not None:
        endpoint = lowering.ask(Endpoint, deployment, near(lowering, gateway))
        if endpoint is None:
            return _none(
                entry, f"no target says where {deployment.address} answers",
                "give the deployment an `endpoint`, or a `publish` port for callers on the same machine",
            )
        prefix = RERANKER if kind == "rerank" else OWN_SERVER
        name = served_name(model).because(found if kind == "rerank" else None)
        name = Sourced(f"{prefix}{name.value}", name.sources)
        return Backend(
            route, entry, model, name, kind, None if endpoint.outside else endpoint.url, endpoint.outside, endpoint.key,
            keyless=endpoint.key is None, deployment=deployment.address, why=(deployment.source("model"), *way.why),
        )
    url, outside = model.maybe_text("endpoint", "url"), outside_variable(model, "endpoint", "url")
    own = url is not None or outside is not None
    named = _name(lowering, model, own, kind)
    if named is None:
        return _none(
            entry, f"litellm knows no way to {model.address}", "let a deployment serve the model, or say its `endpoint`"
        )
    auth = model.maybe_text("endpoint", "auth")
    identity = auth is not None and auth.value == "identity"
    keys = _together(lowering, model)
    key = None if keys else provider_key(model, CONSUMER)
    return Backend(route, entry, model, named, kind, url, outside, key, keys, keyless=own and not key and not identity)


def _none(entry: Node, why: str, cure: str = "") -> Finding:
    """An error and no remark: callers of the route would get nothing but errors."""
    label = Label(entry.at(), "no call can be answered here", primary=True, key_only=True)
    return Finding(why, (label,), help=(cure,) if cure else (), severity=Severity.ERROR)


def near(lowering: Lowering, gateway: View[Any]) -> str | None:
    """The platform that the gateway itself runs on, which decides how it sees its backends."""
    runner = host(lowering.reader, gateway)
    where = platform(lowering.reader, runner) if runner is not None else None
    return None if where is None else where.value


def _model(entry: Node) -> View[Any] | None:
    edge = entry.edge("model") or entry.edge()
    return None if edge is None else entry.view(edge.target)


def _name(lowering: Lowering, model: View[Any], own: bool, kind: str | None) -> Sourced[str] | None:
    """`<prefix>/<id>`: the provider's prefix is a fact; an OpenAI-compatible endpoint of one's own is `openai/`."""
    provider, api = model.maybe_text("provider"), model.maybe_text("endpoint", "api")
    id_ = model.maybe_text("id") or served_name(model)
    if api is not None:
        id_ = _azure(model, api.value, id_)
        return Sourced(f"{APIS[api.value]}{id_.value}", merge(id_.sources, api.sources))
    if provider is None:
        prefix = RERANKER if kind == "rerank" else OWN_SERVER
        return Sourced(f"{prefix}{id_.value}", id_.sources) if own else None
    id_ = _azure(model, provider.value, id_)
    row = lowering.facts.provider(provider.value)
    if row is not None and (caller := row.callers.get("litellm")) is not None:
        fact = Fact(row.fact, row.source, row.as_of)
        return Sourced(f"{caller.prefix}{id_.value}", merge(id_.sources, provider.sources, (fact,)))
    if provider.value in known("providers"):
        return Sourced(f"{provider.value}/{id_.value}", merge(id_.sources, provider.sources))
    return Sourced(f"{OWN_SERVER}{id_.value}", merge(id_.sources, provider.sources)) if own else None


def _azure(model: View[Any], provider: str, id_: Sourced[str]) -> Sourced[str]:
    """Azure is asked for a deployment's name, which is seldom the model's."""
    return model.maybe_text("served_name") or id_ if provider == "azure" else id_


def _together(lowering: Lowering, model: View[Any]) -> tuple[Variable, ...]:
    """The variables of a provider whose key is several values: LiteLLM reads them by their own names."""
    provider = model.maybe_text("provider")
    row = None if provider is None else lowering.facts.provider(provider.value)
    if provider is None or row is None or not row.keys_together:
        return ()
    brought = model.ref("provider")
    address = None if brought is None else brought.address
    fact = Fact(row.fact, row.source, row.as_of)
    return tuple(
        Variable(Sourced(name, merge(provider.sources, (fact,)), raw=True), address) for name in row.key_variables
    )


__all__ = ["Backend", "backends", "literal", "near", "usable"]
