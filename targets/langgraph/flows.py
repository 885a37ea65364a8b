"""A flow, as the runtime reads it: its steps in an order in which they can run, and where each value comes from."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.flow import Condition, Step, Value, plan
from llmops.compiler.derive.ports import ANY, DOCUMENTS, inputs
from llmops.compiler.derive.tools import functions
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import View
from llmops.targets.langgraph import guards as guarding
from llmops.targets.langgraph.agents import called, words
from llmops.targets.langgraph.searches import index
from llmops.targets.langgraph.tools import reached_by, servers
from llmops.targets.langgraph.work import Work

UNSAID = {"history": "a flow has one turn", "stream": "an answer is sent whole"}
OF_STEPS = {"cache": "nothing is kept", "tool_choice": "the model chooses"}


def flow(work: Work, found: View[Any]) -> dict[str, Any] | None:
    """Its entry in app.json; what it calls is added to the work's own lists. None where it cannot be run."""
    drawn = plan(work.lowering.facts, found)
    if any(not problem.weak for problem in drawn.problems):
        return None  # a rule reports them
    for field, why in UNSAID.items():
        if found.has(field):
            work.unsupported(found.at(field), why)
    made: dict[str, Any] = {
        "inputs": {
            name: Sourced(given.required, (found.source("inputs", name),)) for name, given in drawn.inputs.items()
        },
        "steps": [one for step in drawn.steps if (one := _step(work, step)) is not None],
        "outputs": {name: value(one) for name, one in drawn.outputs.items()},
    }
    timeout = found.maybe_text("timeout")
    if timeout is not None:
        made["timeout"] = timeout.map(seconds)
    guards = guarding.listed(work, found)
    if guards:
        made["guards"] = guards
        answer = "answer" if "answer" in drawn.outputs else next(iter(drawn.outputs))
        made["answer"] = Sourced(answer, (found.source("outputs", answer),), raw=True)
    return {**made, **guarding.budget(work, found)}


def value(found: Value, wanted: str = ANY) -> dict[str, Any]:
    """Where a value comes from; its origins stand at what it names. Where a text is `wanted`, passages are joined."""
    if found.type == DOCUMENTS and wanted == "string":
        return {**value(found), "joined": Sourced(True, found.text.sources, raw=True)}
    if found.first:
        return {"first": [value(one) for one in found.first]}
    path = {"path": list(found.path)} if found.path else {}
    if found.input is not None:
        return {"input": Sourced(found.input, found.text.sources, raw=True), **path}
    if found.step is not None:
        return {"step": Sourced(found.step, found.text.sources, raw=True), **path}
    if found.item:
        return {"item": Sourced(True, found.text.sources, raw=True), **path}
    return {"literal": found.literal}


def _step(work: Work, step: Step) -> dict[str, Any] | None:
    node = step.node
    for field, why in OF_STEPS.items():
        if node.written(field) and (field, node.value[field]) != ("tool_choice", "auto"):
            work.unsupported(node.at(field), why)
    doing = _MAKERS[step.verb](work, step)
    if doing is None:
        return None
    made: dict[str, Any] = {"name": Sourced(step.name, (node.source(),), raw=True), **doing}
    if step.bound and step.verb != "index":
        ports = inputs(node, step.verb)
        made["with"] = {
            name: value(one, ports[name].type if name in ports else ANY) for name, one in step.bound.items()
        }
    if "input" in step.values:
        made["input"] = value(step.values["input"], "string")
    if step.verb == "index":
        made["query"] = value(step.values["query"], "string")
        if step.filters:
            made["filter"] = {field: value(one) for field, one in step.filters.items()}
    if step.conditions:
        made["when"] = [_condition(one) for one in step.conditions]
    if step.each is not None:
        made["each"] = value(step.each)
    if step.otherwise is not None:
        made["otherwise"] = Sourced(step.otherwise, (node.source("otherwise"),), raw=True)
    retries, timeout = node.maybe_integer("retries"), node.maybe_text("timeout")
    if retries is not None:
        made["retries"] = retries
    if timeout is not None:
        made["timeout"] = timeout.map(seconds)
    return made


def _condition(found: Condition) -> dict[str, Any]:
    if found.present is not None:
        return {"value": value(found.value), "present": Sourced(found.present, found.value.text.sources, raw=True)}
    return {"value": value(found.value), "equals": Sourced(list(found.equals), found.value.text.sources, raw=True)}


def _prompt(work: Work, step: Step) -> dict[str, Any] | None:
    """A model with a prompt is an agent of this step alone, with one call where it has no tools."""
    prompt, node = step.prompt, step.node
    model = called(work, node, prompt)
    if prompt is None or step.model is None or model is None:
        return None
    made: dict[str, Any] = {"model": model, **words(work, prompt, step.model.address.name, node.ref_name("prompt"))}
    listed = servers(work, node, work.servers)
    made["max_steps"] = literal(_STEPS_WITH_TOOLS if listed else 1)
    if listed:
        made["servers"] = listed
    return {"agent": made}


_STEPS_WITH_TOOLS = 10
"""The most calls to the model of a step that may call tools; an agent says its own number."""


def _model(work: Work, step: Step) -> dict[str, Any] | None:
    model = called(work, step.node, None)
    if step.gives.get("text") != "string" or "input" not in step.values:
        work.error(step.node.at("model"), "the runtime has no step for what this model does",
                   "it calls models that answer", "let another engine serve the flow")
        return None
    if model is None:
        return None
    return {"agent": {"model": model, "messages": [], "syntax": literal("none"), "variables": {},
                      "max_steps": literal(1)}}


def _tool(work: Work, step: Step) -> dict[str, Any] | None:
    tool = step.resource
    if tool is None or tool.value.get("mcp") is not None:
        work.error(step.node.at("tool"), "a step calls one function, and a server has several", "",
                   "let an agent call it")
        return None
    named = reached_by(work, tool, step.node.at("tool"), step.node.ref_name("tool"), work.servers)
    return None if named is None else {"tool": {"server": named, "function": next(functions(tool)).name}}


def _agent(work: Work, step: Step) -> dict[str, Any] | None:
    found = step.resource
    if found is None:
        return None
    work.agents.append((found, step.node.ref_name("agent")))
    return {"agent": step.node.ref_name("agent")}


def _flow(work: Work, step: Step) -> dict[str, Any] | None:
    found = step.resource
    if found is None:
        return None
    work.flows.append((found, step.node.ref_name("flow")))
    return {"flow": step.node.ref_name("flow")}


def _code(work: Work, step: Step) -> dict[str, Any] | None:
    node = step.node
    name = node.maybe_text("function") or Sourced(step.name, (node.source(),), raw=True)
    file = node.text("code")
    work.code.append(file.map(lambda path: in_repository(work.lowering, path)))
    return {"code": {"file": file, "function": name}}


_MAKERS = {
    "prompt": _prompt, "model": _model, "index": index, "tool": _tool, "agent": _agent, "flow": _flow, "code": _code,
}
