"""The module `prompts`: a function for each prompt that is put to a model."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from llmops.compiler.derive.cases import in_repository, problem
from llmops.compiler.derive.ports import typed
from llmops.compiler.derive.route import Call
from llmops.compiler.derive.texts import content
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal, merge, plain
from llmops.compiler.model.sources import Content
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.units import seconds
from llmops.targets.python_client import tools, words
from llmops.targets.python_client.schema import Types
from llmops.targets.python_client.uses import (
    Problem,
    Use,
    messages,
    names,
    naming,
    reached,
    requested,
    settled,
    standing,
)
from llmops.targets.python_client.words import Line, class_name, identifier, parameters

PYTHON = {
    "string": "str", "number": "float", "integer": "int", "boolean": "bool", "array": "Sequence[Any]",
    "object": "Mapping[str, Any]", "messages": "Sequence[Mapping[str, Any]]", "image": "str", "audio": "str",
}
CLIENT = "_client"
"""The name of the first parameter, which is never given by name."""


@dataclass(slots=True)
class Function:
    """A function of the package: its signature, so that others can call it, and its code."""

    name: str
    parameters: tuple[tuple[str, str, bool], ...]
    """Identifier, type, whether it must be given."""
    returns: str
    code: list[Line] = field(default_factory=list)
    classes: list[Line] = field(default_factory=list)
    typing: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    types: Sourced[int] = field(default_factory=lambda: Sourced(0))
    """What decides which names of types the module takes in, and whether it takes and gives what another one does."""
    called: tuple[Sourced[str], ...] = ()
    """What decides its name."""


def function(
    lowering: Lowering, use: Use, name: str, classes: set[str], among: list[Use]
) -> Function | Finding:
    """The function of a prompt, or why there is none. `classes` are names that are taken; `among` are all uses."""
    there, called = standing(use, among), naming(use, among)
    use = settled(use)
    call = reached(lowering, use)
    if isinstance(call, Finding):
        return call
    made = messages(lowering, use)
    schema, wrong = _schema(lowering, use)
    types = Types(plain(schema), f"{name}_output", names=classes) if schema is not None else None
    returns = types.of(types.root) if types is not None else "str"
    inputs = _inputs(use)
    function = Function(
        identifier(name), tuple((ident, type_, required) for _, ident, type_, required, _ in inputs), returns,
        problems=[*made.problems, *wrong], types=_types(use), called=called,
    )
    if types is not None:
        function.problems.extend(_unchecked(use, types))
    function.problems += [
        problem(use.prompt.at("variables", variable), f"`{variable}` is a name of the client's own", "",
                "give the variable another name")
        for variable, ident, *_ in inputs if ident == CLIENT
    ]
    constant = f"_{function.name.upper()}"
    why = _why(use)
    if types is not None:
        function.typing |= types.typing
        for lines in types.code:
            function.classes += ["", "", *(Sourced(line, why.sources, raw=True) for line in lines)]
    for _, _, type_, _, _ in inputs:
        function.typing |= {word for word in ("Any", "Mapping", "Sequence") if word in type_}
    function.code = ["", "", *_constant(use, call, made.listed, made.syntax, schema, constant)]
    function.code += ["", "", *signature(function, inputs), *_doc(use, call)]
    values = ", ".join(f"{words.written(variable)}: {ident}" for variable, ident, *_ in inputs)
    function.code += _body(function, constant, values, types is not None, why)
    if types is None:
        function.typing.add("Iterator")
        pieces = _streamed(function, among)
        function.code += ["", "", *signature(pieces, inputs)]
        function.code += words.docstring([f"As `{function.name}`, in pieces as they come."], 4)
        function.code += _body(pieces, constant, values, False, why, "stream")
    function.code += _turn(function, use, inputs, constant, values, classes, among)
    marks = (f"def {function.name}", f"{constant} =", f"({constant},", class_name(name), f"`{function.name}`,")
    for written in (function.classes, function.code):
        written[:] = words.under(words.because(written, called, marks), *there)
    return function


def _why(use: Use) -> Sourced[int]:
    """What decides how it is called: the schema, where its answer has one."""
    return Sourced(0).because(use.prompt.get("output_schema"))


def _types(use: Use) -> Sourced[int]:
    """What decides what it takes and gives, whoever puts the prompt."""
    prompt = use.prompt.unreached()
    variables = (prompt.get("variables", name) for name in prompt.value.get("variables") or {})
    return Sourced(0).because(prompt.get("output_schema"), *variables)


def _inputs(use: Use) -> list[tuple[str, str, str, bool, Sourced[Any]]]:
    """Variable, identifier, type, whether it must be given, and its place."""
    found = []
    declared_ = use.prompt.value.get("variables") or {}
    idents = parameters(declared_)
    for variable, declared in declared_.items():
        port = typed(declared)
        place = use.prompt.get("variables", variable)
        type_ = PYTHON.get(port.type, "Any")
        found.append((variable, idents[variable], type_, port.required, place or Sourced(0)))
    return sorted(found, key=lambda one: not one[3])


def signature(function: Function, inputs: list[tuple[str, str, str, bool, Sourced[Any]]]) -> Iterator[Line]:
    yield f"def {function.name}("
    yield f"    {CLIENT}: Client | None = None,"
    yield "    /,"
    if inputs:
        yield "    *,"
    for _, ident, type_, required, place in inputs:
        text = f"    {ident}: {type_}," if required else f"    {ident}: {type_} | None = None,"
        yield Sourced(text, place.sources, raw=True)
    yield f") -> {function.returns}:"


def _doc(use: Use, call: Call) -> list[Line]:
    description = use.prompt.maybe_text("description")
    first: Line = f"Put the prompt `{use.key[0]}` to the model `{use.key[1]}`."
    if description is None:
        return words.docstring([first], 4)
    told = description.express(words.told)
    said = [Sourced(piece, told.sources, raw=True) for piece in _wrapped(told.value)]
    return words.docstring([first, *said], 4)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, words.WIDTH, break_long_words=False) or [""]


def _turn(
    function: Function, use: Use, inputs: list[tuple[str, str, str, bool, Sourced[Any]]], constant: str, values: str,
    classes: set[str], among: list[Use],
) -> Iterator[Line]:
    """With the tools of the step: what the model says, and what it asks to call. Nothing where it offers none."""
    offer = tools.offered(use, function.name, classes)
    function.problems += offer.problems
    if not offer.calls:
        return
    function.typing |= {"Mapping", *offer.typing}
    function.classes += offer.classes
    yield from ("", "", *tools.constant(offer, f"{constant}_TOOLS"), "", "")
    turn = replace(function, name=_beside(function, "turn", among), returns=f"Turn[{' | '.join(offer.calls)}]")
    for line in signature(turn, inputs):
        yield line
        if line == f"    {CLIENT}: Client | None = None,":
            yield f"    {tools.TURNS}: Turns = (),"
    yield from words.docstring([
        f"As `{function.name}`, with the tools of the step: what the model says, and what it asks to call.",
        "Run the calls, and give what `answered(results)` gives to the next turn.",
    ], 4)
    yield "    values = {"
    for pair in values.split(", ") if values else []:
        yield f"        {pair},"
    yield "    }"
    yield f"    return turn({constant}, values, {constant}_TOOLS, {tools.TURNS}, {CLIENT})"


def _streamed(function: Function, among: list[Use]) -> Function:
    """The same function, whose answer comes in pieces."""
    return replace(function, name=_beside(function, "stream", among), returns="Iterator[str]")


def _beside(function: Function, word: str, among: list[Use]) -> str:
    """The name of a second function for a prompt, which no prompt has."""
    name = f"{function.name}_{word}"
    while name in names(among).values():
        name += "_"
    return name


def _body(
    function: Function, constant: str, values: str, parsed: bool, why: Sourced[int], plain_: str = "ask"
) -> Iterator[Line]:
    asked = "ask_json" if parsed else plain_
    call = f"{asked}({constant}, {{{values}}}, {CLIENT})"
    if parsed and function.returns != "Any":
        function.typing.add("cast")
        call = f"cast({words.written(function.returns)}, {call})"
    if len(call) <= 100:
        yield Sourced(f"    return {call}", why.sources, raw=True)
        return
    yield "    values = {"
    for pair in values.split(", ") if values else []:
        yield f"        {pair},"
    yield "    }"
    short = f"{asked}({constant}, values, {CLIENT})"
    typed_ = parsed and function.returns != "Any"
    yield Sourced(
        f"    return cast({words.written(function.returns)}, {short})" if typed_ else f"    return {short}",
        why.sources, raw=True,
    )


def _constant(
    use: Use, call: Call, listed: list[dict[str, Any]], syntax: str, schema: Any, constant: str
) -> Iterator[Line]:
    yield f"{constant} = Prompt("
    yield from words.literal(literal(use.key[0]), 4, "name=", ",")
    yield from words.literal(listed, 4, "messages=", ",")
    yield from words.literal(use.prompt.text("syntax").express(lambda _: syntax), 4, "syntax=", ",")
    yield from words.literal(call.model.because(use.named), 4, "model=", ",")
    yield from words.literal(literal(None) if call.url is None else call.url.because(use.named), 4, "url=", ",")
    own = call.url_variable.name if call.url_variable is not None else literal(f"{use.key[1].upper()}_BASE_URL")
    yield from words.literal(own.because(use.named), 4, "url_variable=", ",")
    key = call.key.name if call.key is not None else literal(None)
    yield from words.literal(key.because(use.named), 4, "key_variable=", ",")
    yield from words.literal(requested(use), 4, "params=", ",")
    if schema is not None:
        yield from words.literal(schema, 4, "schema=", ",")
    step = use.caller if use.caller.resource.address.kind == "flow" else None
    timeout = step.maybe_text("timeout") if step is not None else None
    if timeout is not None:
        yield from words.literal(timeout.map(seconds), 4, "timeout=", ",")
    retries = step.maybe_integer("retries") if step is not None else None
    if retries is not None:
        yield from words.literal(retries, 4, "retries=", ",")
    yield ")"


def _schema(lowering: Lowering, use: Use) -> tuple[Any, list[Problem]]:
    """The schema of the answer as a sourced tree; None without one."""
    prompt = use.prompt
    if not prompt.has("output_schema"):
        return None, []
    path = prompt.maybe_text("output_schema")
    if path is None:
        return prompt.tree("output_schema"), []
    data = content(prompt.project, path.value)
    origin = merge(path.sources, (Content(in_repository(lowering, path.value)),))
    try:
        return Sourced(json.loads(data or b"{}"), origin), []
    except (ValueError, RecursionError):
        return None, [problem(prompt.at("output_schema"), "the file of the answer's schema is no JSON")]


def _unchecked(use: Use, types: Types) -> list[Unsupported]:
    return [
        Unsupported(use.prompt.at("output_schema"), f"it does not check `{name}` of the answer's schema")
        for name in dict.fromkeys(types.unknown)
    ][:3]

