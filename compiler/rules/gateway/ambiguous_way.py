"""GTW009: a call that could take two ways to its model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.calls import calls
from llmops.compiler.derive.route import Route, behind_gateway, route, serving
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT, MODEL


def check(scope: Scope) -> Iterator[Finding]:
    for model in scope.reader.of(MODEL):
        yield from _callers(scope, model)
        yield from _routes(scope, model)


def _callers(scope: Scope, model: View[Any]) -> Iterator[Finding]:
    """One finding for all calls of a model that are undecided in the same way."""
    undecided: dict[tuple[str, ...], tuple[Route, list[tuple[KeyPath, str]]]] = {}
    for call in calls(scope.reader, model):
        way = route(scope.reader, model, call.caller)
        if way.ambiguous:
            undecided.setdefault(way.candidates, (way, []))[1].append((call.at, call.resource))
    for candidates, (way, places) in undecided.items():
        (at, resource), *others = places
        yield Finding(
            f"{resource} can reach `{model.address.name}` in {len(candidates)} ways",
            (
                Label(at, "no `via` decides", primary=True),
                *(Label(other, f"{name} too") for other, name in others[:2]),
                *(Label(place, "one way", key_only=True) for place in _ways(scope, model, way)[:4]),
            ),
            notes=(f"ways: {'; '.join(candidates)}",),
            help=(f"say `via: {_via(way)}` beside the model's name, or on `{model.address}` for all callers",),
        )


def _ways(scope: Scope, model: View[Any], way: Route) -> list[KeyPath]:
    if way.gateway is not None:
        return [route.at() for route in serving(scope.reader, model)]
    return _deployments(scope, model)


def _deployments(scope: Scope, model: View[Any]) -> list[KeyPath]:
    return [d.at("model") for d in scope.reader.of(DEPLOYMENT) if d.value.get("model") == model.address.name]


def _via(way: Route) -> str:
    if way.gateway is not None and way.route is not None:
        return f"{{gateway: {way.gateway.address.name}, route: {way.route.name}}}"
    return "provider" if way.deployment is None else f"{{deployment: {way.deployment.address.name}}}"


def _routes(scope: Scope, model: View[Any]) -> Iterator[Finding]:
    """A route without backends, where two deployments run its model."""
    behind = behind_gateway(scope.reader, model)
    if not behind.ambiguous:
        return
    for entry in serving(scope.reader, model):
        if not list(entry.entries("backends")):
            names = [str(at[1]) for at in _deployments(scope, model)]
            backends = ", ".join(f"{name}: {{deployment: {name}}}" for name in names)
            yield Finding(
                f"route `{entry.name}` can reach `{model.address.name}` in {len(names)} ways",
                (
                    Label(entry.at(), "no `backends` decide", primary=True, key_only=True),
                    *(Label(("deployment", name, "model"), "one way") for name in names[:4]),
                ),
                help=(f"name those that share its calls: `backends: {{{backends}}}`",),
            )


RULE = Rule(
    code=Code(
        code="GTW009",
        name="ambiguous-way",
        severity=Severity.ERROR,
        summary="A call must have one way to its model: where two stand at the same level, `via` decides.",
        why="An eval would judge one server while the app calls another, and nobody could tell from the configs.",
        bad="# gateway.main and gateway.spare both have\nroutes: {answerer: {}}",
        good="subject: {prompt: answer, model: answerer, via: {gateway: main}}",
    ),
    check=check,
)
