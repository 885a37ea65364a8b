"""One row of `model_list`. Field names are LiteLLM's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.route import outside_variable
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Unsupported
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node, View
from llmops.targets.litellm.backends import OWN_SERVER, Backend
from llmops.targets.litellm.known import known

MODES = {
    "embedding": "embedding", "rerank": "rerank", "transcription": "audio_transcription", "speech": "audio_speech",
    "image": "image_generation", "moderation": "moderation",
}
"""What a model does in LiteLLM's words; without one it is taken for a chat."""
REGIONS = {"bedrock/": "aws_region_name", "vertex_ai/": "vertex_location", "watsonx/": "watsonx_region_name"}
ADDRESS = (
    "model", "api_base", "base_url", "api_key", "api_version", "custom_llm_provider", "mock_response", "model_info",
    "default_headers",
)
"""Parameters that would redirect a call, or answer it: never taken from a model's `params`."""
LIMITS = {"rpm": "rpm", "tpm": "tpm", "parallel": "max_parallel_requests"}
FACTS = {"context": "max_input_tokens", "max_output": "max_output_tokens", "dimension": "output_vector_size"}
PRICES = {
    "usd_per_million_input": "input_cost_per_token", "usd_per_million_output": "output_cost_per_token",
    "usd_per_million_cached": "cache_read_input_token_cost",
}
PERIODS = {"day": "1d", "month": "1mo"}
"""The windows of a budget that LiteLLM has."""


def variable(named: Variable) -> Sourced[str]:
    """LiteLLM's way to name an environment variable."""
    return named.name.express(lambda name: f"os.environ/{name}")


def row(backend: Backend, alone: bool) -> dict[str, Any]:
    """`alone` says that the route has no other backend, so that what is said of the route is said of this one."""
    params: dict[str, Any] = {"model": backend.name.because(Sourced(0, backend.why))}
    if backend.url_variable is not None:
        params["api_base"] = variable(backend.url_variable)
    elif backend.url is not None:
        params["api_base"] = backend.url
    if backend.key is not None:
        params["api_key"] = variable(backend.key)
    elif backend.keyless:
        # its client wants a key to be there; a server that asks for none passes over it
        params["api_key"] = literal("none")
    model = backend.model
    version = model.maybe_text("endpoint", "api_version")
    if version is not None:
        params["api_version"] = version
    params.update(_region(backend))
    params.update(_request(backend))
    dimension = model.maybe_integer("dimension")
    if dimension is not None and backend.task == "embedding":
        params["dimensions"] = dimension
    params.update(_traffic(backend, alone))
    name = Sourced(backend.route.name, (backend.route.source(),))
    out: dict[str, Any] = {"model_name": name, "litellm_params": params}
    info = _info(backend)
    if info:
        out["model_info"] = info
    return out


def _region(backend: Backend) -> Iterator[tuple[str, Any]]:
    name = REGIONS.get(backend.prefix)
    if name is not None:
        outside = outside_variable(backend.model, "region")
        region = backend.model.maybe_text("region")
        if outside is not None:
            yield name, variable(outside)
        elif region is not None:
            yield name, region


def _request(backend: Backend) -> dict[str, Any]:
    """The model's parameters. Those that are neither OpenAI's nor LiteLLM's go to a server of one's own as they are."""
    out: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for name, value in (backend.model.tree("params") or {}).items():
        if name in ADDRESS or (isinstance(value, Sourced) and value.value is None):
            continue
        (out if name in known("litellm_params") or backend.prefix != OWN_SERVER else more)[name] = value
    if more:
        out["extra_body"] = more
    return out


