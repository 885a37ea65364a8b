"""A flow as nodes, and the edges along which control and values go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.derive.flow import Plan, Step, Value, plan
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At
from llmops.compiler.model.view import View
from llmops.targets.agent_spec.agents import agent, inputs
from llmops.targets.agent_spec.document import TYPES, Document, component, reference, typed
from llmops.targets.agent_spec.models import fields, model, template
from llmops.targets.agent_spec.tools import function, listed

UNSAID = {
    "guardrails": "no guardrail stands in its way", "history": "a flow has one turn", "budget": "it counts no cost",
    "timeout": "it has no time limit", "stream": "the runtime decides",
}
OF_STEPS = {
    "timeout": "a step has no time limit", "retries": "a step is not tried again", "cache": "nothing is kept",
    "tool_choice": "the model chooses", "filter": "the runtime's own search decides",
    "score_threshold": "the runtime's own search decides", "top_k": "the runtime's own search decides",
    "candidates": "the runtime's own search decides", "ranker": "the runtime's own search decides",
    "planner": "the runtime's own search decides",
}
START, END = "start", "end"


@dataclass(slots=True)
class Drawing:
    """The flow while it is drawn."""

    document: Document
    id: str
    control: list[dict[str, Any]] = field(default_factory=list)
    data: list[Sourced[dict[str, Any]]] = field(default_factory=list)

    def node(self, name: str) -> str:
        return f"{self.id}.{name}"

    def then(self, before: str, after: str) -> None:
        id_ = self.node(f"{before}-{after}")
        self.control.append(component(
            "ControlFlowEdge", id_, f"{before}-{after}", from_node=reference(self.node(before)),
            to_node=reference(self.node(after)),
        ))

    def bring(self, value: Value, node: str, name: str) -> Any:
        """An edge that fills an input; a literal is no edge but the input's default, which is returned."""
        if value.first or value.item:
            self.document.error(value.at, "Agent Spec has no word for this value", "the first of several, or an entry")
            return None
        if value.input is None and value.step is None:
            return value.literal
        source, port = (START, value.input) if value.input is not None else (value.step, self.port(value))
        if port is None:
            return None
        id_ = self.node(f"{source}.{port}-{node}.{name}")
        edge = component(
            "DataFlowEdge", id_, f"{source}.{port}-{node}.{name}", source_node=reference(self.node(str(source))),
            source_output=port, destination_node=reference(self.node(node)), destination_input=name,
        )
        self.data.append(Sourced(edge, _sources(value), raw=True))
        return None

    def port(self, value: Value) -> str | None:
        """The output of a step that holds a value."""
        outputs = [one["title"] for one in self.document.components[self.node(str(value.step))].get("outputs", ())]
        names = [one.value if isinstance(one, Sourced) else one for one in outputs]
        wanted = [part for part in value.path if part not in ("output",)]
        if not wanted and len(names) == 1:
            return str(names[0])
        if len(wanted) == 1 and wanted[0] in names:
            return str(wanted[0])
        self.document.error(value.at, f"step `{value.step}` gives no `{'.'.join(value.path)}` in Agent Spec",
                            f"it gives: {', '.join(map(str, names))}")
        return None


def _sources(value: Value) -> tuple[Any, ...]:
    return (At(value.text.sources[0].env, value.at),) if value.text.sources and isinstance(value.text.sources[0], At) \
        else value.text.sources


def flow(document: Document, found: View[Any]) -> dict[str, Any] | None:
    """The reference to a flow, drawn once."""
    id_ = str(found.address)
    if id_ in document.components:
        return reference(id_)
    drawn = plan(document.lowering.facts, found)
    if drawn.problems and any(not problem.weak for problem in drawn.problems):
        return None  # a rule reports them
    for name, why in UNSAID.items():
        if found.has(name):
            document.unsupported(found.at(name), why)
    drawing = Drawing(document, id_)
    ports = [_input(document, found, name, given.type) for name, given in drawn.inputs.items()]
    document.add("StartNode", drawing.node(START), START, inputs=ports, outputs=ports)
    order = [START]
    for step in drawn.steps:
        if not _step(drawing, step):
            return None
        order.append(step.name)
    ends = _end(drawing, drawn)
    if document.failed:
        return None
    for before, after in zip(order, [*order[1:], END], strict=True):
        drawing.then(before, after)
    nodes = [reference(drawing.node(name)) for name in (*order, END)]
    return document.add(
        "Flow", id_, found.label, description=found.maybe_text("description"), inputs=ports, outputs=ends,
        start_node=reference(drawing.node(START)), nodes=nodes, control_flow_connections=drawing.control,
        data_flow_connections=drawing.data,
    )


def _input(document: Document, found: View[Any], name: str, kind: str) -> dict[str, Any]:
    made = typed(Sourced(name, (found.source("inputs", name),), raw=True), kind)
    if made is None:
        document.error(found.at("inputs", name), f"Agent Spec has no type for `{name}`", f"a {kind}")
    return made or {}


