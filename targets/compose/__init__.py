"""Docker Compose: one `compose.yaml` for what an environment runs on one machine."""

from __future__ import annotations

from llmops.compiler.emit.escapes import dollar
from llmops.compiler.model.exports import Deploy, Endpoint
from llmops.compiler.model.target import Target
from llmops.targets.compose.exports import deploy, endpoint
from llmops.targets.compose.known import check
from llmops.targets.compose.lower import lower

TARGET = Target(
    name="compose",
    title="Docker Compose",
    since="0.1",
    version="5",
    lower=lower,
    exports={Endpoint: endpoint, Deploy: deploy},
    escape=dollar,
    order=10,
    check=check,
)
