"""Steps that do something by themselves: call a tool, run a function of the project, run another flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.flow import Step, Value, plan
from llmops.compiler.derive.tools import functions
from llmops.compiler.model.sourced import Sourced
from llmops.targets.haystack.agents import server
from llmops.targets.haystack.values import DATA, Wiring

RESULT = "result"


def tool(wiring: Wiring, step: Step) -> str | None:
    """One function of a tool's server."""
    pipe, found = wiring.pipe, step.resource
    if found is None:
        return None
    if found.value.get("mcp") is not None:
        pipe.error(step.node.at("tool"), "a step calls one function, and a server has several", "",
                   "let an agent call it")
        return None
    toolset = server(pipe, found, step.node, step.node.at("tool"), step.node.ref_name("tool"))
    if toolset is None:
        pipe.error(step.node.at("tool"), f"Haystack does not call {found.address}", "nobody is asked before it runs",
                   "let `langgraph` serve the flow")
        return None
    gives: list[str] = []
    name = pipe.add(f"{step.name}-tool", "ToolCall", {
        "tools": toolset, "function": next(functions(found)).name, "takes": list(step.bound), "gives": gives,
    }, step.node.ref_name("tool"))
    wiring.giving[step.name] = _asked(name, gives, {"": RESULT, "text": "text", "output": RESULT})
    return f"{name}.{RESULT}" if _fed(wiring, name, step.bound) else None


def code(wiring: Wiring, step: Step) -> str | None:
    """A function of a file of the project."""
    pipe, node = wiring.pipe, step.node
    file = node.text("code").map(lambda path: in_repository(pipe.lowering, path))
    function = node.maybe_text("function") or Sourced(step.name, (node.source(),), raw=True)
    if not file.value.endswith(".py"):
        pipe.error(node.at("code"), "Haystack runs functions of Python alone")
        return None
    pipe.code.append(file)
    gives: list[str] = []
    returns = {one: node.text("returns", one) for one in node.value.get("returns") or {}}
    name = pipe.add(f"{step.name}-code", "Function", {
        "file": file, "function": function, "takes": list(step.bound), "gives": gives, "returns": returns or None,
    }, node.text("code"))
    only = next(iter(returns)) if len(returns) == 1 else RESULT
    wiring.giving[step.name] = _asked(name, gives, {"": only, **{one: one for one in returns}})
    return f"{name}.{RESULT}" if _fed(wiring, name, step.bound) else None


def flow(wiring: Wiring, step: Step, lower: Callable[[Wiring], dict[str, str]]) -> str | None:
    """Another flow: a component that is a pipeline. `lower` gives the sockets of its outputs."""
    found, pipe = step.resource, wiring.pipe
    if found is None:
        return None
    inner = Wiring(pipe.inside(), plan(pipe.lowering.facts, found), {})
    sockets = lower(inner)
    for field in ("guardrails", "history", "stream", "budget", "timeout"):
        if found.has(field):
            pipe.unsupported(found.at(field), "a flow in a flow is served without it", "say it of the flow around")
    given: dict[str, str] = {}
    named = step.node.ref_name("flow")
    name = pipe.add(f"{step.name}-flow", "SuperComponent", {
        "pipeline": {"components": inner.pipe.components, "connections": inner.pipe.connections},
        "input_mapping": inner.pipe.inputs,
        "output_mapping": given,
    }, named)

    def asked(output: str) -> str | None:
        key = output or (next(iter(sockets)) if len(sockets) == 1 else "")
        if key not in sockets:
            return None
        given[sockets[key]] = key
        return f"{name}.{key}"

    wiring.giving[step.name] = asked
    missing = [key for key in inner.pipe.inputs if key not in step.bound]
    for key in missing:
        empty = pipe.add(f"{name}-no-{key}", "Constant", {"value": ""})
        pipe.connect(f"{empty}.value", f"{name}.{key}")
    bound = {key: value for key, value in step.bound.items() if key in inner.pipe.inputs}
    return f"{name}." if _fed(wiring, name, bound) else None


def _fed(wiring: Wiring, name: str, bound: Mapping[str, Value]) -> bool:
    done = [wiring.feed(value, f"{name}.{key}", DATA) for key, value in bound.items()]
    return all(done)


def _asked(name: str, gives: list[str], sockets: dict[str, str]) -> Callable[[str], str | None]:
    def asked(what: str) -> str | None:
        socket = sockets.get(what)
        if socket is None:
            return None
        if socket not in gives:
            gives.append(socket)
        return f"{name}.{socket}"

    return asked
