"""vLLM: one `--config` file a deployment that runs a model."""

from __future__ import annotations

from llmops.compiler.model.exports import Endpoint, Service
from llmops.compiler.model.target import Target
from llmops.targets.vllm.exports import endpoint, service
from llmops.targets.vllm.lower import lower

TARGET = Target(
    name="vllm",
    title="vLLM",
    since="0.1",
    version="0.11",
    lower=lower,
    exports={Endpoint: endpoint, Service: service},
)
