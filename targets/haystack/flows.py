"""A served flow as one pipeline, as hayhooks runs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.flow import plan
from llmops.compiler.derive.guard import before, guards
from llmops.compiler.derive.ports import DOCUMENTS
from llmops.compiler.derive.serving import Served
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.haystack.pipe import Pipe
from llmops.targets.haystack.steps import HISTORY, lower_plan
from llmops.targets.haystack.values import Wiring
from llmops.targets.haystack.wrapped import told

PATH = re.compile(r"/([A-Za-z0-9_-]+)/run")
"""Where hayhooks serves the pipeline of that name."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow as a pipeline: `name` is its file's, `answer` and `passages` are the outputs that hold them.

    `told` is what a wrapper around the pipeline is told, where it needs one: else the pipeline is served alone.
    """

    served: Served
    pipe: Pipe
    name: str
    answer: str | None
    passages: str | None
    told: dict[str, Any] | None = None


def lower_flow(lowering: Lowering, served: Served, near: str | None) -> Flow:
    pipe = Pipe(lowering, near)
    flow, followed = served.flow, plan(lowering.facts, served.flow)
    wiring = Wiring(pipe, followed, {}, flow.has(HISTORY))
    if flow.has(HISTORY) and HISTORY in followed.inputs:
        pipe.error(flow.at("inputs", HISTORY), "what was said before comes in by this name", "",
                   "give the input another name")
    answer = passages = None
    sockets = lower_plan(wiring)
    for name, socket in sockets.items():
        pipe.outputs[name] = Sourced(socket, (), raw=True)
        if followed.outputs[name].type == DOCUMENTS:
            passages = passages or name
        else:
            answer = answer or name
    for name in followed.inputs:
        if name not in pipe.inputs and not pipe.failed:
            pipe.unsupported(flow.at("inputs", name), "no step takes it, and hayhooks wants each input used")
    _unsupported(pipe, flow)
    return Flow(served, pipe, _name(pipe, served), answer, passages, told(wiring, answer))


def _name(pipe: Pipe, served: Served) -> str:
    """The pipeline's name, as its path says it."""
    path = served.node.text("path")
    found = PATH.fullmatch(path.value)
    if found is None:
        pipe.error(served.node.at("path"), "hayhooks serves a flow at `/NAME/run`", "",
                   f"`path: /{served.flow.address.name}/run`")
    method = served.node.text("method")
    if method.value != "POST":
        pipe.error(served.node.at("method"), "hayhooks takes requests by POST alone")
    for field, why in (
        ("body", "a request has the flow's inputs as keys"),
        ("answer", "the reply holds it at `result.<output>.output`"),
        ("passages", "the reply holds them at `result.<output>.output`"),
        ("port", "all flows of a deployment are served on its port"),
    ):
        if served.node.has(field):
            pipe.unsupported(served.node.at(field), why, "leave it out")
    return found[1] if found is not None else served.flow.address.name


def _unsupported(pipe: Pipe, flow: View[Any]) -> None:
    for guard in guards(flow):
        if before(pipe.lowering.reader, guard) is not None:
            continue
        pipe.unsupported(
            next(s.path for s in guard.named.sources if isinstance(s, At)),
            f"{guard.rail.value['engine']} stands not in its pipelines, so nothing keeps {guard.rail.address}",
            "let its engine stand before the app: a deployment of it that serves the flow too",
        )
    if flow.has("budget"):
        pipe.unsupported(flow.at("budget"), "it counts no cost: the gateway does")
