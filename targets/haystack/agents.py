"""Models with tools: Haystack's agent, which asks the model again until it has answered, and MCP servers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmops.compiler.derive.tools import functions
from llmops.compiler.model.exports import ToolServer
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Source
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node, View
from llmops.targets.haystack.calls import chat
from llmops.targets.haystack.pipe import because, component
from llmops.targets.haystack.schemas import response_format

if TYPE_CHECKING:
    from llmops.compiler.derive.flow import Step
    from llmops.targets.haystack.pipe import Pipe
    from llmops.targets.haystack.values import Wiring

INSIDE = "/app"
"""Where a container has the files of the repository that its tools' servers run."""
SERVERS = {
    "stdio": "haystack_integrations.tools.mcp.mcp_tool.StdioServerInfo",
    "http": "haystack_integrations.tools.mcp.mcp_tool.StreamableHttpServerInfo",
    "sse": "haystack_integrations.tools.mcp.mcp_tool.SSEServerInfo",
}


def with_tools(
    wiring: Wiring, step: Step, prompt: View[Any], model: View[Any], ready: str
) -> str | None:
    """A step whose model may call tools."""
    choice = step.node.maybe_text("tool_choice")
    if choice is not None and choice.value != "auto":
        wiring.pipe.unsupported(step.node.at("tool_choice"), "its agent lets the model choose", "`tool_choice: auto`")
    made = chat(wiring.pipe, model, step.node, prompt)
    if made is None:
        return None
    servers, why = _servers(wiring.pipe, step.node), _given(step.node)
    wiring.why[step.name] = why
    if servers:
        return _agent(wiring, step, made, servers, None, ready, why)
    name = f"{step.name}-model"
    wiring.pipe.components[name] = Sourced(made, why.sources, raw=True)
    wiring.pipe.connect(ready, f"{name}.messages", why)
    return f"{name}.replies"


def agent(
    wiring: Wiring, step: Step, found: View[Any], prompt: View[Any], model: View[Any], ready: str
) -> str | None:
    """An agent of the project."""
    pipe = wiring.pipe
    extra = {}
    if found.has("output_schema") and "response_format" not in (found.value.get("params") or {}):
        extra["response_format"] = response_format(pipe, found, "output_schema", found.address.name)
    made = chat(pipe, model, found, prompt, extra=extra)
    for field, why in (
        ("handoffs", "its agents hand nothing over"), ("memory", "it remembers nothing between requests"),
        ("budget", "it counts no cost"), ("approval", "nobody is asked before a tool runs"),
    ):
        if found.has(field):
            pipe.unsupported(found.at(field), why, "let `langgraph` run the agent")
    if made is None:
        return None
    return _agent(wiring, step, made, _servers(pipe, found), found.maybe_integer("max_steps"), ready)


def _given(holder: Node) -> Sourced[int]:
    """The places that decide whether a model is given tools: which are listed, and whether somebody must be asked."""
    places: tuple[Source, ...] = ()
    for number in range(len(holder.value.get("tools") or ())):
        tool = holder.ref("tools", number)
        for function in functions(tool) if tool is not None else ():
            if function.approval is not None:
                places = (*places, *function.approval.sources)
    return Sourced(0, places)


def _servers(pipe: Pipe, holder: Node) -> list[dict[str, Any]]:
    """The servers of the tools that a step or an agent lists."""
    made = []
    for number in range(len(holder.value.get("tools") or ())):
        tool = holder.ref("tools", number)
        at, named = holder.at("tools", number), holder.ref_name("tools", number)
        found = server(pipe, tool, holder, at, named) if tool is not None else None
        made += [found] if found is not None else []
    return made


def _agent(
    wiring: Wiring, step: Step, generator: dict[str, Any], servers: list[dict[str, Any]], most: Sourced[int] | None,
    ready: str, why: Sourced[int] | None = None,
) -> str:
    pipe = wiring.pipe
    name = pipe.add(f"{step.name}-agent", "Agent", {
        "chat_generator": generator, "tools": servers or None, "max_agent_steps": most,
    }, why)
    pipe.connect(ready, f"{name}.messages", why)
    # All that was said would be in the app's reply, had it no receiver: the system's words, what tools returned.
    told = pipe.add(f"{step.name}-turns", "OutputAdapter",
                    {"template": "{{ messages | length }}", "output_type": "int"}, why)
    pipe.connect(f"{name}.messages", f"{told}.messages", why)
    return f"{name}.last_message"


def _unasked(pipe: Pipe, tool: View[Any], found: ToolServer) -> list[Sourced[str]]:
    """The functions that may run without anybody's word. The others are left out, since nobody would be asked."""
    kept = {name.value: name for name in found.functions}
    for function in functions(tool):
        approval = function.approval
        if approval is not None and approval.value != "none" and function.name.value in kept:
            at = function.node.at("approval") if function.node.has("approval") else tool.at("approval")
            pipe.unsupported(at, "nobody can be asked before a tool runs, so the model is not given it",
                             "let `langgraph` serve the flow")
            kept.pop(function.name.value)
    return list(kept.values())


def _inside(pipe: Pipe, word: Sourced[str], found: ToolServer) -> Sourced[str]:
    """A word of a command, which names a file where the app's container has it."""
    paths = {path.value if isinstance(path, Sourced) else path for path in found.files}
    return word.map(lambda w: f"{INSIDE}/{w}") if pipe.near is not None and word.value in paths else word


def server(
    pipe: Pipe, tool: View[Any], holder: Node, at: KeyPath, named: Sourced[str] | None
) -> dict[str, Any] | None:
    """The server of a tool, of which only the allowed functions are taken."""
    found = pipe.lowering.ask(ToolServer, tool, pipe.near)
    if found is None:
        pipe.error(at, f"no target says how {tool.address} is reached",
                   "its functions are called over the Model Context Protocol", "add conf/target/mcp.yaml")
        return None
    allowed = _unasked(pipe, tool, found)
    if not allowed:
        return None
    for variable in found.variables:
        pipe.reads(variable)
    asked = [function.approval for function in functions(tool)]
    pipe.servers.append(replace(found, functions=tuple(name.because(*asked) for name in allowed)))
    info: dict[str, Any] = {"type": SERVERS[found.transport]}
    if found.transport == "stdio":
        info["command"] = found.argv[0]
        info["args"] = [_inside(pipe, word, found) for word in found.argv[1:]]
        read: dict[str, Any] = dict(found.settings)
        read |= {v.name.value: pipe.secret(v) for v in found.variables}
        if read:
            info["env"] = read
    else:
        if found.url is None:
            pipe.error(at, "Haystack reads no address of a tool's server from a variable")
            return None
        info["url"] = found.url
        if found.key is not None:
            info["token"] = pipe.secret(found.key)
    made: dict[str, Any] = {"server_info": info, "tool_names": because(allowed, named)}
    timeout = tool.maybe_text("timeout")
    if timeout is not None:
        made["invocation_timeout"] = timeout.map(seconds)
    whole = component("MCPToolset", made)
    return {"type": whole["type"], "data": whole["init_parameters"]}
