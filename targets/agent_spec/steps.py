"""A node for what a step does."""

from __future__ import annotations

from llmops.compiler.derive.flow import Step
from llmops.compiler.model.sourced import Sourced
from llmops.targets.agent_spec.agents import agent, inputs
from llmops.targets.agent_spec.document import typed
from llmops.targets.agent_spec.drawing import Drawing, label, title
from llmops.targets.agent_spec.models import fields, model, template
from llmops.targets.agent_spec.tools import function, listed


def _prompt(drawing: Drawing, step: Step) -> bool:
    document, prompt, id_ = drawing.document, step.prompt, drawing.node(step.name)
    if prompt is None or step.model is None:
        return False
    text = template(document, prompt, step.model.address.name, step.node.ref_name("prompt"))
    llm = model(document, f"{id_}.model", step.node, prompt)
    outputs = fields(document, prompt)
    if text is None or llm is None or outputs is None:
        return False
    ports = inputs(document, prompt, text)
    said = outputs or [{"title": "text", "type": "string"}]
    if step.node.value.get("tools"):
        known, boxes = listed(document, step.node)
        inner = document.add(
            "Agent", f"{id_}.agent", label(step), inputs=ports, outputs=said, llm_config=llm, system_prompt=text,
            tools=known or None, toolboxes=boxes or None, human_in_the_loop=False,
        )
        document.add("AgentNode", id_, label(step), agent=inner, inputs=ports, outputs=said)
    else:
        document.add("LlmNode", id_, label(step), llm_config=llm, prompt_template=text, inputs=ports, outputs=said)
    return True


def _model(drawing: Drawing, step: Step) -> bool:
    if step.gives.get("text") != "string" or "input" not in step.values:
        drawing.document.error(step.node.at("model"), "Agent Spec has no node for what this model does",
                               "it knows models that answer", "let another target run the flow")
        return False
    id_ = drawing.node(step.name)
    llm = model(drawing.document, f"{id_}.model", step.node, None)
    if llm is None:
        return False
    drawing.document.add(
        "LlmNode", id_, label(step), llm_config=llm, prompt_template="{{ input }}",
        inputs=[{"title": "input", "type": "string"}], outputs=[{"title": "text", "type": "string"}],
    )
    return True


def _index(drawing: Drawing, step: Step) -> bool:
    """The standard has no retrieval: a tool that the runtime must be given by its name."""
    document, index = drawing.document, step.resource
    if index is None:
        return False
    name = f"search_{index.address.name}"
    document.unsupported(step.node.at("index"), f"it has no retrieval: the runtime must be given a tool `{name}`",
                         "register a function that takes `query` and returns the texts of the passages")
    ports = [{"title": "query", "type": "string"}]
    said = [{"title": "documents", "type": "array", "items": {"type": "string"}}]
    named = step.node.ref_name("index")
    tool = document.add(
        "ServerTool", str(index.address), Sourced(name, named.sources if named else (), raw=True),
        description=index.maybe_text("description"), inputs=ports, outputs=said,
    )
    document.add("ToolNode", drawing.node(step.name), label(step), tool=tool, inputs=ports, outputs=said)
    return True


def _tool(drawing: Drawing, step: Step) -> bool:
    tool = step.resource
    if tool is None or tool.value.get("mcp") is not None:
        drawing.document.error(step.node.at("tool"), "a step calls one function, and a server has several",
                               "", "let an agent call it")
        return False
    made = function(drawing.document, tool, step.node.ref_name("tool"))
    shape = drawing.document.components[str(tool.address)]
    drawing.document.add("ToolNode", drawing.node(step.name), label(step), tool=made,
                         inputs=[dict(one) for one in shape["inputs"]], outputs=shape["outputs"])
    return True


def _agent(drawing: Drawing, step: Step) -> bool:
    document, found = drawing.document, step.resource
    if found is None:
        return False
    if found.value.get("handoffs"):
        document.unsupported(found.at("handoffs"), "an agent in a flow hands nothing over")
    made = agent(document, found, alone=False)
    if made is None:
        return False
    shape = document.components[str(found.address)]
    ports = [dict(one) for one in shape.get("inputs", ())]
    if "input" in step.values and len(ports) == 1:
        drawing.bring(step.values["input"], step.name, str(title(ports[0])))
    document.add("AgentNode", drawing.node(step.name), label(step), agent=made, inputs=ports or None,
                 outputs=shape["outputs"])
    return True


def _flow(drawing: Drawing, step: Step) -> bool:
    found = step.resource
    made = None if found is None else drawing.flow(drawing.document, found)
    if found is None or made is None:
        return False
    shape = drawing.document.components[str(found.address)]
    drawing.document.add("FlowNode", drawing.node(step.name), label(step), subflow=made,
                         inputs=[dict(one) for one in shape["inputs"]], outputs=shape["outputs"])
    return True


def _code(drawing: Drawing, step: Step) -> bool:
    """Code of the project: a tool that the runtime must be given by its name."""
    node = step.node
    name = node.maybe_text("function") or label(step)
    drawing.document.unsupported(node.at("code"), f"the runtime must be given a tool `{name.value}`",
                                 "register the function of that file")
    node.text("code")
    ports = [typed(key, value.type) or {} for key, value in step.bound.items()]
    said = [typed(key, kind) or {} for key, kind in step.gives.items() if key]
    said = said or [{"title": "result"}]
    tool = drawing.document.add("ServerTool", f"{drawing.node(step.name)}.code", name, inputs=ports, outputs=said)
    drawing.document.add("ToolNode", drawing.node(step.name), label(step), tool=tool, inputs=ports, outputs=said)
    return True


MAKERS = {
    "prompt": _prompt, "model": _model, "index": _index, "tool": _tool, "agent": _agent, "flow": _flow, "code": _code,
}
