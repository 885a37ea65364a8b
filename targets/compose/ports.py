"""Ports: which one a container listens on, and which one of the host leads there."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.exports import Service
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View

LOCAL = "127.0.0.1"
EVERYWHERE = "0.0.0.0"


def listens(deployment: View[Any], service: Service | None) -> Sourced[int] | None:
    """The port inside: as the engine says; of an image alone its `port`, else the published one."""
    if service is not None:
        return service.port
    return deployment.maybe_integer("port") or deployment.maybe_integer("publish")


def ports(lowering: Lowering, deployment: View[Any], service: Service | None) -> list[dict[str, Any]]:
    """Published to this machine alone, unless `access: public` or the option says more."""
    published = deployment.maybe_integer("publish")
    inside = listens(deployment, service)
    if published is None or inside is None:
        return []
    access = deployment.maybe_text("access")
    option = lowering.options.maybe_text("bind") if lowering.options else None
    if access is not None and access.value == "public":
        address: Any = Sourced(EVERYWHERE, access.sources, raw=True)
    else:
        address = (option or Sourced(LOCAL, (), raw=True)).because(access)
    return [{"target": inside, "published": published.map(str), "host_ip": address}]
