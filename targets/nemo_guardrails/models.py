"""The model that a rail asks, and how it is reached."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.params import params
from llmops.compiler.derive.route import Call, reach, route, speaks_openai
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View

CONSUMER = "nemo-guardrails"
TRANSPORT = (
    "base_url", "api_key", "default_headers", "default_query", "timeout", "connect_timeout", "max_retries", "model",
    "model_name", "mode", "azure_endpoint", "azure_deployment", "api_version",
)
"""Parameters that the package takes for its client, not for the request."""
SAID_ELSEWHERE = ("temperature", "max_tokens", "stop", "stream")
"""Parameters that each action gives its own requests: from the prompt, and one temperature for all."""
KEYLESS = "openai_compatible"
"""An engine for which the package knows no variable of a key: `openai` alone would send OPENAI_API_KEY anywhere."""


def model_entry(
    lowering: Lowering, rail: View[Any], type_: str, why: Sourced[int], near: str | None
) -> tuple[dict[str, Any], Call] | Finding:
    """One entry of `models`, for the rail alone, as the server sees the model from `near`."""
    model = rail.ref("model")
    if model is None:
        return _problem(rail, "the model cannot be read", "")
    named = rail.ref_name("model")
    way = route(lowering.reader, model, rail)
    call = reach(lowering, way, CONSUMER, near) if way.reached else None
    if call is None:
        return _problem(rail, f"NeMo Guardrails cannot reach {model.address}", "nothing that answers serves it")
    if not speaks_openai(lowering, call):
        return _problem(rail, f"NeMo Guardrails speaks OpenAI's protocol, and {model.address} another one",
                        "reached at its provider", "give a gateway a route to it")
    entry: dict[str, Any] = {
        "type": Sourced(type_, why.sources, raw=True),
        "engine": literal("openai" if call.key is not None else KEYLESS).because(named),
        "model": call.model.because(named),
    }
    if call.key is not None:
        entry["api_key_env_var"] = call.key.name.because(named)
    parameters: dict[str, Any] = {} if call.url is None else {"base_url": call.url}
    for name, value in params(model).items():
        if name not in TRANSPORT and name not in SAID_ELSEWHERE:
            parameters[name] = value
    if parameters:
        entry["parameters"] = Sourced(parameters, named.sources if named is not None else (), raw=True)
    return entry, call


def _problem(
    rail: View[Any], message: str, label: str, cure: str = "let a gateway or a deployment serve it"
) -> Finding:
    labels = (Label(rail.at("model"), label, primary=True),)
    return Finding(message, labels, help=(cure,), severity=Severity.ERROR)

