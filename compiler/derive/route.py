"""How a call reaches a model: one answer for rules and targets alike.

In each environment: the gateway route that serves it, else the deployment that serves it, else its provider's API.
`via` on the caller, or on the model for all callers, chooses where two stand at the same level.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.placement import platform
from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import Endpoint, Variable
from llmops.compiler.model.keys import Key
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Fact, Source
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import DEPLOYMENT, GATEWAY, TARGET


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a model. `gateway` with its `route` entry, or `deployment`, or neither: the provider's own API.

    `candidates` has more than one member where the config does not decide; `why` are the places that decided.
    `reached` is false where nothing serves the model: weights that no deployment runs.
    """

    model: View[Any]
    gateway: View[Any] | None = None
    route: Node | None = None
    deployment: View[Any] | None = None
    reached: bool = True
    candidates: tuple[str, ...] = ()
    why: tuple[Source, ...] = ()

    @property
    def ambiguous(self) -> bool:
        return len(self.candidates) > 1

    @property
    def level(self) -> str:
        if self.route is not None:
            return "gateway"
        return "deployment" if self.deployment is not None else "provider"


def route(reader: Reader, model: View[Any], caller: Node | None = None) -> Route:
    """The way that calls of `caller` (a node that may have `via`) take to `model`."""
    for place in (caller, model):
        if place is not None and _has_via(place):
            return _by_via(reader, model, place)
    routes = list(serving(reader, model))
    if routes:
        names = tuple(f"gateway.{r.resource.address.name}, route {r.name}" for r in routes)
        first = routes[0]
        return Route(
            model, reader.view(first.resource.address), first, None, True, names, (first.source(),)
        )
    return behind_gateway(reader, model)


def behind_gateway(reader: Reader, model: View[Any]) -> Route:
    """The way that a gateway's own calls take: to the model's deployment, else to its provider."""
    if model.node("endpoint") is not None:
        return Route(model, why=(model.source("endpoint"),))
    deployments = list(_running(reader, model))
    if deployments:
        names = tuple(str(d.address) for d in deployments)
        why = (_serves(deployments[0], model),)
        return Route(model, deployment=deployments[0], candidates=names, why=why)
    return Route(model, reached=model.has("provider"))


def serving(reader: Reader, model: View[Any]) -> Iterator[Node]:
    """The routes that serve a model, in the config's order; backends make nothing reachable by themselves."""
    for edge in reader.project.edges_to(model.address):
        below = edge.at[2:]
        if edge.source.kind == GATEWAY.name and below[0] == "routes" and below[2:] in ((), ("model",)):
            gateway = reader.view(edge.source)
            route = gateway.node(*below[:2]) if gateway is not None else None
            if route is not None:
                yield route


def _running(reader: Reader, model: View[Any]) -> Iterator[View[Any]]:
    """The deployments that serve it: as their one model, or as an adapter on it."""
    for edge in reader.project.edges_to(model.address):
        deployment = reader.view(edge.source) if edge.source.kind == DEPLOYMENT.name else None
        if deployment is not None and edge.at[2] in ("model", "adapters"):
            yield deployment


def _serves(deployment: View[Any], model: View[Any]) -> Source:
    """The place where a deployment names a model that it serves."""
    adapters = deployment.value.get("adapters", [])
    if model.address.name in adapters:
        return deployment.source("adapters", adapters.index(model.address.name))
    return deployment.source("model")


def _has_via(place: Node) -> bool:
    shape = place.shape
    known = shape is not None and any("via" in s.properties for s in (shape, *shape.branches))
    return known and place.has("via")


def _by_via(reader: Reader, model: View[Any], place: Node) -> Route:
    why = (place.source("via"),)
    gateway = place.ref("via", "gateway")
    if gateway is not None:
        wanted = place.maybe_text("via", "route")
        routes = [
            r for r in serving(reader, model)
            if r.resource.address == gateway.address and (wanted is None or r.name == wanted.value)
        ]
        if routes:
            names = tuple(f"{gateway.address}, route {r.name}" for r in routes)
            return Route(model, gateway, routes[0], None, True, names, (*why, routes[0].source()))
        return Route(model, gateway, None, None, False, (), why)
    deployment = place.ref("via", "deployment")
    if deployment is not None:
        runs = model.address.name in (deployment.value.get("model"), *deployment.value.get("adapters", ()))
        return Route(model, deployment=deployment, reached=runs, why=why)
    return Route(model, why=why, reached=model.has("provider"))


