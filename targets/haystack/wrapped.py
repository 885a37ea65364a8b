"""Flows that hayhooks serves by a wrapper around their pipeline: conversations, answers in pieces, a limit of time."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.flow import Value
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.units import seconds
from llmops.targets.haystack.values import Wiring

HISTORY = "history"
EMPTY = ("string", "array", "object")
"""Types of which a value can be empty: that is what an optional input is that a request leaves out."""


def told(wiring: Wiring, answer: str | None) -> dict[str, Any] | None:
    """What the wrapper is told; None where the pipeline is served alone."""
    flow, pipe = wiring.plan.flow, wiring.pipe
    inputs = {name: _input(wiring, name) for name in wiring.plan.inputs if name in pipe.inputs}
    made: dict[str, Any] = {}
    if flow.has(HISTORY):
        made[HISTORY] = Sourced(True, (flow.source(HISTORY),))
    stream = flow.maybe_flag("stream")
    if stream is not None and stream.value:
        pieces = _pieces(wiring, answer)
        if pieces:
            made["pieces"] = Sourced(pieces, stream.sources, raw=True)
        else:
            pipe.unsupported(flow.at("stream"), "only what a step's model or agent says itself comes in pieces",
                             "let an output name that step's text")
    timeout = flow.maybe_text("timeout")
    if timeout is not None:
        made["timeout"] = timeout.map(seconds)
    optional = any("optional" in one for one in inputs.values())
    if not made and not optional:
        return None
    chat = _chat(wiring)
    if answer is not None:
        made["answer"] = Sourced(answer, (flow.source("outputs", answer),), raw=True)
    if chat is not None and answer is not None and (HISTORY in made or "pieces" in made):
        made["chat"] = Sourced(chat, (flow.source("inputs", chat),), raw=True)
    elif "pieces" in made or HISTORY in made:
        pipe.unsupported(flow.at("stream" if "pieces" in made else HISTORY),
                         "a conversation fills one text, and this flow does not need exactly one", "")
    return {"inputs": inputs, **made}


def _input(wiring: Wiring, name: str) -> dict[str, Any]:
    flow, port = wiring.plan.flow, wiring.plan.inputs[name]
    made: dict[str, Any] = {"type": Sourced(port.type, (flow.source("inputs", name),), raw=True)}
    if port.required:
        return made
    if port.type not in EMPTY:
        wiring.pipe.unsupported(flow.at("inputs", name, "optional"), f"a {port.type} has no empty value",
                                "let callers send it")
        return made
    return {**made, "optional": Sourced(True, (flow.source("inputs", name, "optional"),))}


def _chat(wiring: Wiring) -> str | None:
    """The input that a conversation's last message fills: the only text that is needed."""
    found = [name for name, port in wiring.plan.inputs.items() if port.required]
    return found[0] if len(found) == 1 and wiring.plan.inputs[found[0]].type == "string" else None


def _pieces(wiring: Wiring, answer: str | None) -> list[str]:
    """The components that say the answer."""
    value = wiring.plan.outputs.get(answer or "")
    several = (value.first or (value,)) if value is not None else ()
    found = [_speaker(wiring, one) for one in several]
    return [] if None in found else [name for name in found if name is not None]


def _speaker(wiring: Wiring, value: Value) -> str | None:
    step = wiring.plan.step(value.step or "")
    if step is None or step.name in wiring.nested or step.verb not in ("prompt", "agent", "model"):
        return None
    sender = wiring.gives.get(step.name, "")
    said = value.path in ((), ("text",)) and step.gives.get("") == "string"
    return sender.partition(".")[0].replace("-turns", "-agent") if said and sender else None
