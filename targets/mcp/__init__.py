"""Model Context Protocol: a server for the functions that tools describe, and configs of the clients that use it."""

from __future__ import annotations

from llmops.compiler.model.exports import ToolServer
from llmops.compiler.model.target import Target
from llmops.targets.mcp.exports import tool_server
from llmops.targets.mcp.known import check
from llmops.targets.mcp.lower import lower

TARGET = Target(
    name="mcp",
    title="Model Context Protocol",
    since="0.1",
    version="2.3",
    lower=lower,
    exports={ToolServer: tool_server},
    check=check,
)
