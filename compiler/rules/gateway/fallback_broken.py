"""GTW001: a fallback that helps nobody: to itself, in a circle, or to a route that reaches no model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.route import behind_gateway
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import GATEWAY

Graph = dict[str, list[tuple[str, KeyPath]]]


def check(scope: Scope) -> Iterator[Finding]:
    for gateway in scope.reader.of(GATEWAY):
        graph: Graph = {}
        for route in gateway.entries("routes"):
            graph[route.name] = list(_fallbacks(route))
            yield from _unreachable(scope, route)
        yield from _to_itself(graph)
        yield from _circles(gateway, graph)


def _fallbacks(route: Node) -> Iterator[tuple[str, KeyPath]]:
    for cause in route.entries("fallbacks"):
        for index, name in enumerate(cause.value):
            cause.has(index)
            yield name, cause.at(index)


def _to_itself(graph: Graph) -> Iterator[Finding]:
    for name, targets in graph.items():
        for target, at in targets:
            if target == name:
                yield Finding(
                    f"route `{name}` falls back to itself", (Label(at, "the same route", primary=True),),
                    help=("name another route, or raise `retries` to try the same one again",),
                )


def _circles(gateway: View[Any], graph: Graph) -> Iterator[Finding]:
    """One finding for each circle, at the fallback that closes it."""
    done: set[str] = set()
    for start in graph:
        circle = _circle(graph, start, done)
        done.add(start)
        if circle is not None:
            names, at, others = circle
            yield Finding(
                f"fallbacks of `{gateway.address}` go in a circle",
                (Label(at, "back to the start", primary=True), *(Label(other, "") for other in others)),
                notes=(" → ".join(f"`{name}`" for name in names),),
                help=("end the chain at a route that has no fallback",),
            )


def _circle(graph: Graph, start: str, done: set[str]) -> tuple[list[str], KeyPath, list[KeyPath]] | None:
    """The shortest way from a route back to it over others that no earlier circle began at."""
    waiting: list[tuple[str, list[str], list[KeyPath]]] = [(start, [start], [])]
    seen = {start}
    while waiting:
        here, names, places = waiting.pop(0)
        for target, at in graph.get(here, ()):
            if target == start and here != start:
                return [*names, start], at, places
            if target not in seen and target not in done:
                seen.add(target)
                waiting.append((target, [*names, target], [*places, at]))
    return None


def _unreachable(scope: Scope, route: Node) -> Iterator[Finding]:
    """A route whose calls reach nobody: weights that no deployment runs."""
    backends = list(route.entries("backends"))
    for entry in backends or [route]:
        if backends and "deployment" in entry.value:
            continue
        edge = entry.edge("model") or (None if backends else entry.edge())
        model = None if edge is None else scope.reader.view(edge.target)
        if model is None or behind_gateway(scope.reader, model).reached:
            continue
        name = model.address.name
        yield Finding(
            f"route `{route.name}` reaches nobody",
            (
                Label(entry.at("model") if "model" in entry.value else entry.at(), f"serves `{name}`", primary=True,
                      key_only="model" not in entry.value),
                Label(model.at("weights"), "weights that no deployment runs", key_only=True),
            ),
            help=(f"write a deployment with `model: {name}`, or set `endpoint: {{url: …}}` on the model",),
        )


RULE = Rule(
    code=Code(
        code="GTW001",
        name="fallback-broken",
        severity=Severity.ERROR,
        summary="A fallback must lead to another route, and on to a model that answers.",
        why="The gateway starts with it and says nothing. It is found on the day that the first model fails, when "
        "calls turn round until they time out.",
        bad="routes:\n  answerer: {fallbacks: {any: [backup]}}\n  backup: {fallbacks: {any: [answerer]}}",
        good="routes:\n  answerer: {fallbacks: {any: [backup]}}\n  backup: {}",
    ),
    check=check,
)
