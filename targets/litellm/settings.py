"""The sections beside `model_list`: of the package, of its router, of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.model.finding import Finding, Label
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.target import Unsupported
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node, View
from llmops.targets.litellm.backends import Backend
from llmops.targets.litellm.exports import master_key
from llmops.targets.litellm.known import SECTIONS, known, section
from llmops.targets.litellm.rows import budget, budget_unsupported, variable

FALLBACKS = {"any": "fallbacks", "context": "context_window_fallbacks", "policy": "content_policy_fallbacks"}
"""Our causes to the router's lists."""
CALLS = {
    "chat": "acompletion", "embedding": "aembedding", "rerank": "arerank", "transcription": "atranscription",
}
"""Kinds of calls that its cache knows, as the proxy makes them."""
LIMITED = "enforce_model_rate_limits"
"""Without this check of the router, limits only weigh which backend is taken."""
DATABASE = ("database_url", "store_model_in_db")


def sections(gateway: View[Any], rows: list[Backend]) -> dict[str, dict[str, Any]]:
    """The sections that have something in them, in the order in which people write them."""
    made: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    made["litellm_settings"].update(_package(gateway, rows))
    made["router_settings"].update(_router(gateway, rows))
    made["general_settings"].update(_general(gateway))
    for name, value in (gateway.tree("params") or {}).items():
        where = section(name)
        if where is None or name in known("loads_code"):
            continue
        if name == "optional_pre_call_checks" and name in made[where]:
            made[where][name] = [*made[where][name], *(c for c in value if c.value != LIMITED)]
        else:
            made[where][name] = value
    return {name: settings for name, settings in made.items() if settings}


def _package(gateway: View[Any], rows: list[Backend]) -> Iterator[tuple[str, Any]]:
    drop = gateway.maybe_flag("drop_params")
    if drop is not None:
        yield "drop_params", drop
    callbacks = [name for name in gateway.tree("callbacks") or () if name.value in known("callbacks")]
    if callbacks:
        yield "callbacks", callbacks
    identity = [
        row.model.text("endpoint", "auth") for row in rows
        if row.prefix == "azure/" and _is(row.model, "identity", "endpoint", "auth")
    ]
    if identity:
        yield "enable_azure_ad_token_refresh", Sourced(True, merge(*(i.sources for i in identity)), raw=True)
    scope = gateway.maybe_text("cache", "scope")
    if scope is not None and scope.value == "everybody":
        yield "cache", scope.express(lambda _: True)
        yield "cache_params", _cache(gateway)
    if _has_database(gateway):
        yield from budget(gateway)


def _is(node: Node, value: str, *keys: str) -> bool:
    found = node.maybe_text(*keys)
    return found is not None and found.value == value


def _cache(gateway: View[Any]) -> dict[str, Any]:
    cache: dict[str, Any] = {"type": "local"}
    ttl = gateway.maybe_text("cache", "ttl")
    if ttl is not None:
        cache["ttl"] = ttl.map(seconds)
    kinds = [kind for kind in gateway.tree("cache", "kinds") or () if kind.value in CALLS]
    if kinds:
        cache["supported_call_types"] = [kind.express(lambda k: CALLS[k]) for kind in kinds]
    for name, value in ((gateway.tree("params") or {}).get("cache_params") or {}).items():
        cache[name] = value
    return cache


def _router(gateway: View[Any], rows: list[Backend]) -> Iterator[tuple[str, Any]]:
    strategy = gateway.maybe_text("strategy")
    if strategy is not None and strategy.value in known("routing_strategies"):
        yield "routing_strategy", strategy
    groups = [group for route in gateway.entries("routes") for group in _group(route)]
    if groups:
        yield "routing_groups", groups
    for name in ("timeout", "stream_timeout"):
        duration = gateway.maybe_text(name)
        if duration is not None:
            yield name, duration.map(seconds)
    retries = gateway.maybe_integer("retries")
    if retries is not None:
        yield "num_retries", retries
    cooldown = gateway.maybe_text("cooldown")
    if cooldown is not None:
        yield "cooldown_time", cooldown.map(seconds)
    for cause, name in FALLBACKS.items():
        found = [row for route in gateway.entries("routes") for row in _fallback(route, cause)]
        if found:
            yield name, found
    limited = [holder for row in rows for holder in (row.entry, row.route) if _limited(holder)]
    if limited:
        yield "optional_pre_call_checks", [LIMITED]


def _limited(holder: Node) -> bool:
    return any(holder.has("limits", name) for name in ("rpm", "tpm"))


