"""Agents: one alone, or several that hand over to each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.ports import typed as declared
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import View
from llmops.targets.agent_spec.document import Document, reference, typed
from llmops.targets.agent_spec.models import fields, model, placeholders, template
from llmops.targets.agent_spec.tools import listed

UNSAID = {
    "max_steps": "it counts no calls to the model", "budget": "it counts no cost", "timeout": "it has no time limit",
    "memory": "what a conversation keeps is the runtime's to decide", "guardrails": "no guardrail stands in its way",
    "approval": "a tool asks, not an agent: `approval` of the tools is kept",
}
"""What the standard has no word for, of an agent."""


def agent(document: Document, found: View[Any], alone: bool = True) -> dict[str, Any] | None:
    """The reference to an agent; to a swarm where it may hand over."""
    id_ = str(found.address)
    if id_ not in document.components and not _one(document, found, alone):
        return None
    if not alone or not found.value.get("handoffs"):
        return reference(id_)
    team = list(_team(found))
    for one in team:
        if not one.has("description"):
            document.error(one.at(), f"{one.address} can be handed a conversation, and has no description",
                           "the others choose by it", "say in `description` what it is for")
        if str(one.address) not in document.components and not _one(document, one, alone):
            return None
    pairs = [
        Sourced([reference(str(one.address)), reference(str(other.address))], (one.source("handoffs", number),))
        for one in team for number, other in _handoffs(one)
    ]
    return document.add("Swarm", f"{id_}.swarm", found.label, first_agent=reference(id_), relationships=pairs,
                        handoff="always")


def _handoffs(found: View[Any]) -> Iterator[tuple[int, View[Any]]]:
    for number in range(len(found.value.get("handoffs") or ())):
        other = found.ref("handoffs", number)
        if other is not None:
            yield number, other


def _team(found: View[Any]) -> Iterator[View[Any]]:
    """The agent and all that a conversation can come to, each once."""
    seen, todo = {found.address}, [found]
    while todo:
        one = todo.pop(0)
        yield one
        for _, other in _handoffs(one):
            if other.address not in seen:
                seen.add(other.address)
                todo.append(other)


def _one(document: Document, found: View[Any], alone: bool) -> bool:
    prompt = found.ref("prompt")
    text = None if prompt is None else template(document, prompt, found.value["model"], found.ref_name("prompt"))
    llm = model(document, f"{found.address}.model", found, prompt)
    outputs = fields(document, found)
    if prompt is None or text is None or llm is None or outputs is None:
        return False
    for field, why in UNSAID.items():
        if found.has(field):
            document.unsupported(found.at(field), why)
    known, boxes = listed(document, found)
    said = outputs or ([] if alone else [{"title": "text", "type": "string"}])
    document.add(
        "Agent", str(found.address), found.label, description=found.maybe_text("description"),
        inputs=inputs(document, prompt, text), outputs=said or None, llm_config=llm, system_prompt=text,
        tools=known or None, toolboxes=boxes or None, human_in_the_loop=None if alone else False,
    )
    return True


def inputs(document: Document, prompt: View[Any], text: Sourced[str]) -> list[dict[str, Any]]:
    """The placeholders, with the types that the prompt declares."""
    made = []
    for name in placeholders(text, prompt):
        kind = declared(prompt.value["variables"][name]).type
        found = typed(Sourced(name, (prompt.source("variables", name),), raw=True), kind)
        if found is None:
            document.error(prompt.at("variables", name), f"Agent Spec has no type for `{name}`", f"a {kind}")
        else:
            made.append(found)
    return made
