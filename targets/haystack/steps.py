"""Each step of a flow as components, in the order in which the plan runs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llmops.compiler.derive.flow import Step, Value
from llmops.compiler.derive.model import task
from llmops.compiler.derive.ports import DOCUMENTS
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import View
from llmops.targets.haystack import doing, nested
from llmops.targets.haystack.agents import agent, with_tools
from llmops.targets.haystack.calls import chat, embedder, ranker
from llmops.targets.haystack.conditions import gate, into
from llmops.targets.haystack.pipe import Pipe
from llmops.targets.haystack.prompts import builder
from llmops.targets.haystack.searches import search
from llmops.targets.haystack.values import DATA, PASSAGES, Wiring, output, plain, wanted

MESSAGES = "list[haystack.dataclasses.chat_message.ChatMessage]"
HISTORY = "history"
"""The input of an app that holds what was said before."""


def lower_plan(wiring: Wiring) -> dict[str, str]:
    """All steps of the wiring's plan, and the socket of each output."""
    spare = {step.otherwise for step in wiring.plan.steps}
    for step in wiring.plan.steps:
        if step.name not in spare:
            lower_step(wiring, step)
    sockets = {name: output(wiring, name, value) for name, value in wiring.plan.outputs.items()}
    return {name: socket for name, socket in sockets.items() if socket is not None}


def lower_step(wiring: Wiring, step: Step) -> None:
    """The step's components; the socket that gives its value is noted. What it cannot do is reported."""
    _common(wiring.pipe, step)
    made = nested.lower(wiring, step, _made) if nested.wanted(step) else _made(wiring, step)
    if made is not None:
        wiring.gives[step.name] = made


def _made(wiring: Wiring, step: Step) -> str | None:
    if step.verb == "flow":
        return doing.flow(wiring, step, lower_plan)
    return {
        "prompt": _prompt, "index": search, "model": _model, "agent": _agent, "tool": doing.tool, "code": doing.code,
    }[step.verb](wiring, step)


def _common(pipe: Pipe, step: Step) -> None:
    node = step.node
    if node.has("cache"):
        pipe.unsupported(node.at("cache"), "it keeps no results", "use the gateway's `cache`")


# --- prompts and models -------------------------------------------------------------------------------------------


def _prompt(wiring: Wiring, step: Step) -> str | None:
    prompt, model, pipe = step.prompt, step.model, wiring.pipe
    if prompt is None or model is None:
        return None
    ready = _built(wiring, step, prompt, model.address.name)
    if step.node.value.get("tools"):
        return with_tools(wiring, step, prompt, model, ready)
    if step.node.has("tool_choice"):
        pipe.unsupported(step.node.at("tool_choice"), "the step has no tools")
    made = chat(pipe, model, step.node, prompt)
    if made is None:
        return None
    name = f"{step.name}-model"
    pipe.components[name] = made
    pipe.connect(ready, f"{name}.messages")
    return f"{name}.replies"


def _built(wiring: Wiring, step: Step, prompt: View[Any], model: str) -> str:
    """The builder of the step's messages, behind its condition; the socket that gives them."""
    fixed = {name: _said(value) for name, value in step.bound.items() if value.literal is not None}
    named = step.node.ref_name("prompt") or step.node.ref_name("agent")
    if named is not None and step.verb == "agent" and step.resource is not None:
        named = named.because(step.resource.ref_name("prompt"))
    name = wiring.pipe.add(f"{step.name}-prompt", "ChatPromptBuilder",
                           builder(wiring.pipe, prompt, model, fixed, named))
    types = {key: _type(declared) for key, declared in (prompt.value.get("variables") or {}).items()}
    for key, value in step.bound.items():
        if key in types and key not in fixed:
            wiring.feed(_declared(prompt, key, value), f"{name}.{key}", wanted(types[key]))
    return _remembered(wiring, step, gate(wiring, step, f"{name}.prompt", MESSAGES))


def _remembered(wiring: Wiring, step: Step, ready: str) -> str:
    """What was said before stands between the system's words and the question."""
    kept = wiring.plan.flow.node(HISTORY) if wiring.plan.flow.has(HISTORY) and wiring.remembers else None
    if kept is None:
        return ready
    why = Sourced(0, (wiring.plan.flow.source(HISTORY),))
    name = wiring.pipe.add(f"{step.name}-history", "Conversation", {
        "turns": kept.maybe_integer("turns"), "tokens": kept.maybe_integer("tokens"),
    }, why)
    wiring.pipe.connect(ready, f"{name}.messages", why)
    said = Value(Sourced(HISTORY, why.sources), wiring.plan.flow.at(HISTORY), "array", input=HISTORY)
    wiring.feed(said, f"{name}.{HISTORY}", DATA)
    return f"{name}.messages"


def _declared(prompt: View[Any], key: str, value: Value) -> Value:
    """A value for a variable, whose type decides in which form passages go there."""
    if value.type != DOCUMENTS:
        return value
    typed = ("type",) if isinstance(prompt.value["variables"][key], dict) else ()
    places = (prompt.source("variables", key, *typed),)
    return replace(value, text=value.text.because(Sourced(0, places)))


def _type(declared: Any) -> str:
    return str(declared.get("type", "any") if isinstance(declared, dict) else declared)


def _said(value: Value) -> Sourced[Any]:
    data = value.literal
    return data if isinstance(data, Sourced) else Sourced(plain(data), value.text.sources)


def _agent(wiring: Wiring, step: Step) -> str | None:
    found = step.resource
    prompt = found.ref("prompt") if found is not None else None
    model = found.ref("model") if found is not None else None
    if found is None or prompt is None or model is None:
        return None
    ready = _built(wiring, step, prompt, model.address.name)
    return agent(wiring, step, found, prompt, model, ready)


def _model(wiring: Wiring, step: Step) -> str | None:
    """A model alone: what it does follows from its task."""
    model, pipe = step.model, wiring.pipe
    if model is None:
        return None
    known = task(pipe.lowering.facts, model)
    what = known.value if known is not None else "chat"
    value = step.values.get("input")
    if value is None:
        return None
    if what == "embedding":
        made = embedder(pipe, "OpenAITextEmbedder", model, step.node, "model", None, step.node)
        if made is None:
            return None
        name = f"{step.name}-embedder"
        pipe.components[name] = made
        return f"{name}.embedding" if into(wiring, step, value, f"{name}.text") else None
    if what == "chat":
        made = chat(pipe, model, step.node)
        if made is None:
            return None
        name = f"{step.name}-model"
        pipe.components[name] = made
        return f"{name}.replies" if into(wiring, step, value, f"{name}.messages") else None
    if what == "rerank":
        return _sorted(wiring, step, model)
    pipe.error(step.node.at("model"), f"Haystack has no component for {what} by this API", f"{model.address} does that")
    return None


def _sorted(wiring: Wiring, step: Step, model: View[Any]) -> str | None:
    """Passages, sorted again by a model that compares each with the question."""
    pipe, query, passages = wiring.pipe, step.values.get("query"), step.values.get("input")
    if query is None or passages is None:
        return None
    if passages.type != DOCUMENTS:
        pipe.error(passages.at, "Haystack sorts passages alone", "", "name the step that searches")
        return None
    made = ranker(pipe, model, step.node, step.node.maybe_integer("top_n") or step.node.maybe_integer("top_k"))
    if made is None:
        return None
    name = f"{step.name}-ranker"
    pipe.components[name] = made
    fed = into(wiring, step, query, f"{name}.query")
    return f"{name}.documents" if wiring.feed(passages, f"{name}.documents", PASSAGES) and fed else None
