"""Which deployments this target runs, and what the engines in charge say of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.placement import platform
from llmops.compiler.derive.serving import running
from llmops.compiler.model.exports import Service
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT

PLATFORM = "compose"


def here(lowering: Lowering, deployment: View[Any]) -> bool:
    chosen = platform(lowering.reader, deployment)
    return chosen is not None and chosen.value == PLATFORM and not deployment.has("endpoint")


def placed(lowering: Lowering) -> Iterator[View[Any]]:
    """The deployments of the environment that run here, in the config's order."""
    return (deployment for deployment in lowering.reader.of(DEPLOYMENT) if here(lowering, deployment))


def host_of(lowering: Lowering, resource: View[Any]) -> View[Any] | None:
    """The deployment that runs a resource on this platform: itself, or the one that names a gateway or a store."""
    if resource.address.kind == "deployment":
        return resource if here(lowering, resource) else None
    deployment = running(lowering.reader, resource) if resource.address.kind in ("gateway", "store") else None
    return deployment if deployment is not None and here(lowering, deployment) else None


def runs(lowering: Lowering, deployment: View[Any]) -> Service | None:
    """What its container runs, as the engine in charge says; None for an image alone."""
    gateway = deployment.ref("gateway")
    return lowering.ask(Service, gateway if gateway is not None else deployment, PLATFORM)
