"""The module `experiments`: which arm a unit is given, and the prompt that the arm then puts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import EXPERIMENT
from llmops.targets.python_client import words
from llmops.targets.python_client.prompts import CLIENT, Function
from llmops.targets.python_client.uses import Problem, arms
from llmops.targets.python_client.words import Line, class_name, identifier


def experiments(lowering: Lowering) -> Iterator[View[Any]]:
    return (one for one in lowering.reader.of(EXPERIMENT) if one.ref("flow") is not None)


def code(experiment: View[Any], asked: dict[tuple[str, str], Function]) -> tuple[list[Line], list[Problem], set[str]]:
    """Its lines, what cannot be said, and the functions of prompts that it calls."""
    name = experiment.address.name
    arm = class_name(name, "arm")
    bounds = list(_bounds(experiment))
    called: set[str] = set()
    problems: list[Problem] = []
    listed = ", ".join(words.written(entry.name) for entry, _ in bounds)
    lines: list[Line] = ["", "", Sourced(f"{arm} = Literal[{listed}]", raw=True)]
    lines += ["", *_constant(experiment, bounds)]
    lines += ["", "", *_assign(experiment, arm)]
    for step, options in _steps(experiment).items():
        functions = {entry.name: asked.get(key) for entry, key in options if key is not None}
        given = [function for function in functions.values() if function is not None]
        alike = len(given) == len(bounds) and len({(f.parameters, f.returns) for f in given}) == 1
        if not alike:
            problems += [
                Unsupported(entry.at("set", step), "the arms of this step are no prompts that take and give the same",
                            "read the arm, and do what it says")
                for entry, _ in options if step in (entry.value.get("set") or {})
            ]
            continue
        called |= {function.name for function in given}
        asking = _ask(experiment, step, arm, {n: f for n, f in functions.items() if f is not None})
        puts = (entry.node("set", step) for entry, _ in options if step in (entry.value.get("set") or {}))
        named = (put.ref_name("prompt") for put in puts if put is not None and "prompt" in put.value)
        lines += words.under(
            ["", "", *asking], *(one for one in named if one is not None), *(function.types for function in given),
        )
    return lines, problems, called


def _bounds(experiment: View[Any]) -> Iterator[tuple[Node, Sourced[float]]]:
    """Where each arm's share ends, of all weights together as 1."""
    entries = list(experiment.entries("arms"))
    weights = [entry.number("weight") for entry in entries]
    total = sum(weight.value for weight in weights) or 1.0
    end = 0.0
    for entry, weight in zip(entries, weights, strict=True):
        end += weight.value / total
        yield entry, Sourced(min(round(end, 12), 1.0), merge(*(w.sources for w in weights)), raw=True)


def _steps(experiment: View[Any]) -> dict[str, list[tuple[Node, tuple[str, str] | None]]]:
    found: dict[str, list[tuple[Node, tuple[str, str] | None]]] = {}
    for entry, step, use in arms(experiment):
        found.setdefault(step, []).append((entry, None if use is None else use.key))
    return found


def _constant(experiment: View[Any], bounds: list[tuple[Node, Sourced[float]]]) -> Iterator[Line]:
    """What the experiment says, for those who count its outcome."""
    yield f"{identifier(experiment.address.name).upper()} = Experiment("
    yield from words.literal(literal(experiment.address.name), 4, "name=", ",")
    flow = experiment.ref_name("flow")
    assert flow is not None
    yield from words.literal(flow, 4, "flow=", ",")
    yield from words.literal(experiment.text("unit"), 4, "unit=", ",")
    yield Sourced("    bounds=(", (), raw=True)
    for entry, end in bounds:
        yield Sourced(f"        ({words.written(entry.name)}, {end.value!r}),", end.sources, raw=True)
    yield "    ),"
    yield from words.literal(
        {entry.name: entry.tree("set") or {} for entry, _ in bounds}, 4, "changes=", ","
    )
    metric = experiment.ref_name("metric", "eval")
    yield from words.literal(metric or literal(None), 4, "eval=", ",")
    yield from words.literal(experiment.maybe_text("metric", "name") or literal(None), 4, "metric=", ",")
    yield from words.literal(experiment.maybe_number("metric", "effect") or literal(None), 4, "effect=", ",")
    yield from words.literal(experiment.integer("minimum_rows"), 4, "minimum_rows=", ",")
    yield from words.literal(experiment.text("end"), 4, "end=", ",")
    for name in ("power", "alpha"):
        yield from words.literal(experiment.maybe_number(name) or literal(None), 4, f"{name}=", ",")
    yield ")"


def _assign(experiment: View[Any], arm: str) -> Iterator[Line]:
    name, unit = experiment.address.name, experiment.text("unit")
    constant = identifier(name).upper()
    yield f"def assign_{name}(unit: str) -> {arm}:"
    yield Sourced(
        f'    """The arm of a {unit.value}, by what names it: always the same one."""', unit.sources, raw=True
    )
    yield f"    return cast({words.written(arm)}, assigned({constant}.name, unit, {constant}.bounds))"


def _ask(experiment: View[Any], step: str, arm: str, functions: dict[str, Function]) -> Iterator[Line]:
    """The step's prompt as the unit's arm has it."""
    first = next(iter(functions.values()))
    name = f"{experiment.address.name}_{step}"
    yield f"def {identifier(name)}("
    yield "    _unit: str,"
    yield f"    {CLIENT}: Client | None = None,"
    yield "    /,"
    if first.parameters:
        yield "    *,"
    for ident, type_, required in first.parameters:
        yield f"    {ident}: {type_}," if required else f"    {ident}: {type_} | None = None,"
    yield f") -> tuple[{arm}, {first.returns}]:"
    yield f'    """Ask as the step `{step}` does in the unit\'s arm; the arm is told with the answer."""'
    yield f"    arm = assign_{experiment.address.name}(_unit)"
    given = ", ".join([CLIENT, *(f"{ident}={ident}" for ident, _, _ in first.parameters)])
    places = _steps(experiment)[step]
    for entry, _ in places[1:]:
        patched = entry.get("set", step) if step in (entry.value.get("set") or {}) else None
        sources = patched.sources if patched is not None else ()
        yield Sourced(f"    if arm == {words.written(entry.name)}:", sources, raw=True)
        yield _called(functions[entry.name], given, 8, patched)
    yield _called(functions[places[0][0].name], given, 4)


def _called(function: Function, given: str, indent: int, *why: Sourced[Any] | None) -> Line:
    line = f"{' ' * indent}return arm, prompts.{function.name}({given})"
    return Sourced(line, raw=True).because(*why, *function.called)
