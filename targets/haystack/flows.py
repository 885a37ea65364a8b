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
from llmops.targets.haystack.steps import lower_step
from llmops.targets.haystack.values import Wiring, output

PATH = re.compile(r"/([A-Za-z0-9_-]+)/run")
"""Where hayhooks serves the pipeline of that name."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow as a pipeline: `name` is its file's, `answer` and `passages` are the outputs that hold them."""

    served: Served
    pipe: Pipe
    name: str
    answer: str | None
    passages: str | None


def lower_flow(lowering: Lowering, served: Served, near: str | None) -> Flow:
    pipe = Pipe(lowering, near)
    followed = plan(lowering.facts, served.flow)
    wiring = Wiring(pipe, followed, {})
    for step in followed.steps:
        lower_step(wiring, step)
    answer = passages = None
    for name, value in followed.outputs.items():
        socket = output(wiring, name, value)
        if socket is None:
            continue
        pipe.outputs[name] = Sourced(socket, (), raw=True)
        if value.type == DOCUMENTS:
            passages = passages or name
        else:
            answer = answer or name
    for name, port in followed.inputs.items():
        if name not in pipe.inputs:
            pipe.unsupported(served.flow.at("inputs", name), "no step takes it, and hayhooks wants each input used")
        if not port.required:
            pipe.unsupported(served.flow.at("inputs", name, "optional"), "hayhooks asks for every input",
                             "send an empty text")
    _unsupported(pipe, served.flow)
    return Flow(served, pipe, _name(pipe, served), answer, passages)


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
    for field, why in (
        ("history", "each request stands alone"),
        ("budget", "it counts no cost: the gateway does"),
        ("timeout", "a request has no limit of its own: each step has"),
    ):
        if flow.has(field):
            pipe.unsupported(flow.at(field), why)
    stream = flow.maybe_flag("stream")
    if stream is not None and stream.value:
        pipe.unsupported(flow.at("stream"), "what it serves by a pipeline's own path comes in one piece")
