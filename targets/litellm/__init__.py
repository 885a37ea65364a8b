"""LiteLLM proxy: one `config.yaml` a gateway, and the lock file that installs the proxy."""

from __future__ import annotations

from llmops.compiler.model.exports import Endpoint, Service
from llmops.compiler.model.target import Target
from llmops.targets.litellm.escapes import no_environment
from llmops.targets.litellm.exports import endpoint, service
from llmops.targets.litellm.known import check
from llmops.targets.litellm.lower import lower

TARGET = Target(
    name="litellm",
    title="LiteLLM proxy",
    since="0.1",
    version="1.106",
    lower=lower,
    exports={Endpoint: endpoint, Service: service},
    escape=no_environment,
    check=check,
)