@dataclass(frozen=True, slots=True)
class Call:
    """What a client must know: an OpenAI-compatible base URL (None: the provider's own default), the key's variable,
    the model's name there, and the provider where the call goes to its API directly."""

    url: Sourced[str] | None
    url_variable: Variable | None
    key: Variable | None
    model: Sourced[str]
    provider: Sourced[str] | None
    route: Route


def reach(lowering: Lowering, way: Route, consumer: str, near: str | None = None) -> Call | None:
    """The call that `consumer` makes along a way, as seen from `near`; None where no target answers for it."""
    model = way.model
    if way.route is not None and way.gateway is not None:
        endpoint = lowering.ask(Endpoint, way.gateway, near)
        if endpoint is None:
            return None
        name = Sourced(way.route.name, merge(way.why, (way.route.source(),)))
        return Call(*_address(endpoint), endpoint.key, name, None, way)
    if way.deployment is not None:
        endpoint = lowering.ask(Endpoint, way.deployment, near)
        if endpoint is None:
            return None
        name = served_name(model).because(Sourced(0, way.why))
        return Call(*_address(endpoint), endpoint.key, name, None, way)
    url = model.maybe_text("endpoint", "url")
    outside = outside_variable(model, "endpoint", "url") if url is None else None
    key = provider_key(model, consumer)
    provider = model.maybe_text("provider")
    if provider is not None and url is None and outside is None:
        url = provider_url(lowering, provider)
    return Call(url, outside, key, model.maybe_text("id") or served_name(model), provider, way)


def unanswered(lowering: Lowering, way: Route) -> tuple[str, str]:
    """Why nobody can go along a way that leads somewhere, and what helps: words for whoever wanted to."""
    through = way.gateway or way.deployment
    if through is None:
        return "nothing serves it", "say with `via` which way the call takes"
    runs_on = platform(lowering.reader, way.deployment) if way.gateway is None and way.deployment is not None else None
    told = f"no target says where {through.address} answers"
    if runs_on is None:
        return told, "say with `via` which way the call takes"
    runs = f"or, if it runs already, say where: `endpoint: {{url: …}}` of {through.address}"
    if any(target.address.name == runs_on.value for target in lowering.reader.of(TARGET)):
        return f"{told}: it has no port outside of its platform", f"publish one, such as `publish: 8000`; {runs}"
    return (
        f"{told}: it is for platform `{runs_on.value}`",
        f"select conf/target/{runs_on.value}.yaml, whose target puts it there; {runs}",
    )


def speaks_openai(lowering: Lowering, call: Call) -> bool:
    """Whether what a call ends at speaks OpenAI's protocol: gateways and engines do, providers by their row."""
    model = call.route.model
    api = model.maybe_text("endpoint", "api")
    if api is not None:
        return api.value == "openai"
    if call.provider is None or model.has("endpoint"):
        return True
    row = lowering.facts.provider(call.provider.value)
    return row is not None and row.protocol == "openai"


def _address(endpoint: Endpoint) -> tuple[Sourced[str] | None, Variable | None]:
    """The address of an endpoint, or the variable that holds it."""
    return (None, endpoint.outside) if endpoint.outside is not None else (endpoint.url, None)


def provider_url(lowering: Lowering, provider: Sourced[str]) -> Sourced[str] | None:
    """A provider's base URL, where the catalogue knows it."""
    row = lowering.facts.provider(provider.value)
    if row is None or row.base_url is None:
        return None
    fact = Fact(row.fact, row.source, row.as_of)
    return Sourced(row.base_url, merge(provider.sources, (fact,)), raw=True)


def outside_variable(node: Node, *keys: Key) -> Variable | None:
    """The variable of a value that is known only outside: `{variable: NAME}`."""
    value = node.get(*keys)
    if value is None or not isinstance(value.value, Mapping):
        return None
    name = node.maybe_text(*keys, "variable")
    return None if name is None else Variable(name)


def provider_key(model: View[Any], consumer: str) -> Variable | None:
    """The variable that holds the key of a model's API: of its endpoint, else of its provider; None without keys."""
    auth = model.maybe_text("endpoint", "auth")
    if auth is not None and auth.value != "secret":
        return None
    own = model.ref("endpoint", "secret")
    if own is not None:
        name = variable(own, consumer).because(model.ref_name("endpoint", "secret"))
        return Variable(name, own.address)
    brought = model.ref("provider") if model.address.kind == "model" and model.has("provider") else None
    if brought is None:
        return None
    return Variable(variable(brought, consumer).because(model.get("provider")), brought.address)


def served_name(model: View[Any]) -> Sourced[str]:
    """The name under which an engine serves a model: `served_name`, else the resource's own."""
    return model.maybe_text("served_name") or model.label
