"""vLLM: one `--config` file a deployment that runs a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmops.compiler.emit.escapes import argv_value
from llmops.compiler.model.exports import Endpoint, Service
from llmops.compiler.model.target import Target
from llmops.targets.vllm.exports import endpoint, service
from llmops.targets.vllm.flags import complaints
from llmops.targets.vllm.lower import lower


def check(path: str, data: Any) -> Iterable[str]:
    return complaints(data)


TARGET = Target(
    name="vllm",
    title="vLLM",
    since="0.1",
    version="0.32",
    lower=lower,
    exports={Endpoint: endpoint, Service: service},
    escape=argv_value,
    check=check,
)
