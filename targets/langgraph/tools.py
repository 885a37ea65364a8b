"""The tools of an agent: the servers that offer them."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.tools import functions
from llmops.compiler.model.exports import ToolServer
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import View
from llmops.targets.langgraph.work import Work


def servers(work: Work, agent: View[Any], reached: dict[str, dict[str, Any]]) -> list[Sourced[str]]:
    """The names of an agent's servers, one a tool; each is described once."""
    listed = []
    for number in range(len(agent.value.get("tools") or ())):
        tool, named = agent.ref("tools", number), agent.ref_name("tools", number)
        if tool is None or named is None:
            continue
        if tool.address.name not in reached:
            made = _server(work, tool, agent, number)
            if made is None:
                continue
            reached[tool.address.name] = made
        listed.append(named)
    return listed


def _server(work: Work, tool: View[Any], agent: View[Any], number: int) -> dict[str, Any] | None:
    found = work.lowering.ask(ToolServer, tool)
    if found is None:
        work.error(agent.at("tools", number), f"no target says how {tool.address} is reached",
                   "its functions are called over the Model Context Protocol", "add conf/target/mcp.yaml")
        return None
    offered = {name.value for name in found.functions}
    made: dict[str, Any] = {"transport": found.transport, "functions": list(found.functions), "confirm": [
        function.name.because(function.approval) for function in functions(tool)
        if function.name.value in offered and function.approval is not None and function.approval.value != "none"
    ]}
    if found.transport == "stdio":
        made["argv"] = list(found.argv)
        if found.variables:
            made["variables"] = [variable.name for variable in found.variables]
        if found.settings:
            made["settings"] = dict(found.settings)
    elif found.outside is not None:
        made["variable"] = found.outside.name
    else:
        made["url"] = found.url
    if found.key is not None:
        made["key"] = found.key.name
    timeout = tool.maybe_text("timeout")
    if timeout is not None:
        made["timeout"] = timeout.map(seconds)
    return made
