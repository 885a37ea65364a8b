"""From a deployment to the flags of `vllm serve`, as its config file takes them: without dashes in front."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.route import served_name
from llmops.compiler.diagnostics.finding import Finding
from llmops.compiler.model.artifact import Artifact
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT

PORT = 8000
"""vLLM's own default."""
FLAGS = (
    "max_model_len", "dtype", "kv_cache_dtype", "gpu_memory_utilization", "max_num_seqs", "max_num_batched_tokens",
)
"""Fields that are called as the flag is."""
SWITCHES = {"prefix_caching": "enable-prefix-caching", "chunked_prefill": "enable-chunked-prefill"}


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    for deployment in lowering.reader.of(DEPLOYMENT, engine="vllm"):
        model = deployment.ref("model")
        if model is None or deployment.has("endpoint"):
            continue
        yield from _unsupported(deployment)
        yield Artifact(
            f"{deployment.address.name}.yaml", _flags(deployment, model), (deployment.address, model.address)
        )


def _flags(deployment: View[Any], model: View[Any]) -> dict[str, Any]:
    flags: dict[str, Any] = {"model": model.maybe_text("weights", "repo") or model.maybe_text("weights", "uri")}
    revision = model.maybe_text("weights", "revision")
    if revision is not None:
        flags["revision"] = revision
    flags["served-model-name"] = served_name(model)
    flags["host"] = "0.0.0.0"
    flags["port"] = deployment.maybe_integer("port") or PORT
    for field, flag in (
        ("quantization", "quantization"), ("chat_template", "chat-template"), ("reasoning_parser", "reasoning-parser"),
    ):
        value = model.maybe_text(field)
        if value is not None:
            flags[flag] = value
    parser = model.maybe_text("tool_parser")
    if parser is not None:
        flags["enable-auto-tool-choice"] = Sourced(True, parser.sources)
        flags["tool-call-parser"] = parser
    trusted = model.maybe_flag("trust_remote_code")
    if trusted is not None and model.written("trust_remote_code"):
        flags["trust-remote-code"] = trusted
    for field in FLAGS:
        chosen = deployment.get(field)
        if chosen is not None:
            flags[field.replace("_", "-")] = chosen
    for field, flag in SWITCHES.items():
        switch = deployment.maybe_flag(field)
        if switch is not None:
            flags[flag] = switch
    for field in ("tensor", "pipeline", "data"):
        size = deployment.maybe_integer("parallel", field)
        if field == "tensor" and size is None:
            count = deployment.maybe_integer("hardware", "count")
            size = count if count is not None and count.value > 1 else None
        if size is not None:
            flags[f"{field}-parallel-size"] = size
    if deployment.maybe_flag("parallel", "expert") is not None:
        flags["enable-expert-parallel"] = deployment.flag("parallel", "expert")
    for name, value in (deployment.tree("args") or {}).items():
        flags[name.replace("_", "-")] = value
    return flags


def _unsupported(deployment: View[Any]) -> Iterator[Unsupported]:
    if deployment.has("rollout"):
        yield Unsupported(deployment.at("rollout"), "one server serves one version", "split traffic in the gateway")
