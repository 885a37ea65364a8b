"""Where a deployment runs."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Reader, View
from llmops.schemas.types import DEPLOYMENT


def platform(reader: Reader, deployment: View[Any]) -> Sourced[str] | None:
    """Its own word, else the environment's; None for what nobody runs on a platform."""
    return deployment.maybe_text("platform") or reader.environment.maybe_text("platform")


def host(reader: Reader, gateway: View[Any]) -> View[Any] | None:
    """The deployment that runs a gateway."""
    for edge in reader.project.edges_to(gateway.address):
        deployment = reader.view(edge.source) if edge.source.kind == DEPLOYMENT.name else None
        if deployment is not None and edge.at == deployment.at("gateway"):
            return deployment
    return None
