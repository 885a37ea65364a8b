"""The tools of an agent: the servers that offer them."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.tools import functions
from llmops.compiler.model.exports import ToolServer
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node, View
from llmops.targets.langgraph.work import Work


def servers(work: Work, holder: Node, reached: dict[str, Any]) -> list[Sourced[str]]:
    """The names of the servers of an agent's or a step's tools, one a tool."""
    listed = []
    for number in range(len(holder.value.get("tools") or ())):
        tool, named = holder.ref("tools", number), holder.ref_name("tools", number)
        if tool is not None:
            listed.append(reached_by(work, tool, holder.at("tools", number), named, reached))
    return [name for name in listed if name is not None]


def reached_by(
    work: Work, tool: View[Any], at: KeyPath, named: Sourced[str] | None, reached: dict[str, Any]
) -> Sourced[str] | None:
    """The name of a tool's server, which is described once; None where nothing says how it is reached."""
    if tool.address.name not in reached:
        made = _server(work, tool, at)
        if made is None:
            return None
        reached[tool.address.name] = Sourced(made, named.sources if named is not None else (), raw=True)
    elif isinstance(reached[tool.address.name], Sourced):  # of two references none alone decides
        reached[tool.address.name] = reached[tool.address.name].value
    return named


def _server(work: Work, tool: View[Any], at: KeyPath) -> dict[str, Any] | None:
    found = work.lowering.ask(ToolServer, tool)
    if found is None:
        work.error(at, f"no target says how {tool.address} is reached",
                   "its functions are called over the Model Context Protocol", "add conf/target/mcp.yaml")
        return None
    work.found.append(found)
    work.variables += [*found.variables, *(one for one in (found.outside, found.key) if one is not None)]
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
