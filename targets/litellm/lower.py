"""From a gateway to the proxy's config. Field names are LiteLLM's own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.finding import Finding
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import GATEWAY
from llmops.targets.litellm.backends import Backend, backends
from llmops.targets.litellm.exports import master_key

FALLBACKS = {"any": "fallbacks", "context": "context_window_fallbacks", "policy": "content_policy_fallbacks"}
"""Our causes to the router's lists."""


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    made = False
    for gateway in lowering.reader.of(GATEWAY, engine="litellm"):
        if gateway.has("endpoint"):
            continue
        made = True
        rows = list(backends(lowering, gateway))
        yield from _unsupported(gateway)
        yield Artifact(f"{gateway.address.name}.yaml", _config(gateway, rows), (gateway.address, *_models(rows)))
    if made:
        lock = files(__package__).joinpath("lock", "requirements.txt")
        yield Artifact("requirements.txt", lock.read_bytes(), format=Format.VERBATIM, shared=True)


def _models(rows: list[Backend]) -> Iterator[Address]:
    yield from dict.fromkeys(row.model.address for row in rows)


def _config(gateway: View[Any], rows: list[Backend]) -> dict[str, Any]:
    config: dict[str, Any] = {"model_list": [_row(row) for row in rows]}
    settings = _settings(gateway)
    if settings:
        config["litellm_settings"] = settings
    router = _router(gateway)
    if router:
        config["router_settings"] = router
    key = master_key(gateway)
    if key is not None:
        config["general_settings"] = {"master_key": _variable(key)}
    return config


def _variable(variable: Variable) -> Sourced[str]:
    """LiteLLM's way to name an environment variable."""
    return variable.name.express(lambda name: f"os.environ/{name}")


def _row(row: Backend) -> Any:
    params: dict[str, Any] = {"model": row.name}
    if row.url_variable is not None:
        params["api_base"] = _variable(row.url_variable)
    elif row.url is not None:
        params["api_base"] = row.url
    if row.key is not None:
        params["api_key"] = _variable(row.key)
    elif row.url is not None or row.url_variable is not None:
        params["api_key"] = "none"
    version = row.model.maybe_text("endpoint", "api_version")
    if version is not None:
        params["api_version"] = version
    params.update(row.model.tree("params") or {})
    for name in ("rpm", "tpm"):
        limit = row.entry.maybe_integer("limits", name)
        if limit is not None:
            params[name] = limit
    if row.entry is not row.route:
        for name in ("weight", "order"):
            value = row.entry.maybe_number(name)
            if value is not None:
                params[name] = value
    duration = row.route.maybe_text("timeout")
    if duration is not None:
        params["timeout"] = duration.map(seconds)
    return {"model_name": Sourced(row.route.name, (row.route.source(),)), "litellm_params": params}


def _settings(gateway: View[Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    drop = gateway.maybe_flag("drop_params")
    if drop is not None:
        settings["drop_params"] = drop
    callbacks = gateway.tree("callbacks")
    if callbacks:
        settings["callbacks"] = callbacks
    settings.update(gateway.tree("params") or {})
    return settings


def _router(gateway: View[Any]) -> dict[str, Any]:
    router: dict[str, Any] = {}
    strategy = gateway.maybe_text("strategy")
    if strategy is not None:
        router["routing_strategy"] = strategy
    for name in ("timeout", "stream_timeout"):
        duration = gateway.maybe_text(name)
        if duration is not None:
            router[name] = duration.map(seconds)
    retries = gateway.maybe_integer("retries")
    if retries is not None:
        router["num_retries"] = retries
    cooldown = gateway.maybe_text("cooldown")
    if cooldown is not None:
        router["cooldown_time"] = cooldown.map(seconds)
    for cause, name in FALLBACKS.items():
        rows = [row for route in gateway.entries("routes") for row in _fallback(route, cause)]
        if rows:
            router[name] = rows
    return router


def _fallback(route: Node, cause: str) -> Iterator[Any]:
    names = route.tree("fallbacks", cause)
    if names:
        yield {route.name: names}


def _unsupported(gateway: View[Any]) -> Iterator[Unsupported]:
    for route in gateway.entries("routes"):
        for cause in ("rate_limit", "timeout"):
            if route.has("fallbacks", cause):
                yield Unsupported(
                    route.at("fallbacks", cause), f"it has no fallbacks for {cause.replace('_', ' ')}s alone",
                    "use `any`",
                )
