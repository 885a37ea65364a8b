"""The tools of a step: a type for each call that the model may ask for, and the function that gives its turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.derive import tools
from llmops.compiler.model.sourced import Sourced, literal, plain
from llmops.compiler.model.target import Unsupported
from llmops.targets.python_client import words
from llmops.targets.python_client.schema import Types
from llmops.targets.python_client.uses import Use
from llmops.targets.python_client.words import Line, class_name

TURNS = "_turns"


@dataclass(slots=True)
class Offered:
    """The functions that a step offers: the types of their calls, and their descriptions for the model as code."""

    calls: list[str] = field(default_factory=list)
    classes: list[Line] = field(default_factory=list)
    listed: list[Line] = field(default_factory=list)
    typing: set[str] = field(default_factory=set)
    problems: list[Unsupported] = field(default_factory=list)


def offered(use: Use, prefix: str, taken: set[str]) -> Offered:
    """What the step that puts the prompt offers; nothing where it is an agent's, whose framework runs its tools."""
    made = Offered()
    step = use.caller
    listed = step.value.get("tools") or () if step.resource.address.kind == "flow" else ()
    for number in range(len(listed)):
        tool, named = step.ref("tools", number), step.ref_name("tools", number)
        for function in tools.functions(tool) if tool is not None else ():
            if function.schema is None:
                made.problems.append(Unsupported(
                    step.at("tools", number), f"only its server knows what `{function.name.value}` takes",
                    "call the flow where it is served",
                ))
                continue
            _add(made, function, function.schema, prefix, taken, named)
    return made


def _add(
    made: Offered, function: tools.Function, schema: dict[str, Any], prefix: str, taken: set[str],
    named: Sourced[str] | None,
) -> None:
    name = function.name.value
    types = Types(plain(schema), f"{prefix}_{name}_arguments", names=taken)
    arguments = types.of(types.root)
    made.problems += [
        Unsupported(function.tool.at("parameters"), f"it does not check `{word}` of the arguments")
        for word in dict.fromkeys(types.unknown)
    ][:3]
    made.typing |= {"Literal", "dataclass", *types.typing, *(("Any",) if "Any" in arguments else ())}
    call = class_name(prefix, name, "call")
    made.calls.append(call)
    lines: list[Line] = []
    parameters = function.tool.get("parameters")
    for code in types.code:
        lines += ["", "", *(Sourced(line, raw=True).because(parameters) for line in code)]
    lines += ["", "", *_call(function, call, arguments)]
    # the calls of a step come and go with the tools that it lists
    reasons = () if named is None else (named,)
    made.classes += words.under(lines, *reasons)
    made.listed += words.under(_described(function, call, schema), *reasons)


def _call(function: tools.Function, call: str, arguments: str) -> Iterator[Line]:
    name = words.written(function.name.value)
    yield "@dataclass(frozen=True)"
    yield f"class {call}:"
    yield Sourced(f'    """The model asks for `{function.name.value}`."""', function.name.sources, raw=True)
    yield ""
    yield "    id: str"
    yield f"    arguments: {arguments}"
    yield Sourced(f"    name: Literal[{name}] = {name}", function.name.sources, raw=True)
    if function.approval is not None:
        asked = words.written(function.approval.value)
        yield Sourced(f"    approval: Literal[{asked}] = {asked}", function.approval.sources, raw=True)


def _described(function: tools.Function, call: str, schema: dict[str, Any]) -> Iterator[Line]:
    yield Sourced(f"    {words.written(function.name.value)}: Tool(", function.name.sources, raw=True)
    yield f"        {call},"
    yield from words.literal(schema, 8, "schema=", ",")
    yield from words.literal(function.description or literal(None), 8, "description=", ",")
    yield "    ),"


def constant(made: Offered, name: str) -> Iterator[Line]:
    yield f"{name}: Mapping[str, Tool[{' | '.join(made.calls)}]] = {{"
    yield from made.listed
    yield "}"
