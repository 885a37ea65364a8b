"""A flow while it is drawn: the edges along which control and values go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.derive.flow import Step, Value
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At
from llmops.compiler.model.view import View
from llmops.targets.agent_spec.document import Document, component, reference

START, END = "start", "end"
COLLECTED, ITERATED = "collected_", "iterated_"
"""How the standard calls what a map node gives and takes."""


@dataclass(slots=True)
class Drawing:
    """The flow while it is drawn."""

    document: Document
    id: str
    flow: Callable[[Document, View[Any]], dict[str, Any] | None]
    """Draws a flow that a step runs."""
    control: list[dict[str, Any] | Sourced[dict[str, Any]]] = field(default_factory=list)
    data: list[Sourced[dict[str, Any]]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    """The steps that are drawn, one after the other."""
    spare: set[str] = field(default_factory=set)
    """Those that may be left out."""
    given: dict[str, Value] | None = None
    """In a flow that a map node runs for each entry: the values that it takes, by their names there."""

    def node(self, name: str) -> str:
        return f"{self.id}.{name}"

    def then(self, before: str, after: str, branch: str | None = None, why: Sourced[Any] | None = None) -> None:
        id_ = self.node(f"{before}-{after}")
        edge = component(
            "ControlFlowEdge", id_, f"{before}-{after}", from_node=reference(self.node(before)), from_branch=branch,
            to_node=reference(self.node(after)),
        )
        self.control.append(edge if why is None else Sourced(edge, why.sources, raw=True))

    def bring(self, value: Value, node: str, name: str) -> Any:
        """An edge that fills an input; a literal is no edge but the input's default, which is returned."""
        if self.given is not None and (value.first or value.item or value.input or value.step):
            self.given[name] = value
            self._edge(START, name, node, name, sources(value))
            return None
        if value.first:
            return self.first(value, node, name)
        if value.item:
            self.document.error(value.at, "Agent Spec has no word for a part of an entry", "")
            return None
        if value.input is None and value.step is None:
            return value.literal
        source, port = (START, value.input) if value.input is not None else (value.step, self.port(value))
        if port is None:
            return None
        self._edge(str(source), port, node, name, sources(value))
        return None

    def out(self, node: str, port: str, one: dict[str, Any]) -> None:
        """What a step gives, as what its flow gives."""
        self._edge(node, port, END, port, one["title"].sources if isinstance(one["title"], Sourced) else ())

    def _edge(self, source: str, port: str, node: str, name: str, why: tuple[Any, ...]) -> None:
        id_ = self.node(f"{source}.{port}-{node}.{name}")
        edge = component(
            "DataFlowEdge", id_, f"{source}.{port}-{node}.{name}", source_node=reference(self.node(source)),
            source_output=port, destination_node=reference(self.node(node)), destination_input=name,
        )
        self.data.append(Sourced(edge, why, raw=True))

    def first(self, value: Value, node: str, name: str) -> None:
        """Edges into one input: of those that have come, the last one counts. So the first must come last."""
        places = [-1 if one.step is None else self.order.index(one.step) for one in value.first]
        if any(one.literal is not None for one in value.first) or places != sorted(places, reverse=True):
            self.document.error(value.at, "Agent Spec takes the last of several values, in the order of the steps",
                                "the first of several", "name the step that runs last first")
            return
        for one in value.first:
            self.bring(one, node, name)

    def absent(self, value: Value) -> bool:
        """Whether there may be nothing, because the step that gives it may be left out."""
        if value.first:
            return all(self.absent(one) for one in value.first)
        return value.step in self.spare

    def port(self, value: Value) -> str | None:
        """The output of a step that holds a value."""
        outputs = [one["title"] for one in self.document.components[self.node(str(value.step))].get("outputs", ())]
        names = [one.value if isinstance(one, Sourced) else one for one in outputs]
        several = f"{COLLECTED}{value.path[-1] if value.path else ''}"
        if several in names:
            return several
        wanted = [part for part in value.path if part not in ("output",)]
        if not wanted and len(names) == 1:
            return str(names[0])
        if len(wanted) == 1 and wanted[0] in names:
            return str(wanted[0])
        self.document.error(value.at, f"step `{value.step}` gives no `{'.'.join(value.path)}` in Agent Spec",
                            f"it gives: {', '.join(map(str, names))}")
        return None


def sources(value: Value) -> tuple[Any, ...]:
    return (At(value.text.sources[0].env, value.at),) if value.text.sources and isinstance(value.text.sources[0], At) \
        else value.text.sources


def label(step: Step) -> Sourced[str]:
    return Sourced(step.name, (step.node.source(),), raw=True)


def title(one: dict[str, Any]) -> Any:
    return one["title"].value if isinstance(one["title"], Sourced) else one["title"]


def named(one: dict[str, Any], prefix: str) -> Any:
    """The title with something before it."""
    found = one["title"]
    return found.express(lambda text: f"{prefix}{text}") if isinstance(found, Sourced) else f"{prefix}{found}"
