"""The module `flows`: a function for each flow that is served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.flow import plan
from llmops.compiler.derive.serving import app as app_at
from llmops.compiler.derive.serving import foremost, serving
from llmops.compiler.model.exports import App
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import View
from llmops.schemas.types import FLOW
from llmops.targets.python_client import words
from llmops.targets.python_client.prompts import CLIENT, PYTHON, Function, signature
from llmops.targets.python_client.uses import CONSUMER
from llmops.targets.python_client.words import Line, class_name, identifier, parameters


def flows(lowering: Lowering) -> Iterator[tuple[View[Any], App]]:
    """The flows that are served, each with how it is called: through what stands before it, if something does."""
    for flow in lowering.reader.of(FLOW):
        places = foremost(serving(lowering.reader, flow))
        app = app_at(lowering, places[0], CONSUMER) if places else None
        if app is not None:
            yield flow, app


def function(lowering: Lowering, flow: View[Any], app: App) -> Function:
    name = flow.address.name
    reply = class_name(name, "reply")
    idents = parameters(flow.value["inputs"])
    inputs = [
        (variable, idents[variable], PYTHON.get(port.type, "Any"), port.required,
         flow.get("inputs", variable) or Sourced(0))
        for variable, port in sorted(plan(lowering.facts, flow).inputs.items(), key=lambda one: not one[1].required)
    ]
    made = Function(
        identifier(name), tuple((ident, type_, required) for _, ident, type_, required, _ in inputs), reply,
        types=Sourced(0).because(*(place for *_, place in inputs)),
    )
    for _, _, type_, _, _ in inputs:
        made.typing |= {word for word in ("Any", "Mapping", "Sequence") if word in type_}
    made.typing.add("Any")
    constant = f"_{made.name.upper()}"
    made.classes = ["", "", *_reply(reply, flow, app)]
    made.code = ["", "", *_constant(flow, app, constant), "", "", *signature(made, inputs)]
    made.code += _doc(flow)
    values = [f"{words.written(variable)}: {ident}" for variable, ident, *_ in inputs]
    made.code += ["    values = {", *(f"        {pair}," for pair in values), "    }"]
    made.code += [f"    raw = call({constant}, values, {CLIENT})"]
    given = ["raw"] if app.passages is None else [f"passages_of({constant}, raw)", "raw"]
    made.code += [f"    return {reply}(answer_of({constant}, raw), {', '.join(given)})"]
    return made


def _reply(reply: str, flow: View[Any], app: App) -> Iterator[Line]:
    yield "@dataclass(frozen=True)"
    yield f"class {reply}:"
    told = "the answer, what was retrieved for it, and" if app.passages is not None else "the answer, and"
    yield f'    """What the flow `{flow.address.name}` gives: {told} the whole reply."""'
    yield ""
    yield "    answer: str"
    if app.passages is not None:
        yield Sourced("    passages: tuple[str, ...]", app.passages.sources, raw=True)
    yield "    raw: Any"


def _doc(flow: View[Any]) -> list[Line]:
    description = flow.maybe_text("description")
    first = f"Call the flow `{flow.address.name}`."
    if description is None:
        return words.docstring([first], 4)
    told = description.express(words.told)
    return words.docstring([first, Sourced(told.value, told.sources, raw=True)], 4)


def _constant(flow: View[Any], app: App, constant: str) -> Iterator[Line]:
    yield f"{constant} = Flow("
    yield from words.literal(literal(flow.address.name), 4, "name=", ",")
    yield from words.literal(app.url, 4, "url=", ",")
    base = app.outside.name if app.outside is not None else literal(None)
    yield from words.literal(base, 4, "base_variable=", ",")
    yield from words.literal(literal(app.method), 4, "method=", ",")
    yield from words.literal(dict(app.body), 4, "body=", ",")
    yield from words.literal(app.key.name if app.key is not None else literal(None), 4, "key_variable=", ",")
    yield from words.literal(app.answer or literal(None), 4, "answer=", ",")
    yield from words.literal(app.passages or literal(None), 4, "passages=", ",")
    timeout = flow.maybe_text("timeout")
    if timeout is not None:
        yield from words.literal(timeout.map(seconds), 4, "timeout=", ",")
    yield ")"
