"""How long a request may be on the way that it takes: the least of what the model and the way allow."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.model import context_tokens
from llmops.compiler.derive.route import Route, behind_gateway
from llmops.compiler.facts import Facts
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Reader, View


def deployments(reader: Reader, way: Route) -> tuple[View[Any], ...]:
    """The deployments at the end of a way: of its own, or those behind its gateway's route."""
    if way.deployment is not None:
        return (way.deployment,)
    if way.route is None:
        return ()
    backends = [entry.ref("deployment") for entry in way.route.entries("backends")]
    named = tuple(d for d in backends if d is not None)
    if named:
        return named
    behind = behind_gateway(reader, way.model).deployment
    return () if behind is None else (behind,)


def effective_context(reader: Reader, facts: Facts, way: Route) -> Sourced[int] | None:
    """The most tokens of a request with its answer along a way; None where nothing is known."""
    lengths = [d.maybe_integer("max_model_len") for d in deployments(reader, way)]
    known = [length for length in (context_tokens(facts, way.model), *lengths) if length is not None]
    return min(known, key=lambda length: length.value) if known else None