def _group(route: Node) -> Iterator[dict[str, Any]]:
    strategy = route.maybe_text("strategy")
    if strategy is not None and strategy.value in known("routing_strategies"):
        # the group may share the route's name: a name of its own would be one more that callers could ask for
        name = Sourced(route.name, (route.source(),))
        yield {"group_name": name, "models": [name], "routing_strategy": strategy}


def _fallback(route: Node, cause: str) -> Iterator[Any]:
    names = route.tree("fallbacks", cause)
    if names:
        yield {route.name: names}


def _general(gateway: View[Any]) -> Iterator[tuple[str, Any]]:
    key = master_key(gateway)
    if key is not None:
        yield "master_key", variable(key)
    parallel = gateway.maybe_integer("limits", "parallel")
    if parallel is not None:
        yield "max_in_flight_requests_per_worker", parallel


def _has_database(gateway: View[Any]) -> bool:
    params = gateway.value.get("params") or {}
    return any(params.get(name) for name in DATABASE)


# --- what they cannot say ----------------------------------------------------------------------------------------


def unsupported(gateway: View[Any]) -> Iterator[Unsupported | Finding]:
    yield from _unknown(gateway)
    for name in ("rpm", "tpm"):
        if gateway.has("limits", name):
            why = "it has no such limit for all routes together"
            yield Unsupported(gateway.at("limits", name), why, "limit each route")
    if gateway.has("budget"):
        if _has_database(gateway):
            yield from budget_unsupported(gateway)
        else:
            yield Unsupported(
                gateway.at("budget"), "without a database it keeps no account of all routes together",
                "give each route a budget, or set `params: {store_model_in_db: true}` and pass it DATABASE_URL",
            )
    for key in gateway.entries("keys"):
        yield Unsupported(
            key.at(), "its keys live in its database, and are made by its API, not by its config",
            "make the key with POST /key/generate",
        )
    if gateway.has("cache"):
        yield from _cache_unsupported(gateway)
    for route in gateway.entries("routes"):
        yield from _route_unsupported(route)


def _unknown(gateway: View[Any]) -> Iterator[Finding | Unsupported]:
    """Words of the engine's that this engine does not have, and those that would make it run code."""
    for name in gateway.value.get("params") or {}:
        if name in known("loads_code"):
            yield Unsupported(gateway.at("params", name), "it would import and run code that it names")
        elif section(name) is None:
            names = set().union(*(known(where) for where in SECTIONS))
            yield _no_such(gateway, ("params", name), "setting", name, names)
    for index, callback in enumerate(gateway.value.get("callbacks") or ()):
        if callback not in known("callbacks"):
            yield _no_such(gateway, ("callbacks", index), "callback", callback, set(known("callbacks")))
    for holder in (gateway, *gateway.entries("routes")):
        strategy = holder.maybe_text("strategy")
        if strategy is not None and strategy.value not in known("routing_strategies"):
            yield _no_such(holder, ("strategy",), "strategy", strategy.value, set(known("routing_strategies")))


def _no_such(holder: Node, keys: tuple[str | int, ...], what: str, name: str, names: set[str]) -> Finding:
    close = nearest(str(name), sorted(names))
    label = f"did you mean `{close[0]}`?" if close else "left out: it would have no effect"
    return Finding(f"LiteLLM has no {what} `{name}`", (Label(holder.at(*keys), label, primary=True),), found=str(name),
                   expected=close[0] if close else None)


def _cache_unsupported(gateway: View[Any]) -> Iterator[Unsupported]:
    if not _is(gateway, "everybody", "cache", "scope"):
        yield Unsupported(
            gateway.at("cache", "scope"), "its cache knows no users or tenants, so nothing is cached",
            "`scope: everybody`, where no answer is anybody's own",
        )
    if gateway.has("cache", "semantic"):
        yield Unsupported(gateway.at("cache", "semantic"), "its own memory holds equal questions only")
    for index, kind in enumerate(gateway.value["cache"].get("kinds") or ()):
        if kind not in CALLS:
            yield Unsupported(gateway.at("cache", "kinds", index), f"it caches no calls of that kind ({kind})")


def _route_unsupported(route: Node) -> Iterator[Unsupported]:
    for cause in ("rate_limit", "timeout"):
        if route.has("fallbacks", cause):
            yield Unsupported(
                route.at("fallbacks", cause), f"it has no fallbacks for {cause.replace('_', ' ')}s alone", "use `any`"
            )
    if route.has("cache"):
        yield Unsupported(route.at("cache"), "it caches for the whole gateway", "use the gateway's `cache`")
    if route.has("rollout"):
        yield Unsupported(route.at("rollout"), "weights stay as they are written", "change `weight` of the backends")
    yield from budget_unsupported(route)
