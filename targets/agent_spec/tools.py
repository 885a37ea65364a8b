"""Tools, as their servers offer them."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.tools import Function, functions
from llmops.compiler.model.exports import ToolServer
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node, View
from llmops.targets.agent_spec.document import Document, component, reference

TRANSPORTS = {"http": "StreamableHTTPTransport", "sse": "SSETransport"}


def listed(document: Document, holder: Node) -> tuple[list[Any], list[Any]]:
    """What an agent or a step may call: tools whose arguments are known here, and boxes of servers that know them."""
    known: list[Any] = []
    boxes: list[Any] = []
    for number in range(len(holder.value.get("tools") or ())):
        tool, named = holder.ref("tools", number), holder.ref_name("tools", number)
        if tool is None or named is None:
            continue
        if tool.value.get("mcp") is None:
            known.append(Sourced(function(document, tool, named), named.sources, raw=True))
        else:
            box = _box(document, tool, named)
            boxes += [] if box is None else [Sourced(box, named.sources, raw=True)]
    return known, boxes


def function(document: Document, tool: View[Any], named: Sourced[str] | None) -> dict[str, Any]:
    """A function tool: of its server where there is one, else one that the runtime must be given by its name."""
    found = next(functions(tool))
    transport = _transport(document, tool, named)
    shape: dict[str, Any] = {
        "description": found.description, "inputs": _inputs(found), "outputs": [{"title": "result", "type": "string"}],
        "requires_confirmation": _asks(found), "because": named,
    }
    if transport is None:
        return document.add("ServerTool", str(tool.address), found.name, **shape)
    return document.add("MCPTool", str(tool.address), found.name, **shape, client_transport=transport)


def _inputs(found: Function) -> list[dict[str, Any]]:
    schema = found.schema or {}
    needed = {name.value for name in schema.get("required", ())}
    made = []
    for name, below in (schema.get("properties") or {}).items():
        shown = {key: value for key, value in below.items() if key != "title"}
        if name not in needed and "default" not in shown:
            shown = {"anyOf": [shown, {"type": "null"}], "default": None}
        made.append({"title": name, **shown})
    return made


def _asks(found: Function) -> Sourced[bool] | None:
    approval = found.approval
    return None if approval is None else approval.map(lambda word: word != "none")


def _box(document: Document, tool: View[Any], named: Sourced[str]) -> dict[str, Any] | None:
    transport = _transport(document, tool, named)
    if transport is None:
        document.error(tool.at("mcp"), f"no target says how {tool.address} is reached",
                       "its functions are called over the Model Context Protocol", "add conf/target/mcp.yaml")
        return None
    allowed: list[Any] = []
    for found in functions(tool):
        asks = _asks(found)
        if asks is None or not asks.value:
            allowed.append(found.name)
        else:
            allowed.append(component("MCPToolSpec", f"{tool.address}.{found.name.value}", found.name,
                                     requires_confirmation=asks))
    return document.add(
        "MCPToolBox", str(tool.address), tool.label, named, client_transport=transport, tool_filter=allowed
    )


def _transport(document: Document, tool: View[Any], named: Sourced[str] | None) -> dict[str, Any] | None:
    """The way to a tool's server, which other tools may share."""
    server = document.lowering.ask(ToolServer, tool)
    if server is None:
        return None
    timeout = tool.maybe_text("timeout")
    session = None if timeout is None else {"read_timeout_seconds": timeout.map(seconds)}
    if server.transport == "stdio":
        words = [word.value for word in server.argv]
        env: dict[str, Any] = dict(server.settings)
        for variable in server.variables:
            document.unsupported(tool.at(), f"the server reads {variable.name.value}, and is passed no variable",
                                 "let it listen (`http` of the mcp target)")
        return document.add(
            "StdioTransport", f"server.{words[-1].rsplit('/', 1)[-1]}", tool.label, named, command=server.argv[0],
            args=list(server.argv[1:]), env=env or None, session_parameters=session,
        )
    if server.url is None:
        document.error(tool.at(), f"the address of {tool.address} must be known when it is compiled",
                       "the standard has no variable for it")
        return None
    key = None
    if server.key is not None:
        key = reference(server.key.name.express(lambda name: f"{name}.header"))
    return document.add(
        TRANSPORTS[server.transport], f"server.{tool.address.name}", tool.label, named, url=server.url,
        sensitive_headers=key, session_parameters=session,
    )