def _end(drawing: Drawing, drawn: Plan) -> list[dict[str, Any]]:
    found = drawn.flow
    ends = [
        {"title": Sourced(name, (found.source("outputs", name),), raw=True), **_shape(drawing, value)}
        for name, value in drawn.outputs.items()
    ]
    drawing.document.add("EndNode", drawing.node(END), END, inputs=ends, outputs=ends)
    for (name, value), end in zip(drawn.outputs.items(), ends, strict=True):
        literal = drawing.bring(value, END, name)
        if literal is not None:
            end["default"] = literal
    return ends


def _shape(drawing: Drawing, value: Value) -> dict[str, Any]:
    """The type of a value: that of the port which gives it, which says more than the plan."""
    if value.step is not None:
        name = drawing.port(value)
        for one in drawing.document.components[drawing.node(value.step)].get("outputs", ()):
            if _title(one) == name:
                return {key: item for key, item in one.items() if key != "title"}
    return TYPES.get(value.type, {})


def _step(drawing: Drawing, step: Step) -> bool:
    """A node for a step, and the edges that fill it."""
    document, node = drawing.document, step.node
    for name, why in (("when", "a step that may be left out"), ("each", "a step for each entry of a list"),
                      ("otherwise", "a step in place of one that failed")):
        if node.has(name):
            document.error(node.at(name), f"Agent Spec is not written for {why}", "",
                           "take it apart into flows, or let another target run it")
            return False
    for name, why in OF_STEPS.items():
        if node.written(name):
            document.unsupported(node.at(name), why)
    made = _MAKERS[step.verb](drawing, step)
    if not made:
        return False
    taken = drawing.document.components[drawing.node(step.name)].get("inputs", ())
    for name, value in {**step.values, **step.bound}.items():
        literal = drawing.bring(value, step.name, name)
        target = next((one for one in taken if _title(one) == name), None)
        if literal is not None and target is not None:
            target["default"] = literal
    return not document.failed


def _title(one: dict[str, Any]) -> Any:
    return one["title"].value if isinstance(one["title"], Sourced) else one["title"]


def _label(step: Step) -> Sourced[str]:
    return Sourced(step.name, (step.node.source(),), raw=True)


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
            "Agent", f"{id_}.agent", _label(step), inputs=ports, outputs=said, llm_config=llm, system_prompt=text,
            tools=known or None, toolboxes=boxes or None, human_in_the_loop=False,
        )
        document.add("AgentNode", id_, _label(step), agent=inner, inputs=ports, outputs=said)
    else:
        document.add("LlmNode", id_, _label(step), llm_config=llm, prompt_template=text, inputs=ports, outputs=said)
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
        "LlmNode", id_, _label(step), llm_config=llm, prompt_template="{{ input }}",
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
    document.add("ToolNode", drawing.node(step.name), _label(step), tool=tool, inputs=ports, outputs=said)
    return True


def _tool(drawing: Drawing, step: Step) -> bool:
    tool = step.resource
    if tool is None or tool.value.get("mcp") is not None:
        drawing.document.error(step.node.at("tool"), "a step calls one function, and a server has several",
                               "", "let an agent call it")
        return False
    made = function(drawing.document, tool, step.node.ref_name("tool"))
    shape = drawing.document.components[str(tool.address)]
    drawing.document.add("ToolNode", drawing.node(step.name), _label(step), tool=made,
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
        value = step.values["input"]
        drawing.bring(value, step.name, str(_title(ports[0])))
    document.add("AgentNode", drawing.node(step.name), _label(step), agent=made, inputs=ports or None,
                 outputs=shape["outputs"])
    return True


def _flow(drawing: Drawing, step: Step) -> bool:
    found = step.resource
    made = None if found is None else flow(drawing.document, found)
    if found is None or made is None:
        return False
    shape = drawing.document.components[str(found.address)]
    drawing.document.add("FlowNode", drawing.node(step.name), _label(step), subflow=made,
                         inputs=[dict(one) for one in shape["inputs"]], outputs=shape["outputs"])
    return True


def _code(drawing: Drawing, step: Step) -> bool:
    """Code of the project: a tool that the runtime must be given by its name."""
    node = step.node
    name = node.maybe_text("function") or _label(step)
    drawing.document.unsupported(node.at("code"), f"the runtime must be given a tool `{name.value}`",
                                 "register the function of that file")
    node.text("code")
    ports = [typed(key, value.type) or {} for key, value in step.bound.items()]
    said = [typed(key, kind) or {} for key, kind in step.gives.items() if key]
    said = said or [{"title": "result"}]
    tool = drawing.document.add("ServerTool", f"{drawing.node(step.name)}.code", name, inputs=ports, outputs=said)
    drawing.document.add("ToolNode", drawing.node(step.name), _label(step), tool=tool, inputs=ports, outputs=said)
    return True


_MAKERS = {
    "prompt": _prompt, "model": _model, "index": _index, "tool": _tool, "agent": _agent, "flow": _flow, "code": _code,
}
