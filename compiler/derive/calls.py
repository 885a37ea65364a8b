"""Who calls a model: the places of a config that need it to answer, and what they need it for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.project import Edge
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import AGENT, MODEL


@dataclass(frozen=True, slots=True)
class Call:
    """`at` is the reference to the model; `caller` the map that holds it (it may have `via` and `params`).

    `task` is what the place needs the model to do, None where it may be anything.
    """

    model: View[Any]
    at: KeyPath
    caller: Node
    prompt: View[Any] | None
    task: str | None

    @property
    def resource(self) -> str:
        return str(self.caller.resource.address)


def calls(reader: Reader, model: View[Any]) -> Iterator[Call]:
    """Every place that calls a model, in the graph's order.

    A gateway's route and a deployment serve a model, a prompt's variant is words for it, a model's replacement waits,
    a fine-tuning reads its weights: none of them calls it.
    """
    for edge in reader.project.edges_to(model.address):
        kind = edge.source.kind
        uses = kind == "deployment" and len(edge.at) > 2 and edge.at[2] == "uses"
        if kind in ("gateway", "model", "prompt", "finetune") or (kind == "deployment" and not uses):
            continue
        holder = reader.view(edge.source)
        if holder is None:
            continue
        below = edge.at[2:-1]
        caller = holder.node(*below) if below else holder
        if caller is None:
            continue
        prompt = caller.ref("prompt") if isinstance(caller.value, dict) and "prompt" in caller.value else None
        yield Call(model, edge.at, caller, prompt, _task(edge, caller, prompt))


def _task(edge: Edge, caller: Node, prompt: View[Any] | None) -> str | None:
    """What the model must do there."""
    if edge.role == "embedder" or (edge.role == "judge" and _compares(caller)):
        return "embedding"
    if prompt is not None or edge.role in ("judge", "planner") or edge.source.kind == AGENT.name:
        return "chat"
    return None


def _compares(caller: Node) -> bool:
    """Whether it is an assertion that compares meanings, for which texts are embedded."""
    return str(caller.value.get("type", "")).removeprefix("not-").partition(":")[0] == "similar"


def all_calls(reader: Reader) -> Iterator[Call]:
    for model in reader.of(MODEL):
        yield from calls(reader, model)