def _traffic(backend: Backend, alone: bool) -> Iterator[tuple[str, Any]]:
    entry, route = backend.entry, backend.route
    holders = [entry] if entry is route or not alone else [route, entry]
    for ours, theirs in LIMITS.items():
        for holder in holders:
            limit = holder.maybe_integer("limits", ours)
            if limit is not None:
                yield theirs, limit
    if entry is not route:
        for name in ("weight", "order"):
            value = entry.maybe_number(name)
            if value is not None:
                yield name, value
    duration = route.maybe_text("timeout")
    if duration is not None:
        yield "timeout", duration.map(seconds)
    retries = route.maybe_integer("retries")
    if retries is not None:
        yield "num_retries", retries
    if alone:
        yield from budget(route)


def budget(holder: Node) -> Iterator[tuple[str, Any]]:
    """The smallest window of a budget in US dollars that LiteLLM has."""
    for period, window in PERIODS.items():
        amount = holder.maybe_number("budget", f"usd_per_{period}")
        if amount is not None:
            yield "max_budget", amount
            yield "budget_duration", Sourced(window, amount.sources, raw=True)
            return


def _info(backend: Backend) -> dict[str, Any]:
    """What is known of the model beside its name: facts of the config, not of the catalogue, which LiteLLM has too."""
    model = backend.model
    info: dict[str, Any] = {}
    mode = MODES.get(backend.task or "")
    if mode is not None:
        written = model.maybe_text("task")
        info["mode"] = written.express(lambda _: mode) if written is not None else literal(mode)
    if backend.prefix == "azure/" and model.has("served_name"):
        info["base_model"] = model.text("id").map(lambda i: f"azure/{i}") if model.has("id") else None
    for ours, theirs in FACTS.items():
        value = model.maybe_integer("facts", ours)
        if value is not None:
            info[theirs] = value
    for ours, theirs in PRICES.items():
        price = model.maybe_number("facts", "price", ours)
        if price is not None:
            info[theirs] = price.map(per_token)
    for name, able in (model.tree("facts", "capabilities") or {}).items():
        if f"supports_{name}" in known("model_info"):
            info[f"supports_{name}"] = able
    for name, value in (backend.route.tree("metadata") or {}).items():
        info.setdefault(name, value)
    return {name: value for name, value in info.items() if value is not None}


def per_token(million: float) -> float:
    """US dollars for one token, without the noise of a division: 0.15 a million is 1.5e-07."""
    return float(f"{million / 1e6:.12g}")


def unsupported(backend: Backend, alone: bool) -> Iterator[Unsupported]:
    """What a row cannot say."""
    model = backend.model
    for name in ADDRESS:
        if name in (model.value.get("params") or {}):
            why = "a request may not be sent elsewhere by a parameter"
            yield Unsupported(model.at("params", name), why, "use `endpoint`")
    if model.has("region") and backend.prefix not in REGIONS:
        yield Unsupported(model.at("region"), "this provider has no regions there", "use `endpoint`")
    if model.has("facts", "price", "usd_per_query"):
        yield Unsupported(model.at("facts", "price", "usd_per_query"), "it knows prices of tokens alone")
    for name in model.value.get("facts", {}).get("capabilities") or {}:
        if f"supports_{name}" not in known("model_info"):
            yield Unsupported(model.at("facts", "capabilities", name), "it does not know that capability")
    if not alone:
        for field, why, cure in (
            ("limits", "a limit holds for one backend", "say the limits of each backend"),
            ("budget", "a budget holds for one backend", ""),
        ):
            if backend.route.has(field):
                yield Unsupported(backend.route.at(field), why, cure)


def budget_unsupported(holder: Node | View[Any]) -> Iterator[Unsupported]:
    """The words of a budget that LiteLLM does not have."""
    for name in holder.value.get("budget") or {}:
        if name == "on_exceed":
            if holder.text("budget", name).value != "block":
                yield Unsupported(holder.at("budget", name), "what is over its budget is not called any more")
        elif name not in ("usd_per_day", "usd_per_month"):
            yield Unsupported(holder.at("budget", name), "it counts US dollars a day or a month")
        elif name == "usd_per_month" and "usd_per_day" in holder.value["budget"]:
            yield Unsupported(holder.at("budget", name), "it has one window; the day's is taken")
