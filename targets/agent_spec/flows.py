"""A flow as nodes, and the edges along which control and values go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.flow import Plan, Step, Value, plan
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import View
from llmops.targets.agent_spec.document import TYPES, Document, reference, typed
from llmops.targets.agent_spec.drawing import COLLECTED, END, ITERATED, START, Drawing, label, named, title
from llmops.targets.agent_spec.steps import MAKERS

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


RUNS, ELSE = "runs", "default"
"""The branch to a step whose condition holds, and the standard's name for the other one."""
NOTHING: dict[str, Any] = {"string": "", "array": [], "object": {}}


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
    drawing = Drawing(document, id_, flow)
    ports = [_input(document, found, name, given.type) for name, given in drawn.inputs.items()]
    document.add("StartNode", drawing.node(START), START, inputs=ports, outputs=ports)
    nodes, ends = [START], []
    open_: list[tuple[str, str | None]] = [(START, None)]
    for step in drawn.steps:
        tests = list(_tests(drawing, step))
        if document.failed or not _step(drawing, step):
            return None
        drawing.order.append(step.name)
        left: list[tuple[str, str | None]] = []
        for name in (*tests, step.name):
            for before, branch in open_:
                drawing.then(before, name, branch, step.node.get("when") if tests else None)
            open_ = [(name, RUNS if name in tests else None)]
            left += [(name, ELSE)] if name in tests else []
        open_ += left
        nodes += [*tests, step.name]
    ends = _end(drawing, drawn)
    if document.failed:
        return None
    for before, branch in open_:
        drawing.then(before, END, branch)
    return document.add(
        "Flow", id_, found.label, description=found.maybe_text("description"), inputs=ports, outputs=ends,
        start_node=reference(drawing.node(START)),
        nodes=[reference(drawing.node(name)) for name in (*nodes, END)], control_flow_connections=drawing.control,
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
        if literal is None and drawing.absent(value):
            literal = _nothing(drawing, value, end)
        if literal is not None:
            end["default"] = literal
    return ends


def _shape(drawing: Drawing, value: Value) -> dict[str, Any]:
    """The type of a value: that of the port which gives it, which says more than the plan."""
    if value.first:
        several = [_shape(drawing, one) for one in value.first]
        return several[0] if len({_kind(one) for one in several}) == 1 else {}
    if value.step is not None:
        name = drawing.port(value)
        for one in drawing.document.components[drawing.node(value.step)].get("outputs", ()):
            if title(one) == name:
                return {key: item for key, item in one.items() if key != "title"}
    return TYPES.get(value.type, {})


def _kind(shape: dict[str, Any]) -> str | None:
    """The type that a schema says, which may stand in a config."""
    kind = shape.get("type")
    found = kind.value if isinstance(kind, Sourced) else kind
    return None if found is None else str(found)


def _nothing(drawing: Drawing, value: Value, wanted: dict[str, Any]) -> Any:
    """What an input has where the step that would fill it was left out: the standard wants a value there."""
    kind = _kind(wanted)
    if kind not in NOTHING:
        drawing.document.error(value.at, "Agent Spec has no value for what is not there",
                               f"a {kind}" if kind else "of any type", "let the step always run")
    return NOTHING.get(str(kind))


def _tests(drawing: Drawing, step: Step) -> Iterator[str]:
    """A branching node for each condition of a step, under names that no step has."""
    document, node = drawing.document, step.node
    for number, one in enumerate(step.conditions):
        at = node.at("when", str(one.value.text.value))
        kind = _kind(_shape(drawing, one.value)) or "string"
        if one.present is not None or kind != "string" or one.value.first:
            document.error(at, "Agent Spec branches by texts alone",
                           "whether something is there" if one.present is not None else f"a {kind}",
                           "let the step depend on a text, or another target run the flow")
            return
        name = f"{step.name}-when-{number}"
        why = Sourced(0, one.value.text.sources).because(node.get("when", str(one.value.text.value)))
        mapping = {str(word): RUNS for word in one.equals}
        document.add(
            "BranchingNode", drawing.node(name), name, why, mapping=Sourced(mapping, why.sources, raw=True),
            inputs=[{"title": "value", "type": "string"}], outputs=[],
        )
        drawing.bring(one.value, name, "value")
        drawing.spare.add(step.name)
        yield name


def _step(drawing: Drawing, step: Step) -> bool:
    """A node for a step, and the edges that fill it."""
    document, node = drawing.document, step.node
    if node.has("otherwise"):
        document.error(node.at("otherwise"), "Agent Spec is not written for a step in place of one that failed", "",
                       "take it apart into flows, or let another target run it")
        return False
    for name, why in OF_STEPS.items():
        if node.written(name):
            document.unsupported(node.at(name), why)
    return _mapped(drawing, step) if step.each is not None else _filled(drawing, step)


def _filled(drawing: Drawing, step: Step) -> bool:
    """One node, and what fills its inputs."""
    if not MAKERS[step.verb](drawing, step):
        return False
    taken = drawing.document.components[drawing.node(step.name)].get("inputs", ())
    for name, value in {**step.values, **step.bound}.items():
        target = next((one for one in taken if title(one) == name), None)
        if target is None:  # a variable that a prompt does not name: a rule says so
            if step.verb == "agent" and name == "input" and len(taken) != 1:
                drawing.document.unsupported(value.at, "an agent of a flow takes what its prompt names, no message",
                                             "give its prompt one variable")
            continue
        literal = drawing.bring(value, step.name, name)
        if literal is None and drawing.given is None and drawing.absent(value):
            literal = _nothing(drawing, value, target)
        if literal is not None:
            target["default"] = literal
    return not drawing.document.failed


def _mapped(drawing: Drawing, step: Step) -> bool:
    """A map node, which runs a flow of this step alone for each entry of a list, one after the other."""
    document, node = drawing.document, step.node
    inner = Drawing(document, f"{drawing.node(step.name)}.each", drawing.flow, given={})
    if not _filled(inner, step):
        return False
    assert inner.given is not None
    shape = document.components[inner.node(step.name)]
    taken = [{key: item for key, item in one.items() if key != "default"} for one in shape.get("inputs", ())
             if title(one) in inner.given]
    entries = [name for name, value in inner.given.items()
               if value.item and not value.path and any(title(one) == name for one in taken)]
    if len(entries) != 1 or any(value.path for value in inner.given.values() if value.item):
        document.error(node.at("each"), "a map node of Agent Spec gives each entry to one input, whole", "",
                       "bind `item` to one input of the step")
        return False
    said, why = shape["outputs"], node.get("each")
    document.add("StartNode", inner.node(START), START, why, inputs=taken, outputs=taken)
    document.add("EndNode", inner.node(END), END, why, inputs=said, outputs=said)
    for name, value in zip([title(one) for one in said], said, strict=True):
        inner.out(step.name, name, value)
    inner.then(START, step.name)
    inner.then(step.name, END)
    flow_ = document.add(
        "Flow", inner.id, label(step), why, inputs=taken, outputs=said, start_node=reference(inner.node(START)),
        nodes=[reference(inner.node(name)) for name in (START, step.name, END)],
        control_flow_connections=inner.control, data_flow_connections=inner.data,
    )
    document.add(
        "MapNode", drawing.node(step.name), label(step), why, subflow=flow_,
        inputs=[{"title": named(one, ITERATED), "anyOf": [_type(one), {"type": "array", "items": _type(one)}]}
                for one in taken],
        outputs=[{"title": named(one, COLLECTED), "type": "array", "items": _type(one)} for one in said],
        reducers={title(one): "append" for one in said},
    )
    assert step.each is not None
    _list_of(drawing, step.each, next(one for one in taken if title(one) == entries[0]))
    for name, value in inner.given.items():
        drawing.bring(step.each if value.item else value, step.name, f"{ITERATED}{name}")
    return not document.failed


def _list_of(drawing: Drawing, value: Value, entry: dict[str, Any]) -> None:
    """Says of a list what its entries are, where nothing does: a runtime knows by that what it goes through."""
    name = value.input if value.input is not None else drawing.port(value)
    where = START if value.input is not None else str(value.step)
    for one in drawing.document.components[drawing.node(where)].get("outputs", ()):
        if title(one) == name and one.get("items") == {}:
            one["items"] = _type(entry)


def _type(one: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in one.items() if key not in ("title", "default")}
