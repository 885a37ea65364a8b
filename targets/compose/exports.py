"""Where a container answers: inside the network by its service's name, outside by its published port."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.placement import host, platform
from llmops.compiler.model.exports import Deploy, Endpoint, Service, Variable
from llmops.compiler.model.sourced import literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT

PLATFORM = "compose"


def here(lowering: Lowering, deployment: View[Any]) -> bool:
    chosen = platform(lowering.reader, deployment)
    return chosen is not None and chosen.value == PLATFORM and not deployment.has("endpoint")


def host_of(lowering: Lowering, resource: View[Any]) -> View[Any] | None:
    """The deployment that runs a resource on this platform: itself, or the one that names a gateway."""
    if resource.address.kind == "deployment":
        return resource if here(lowering, resource) else None
    deployment = host(lowering.reader, resource) if resource.address.kind == "gateway" else None
    return deployment if deployment is not None and here(lowering, deployment) else None


def runs(lowering: Lowering, deployment: View[Any]) -> Service | None:
    """What its container runs, as the engine in charge says."""
    gateway = deployment.ref("gateway")
    return lowering.ask(Service, gateway if gateway is not None else deployment, PLATFORM)


def endpoint(lowering: Lowering, resource: View[Any], near: str | None) -> Endpoint | None:
    deployment = host_of(lowering, resource)
    service = runs(lowering, deployment) if deployment is not None else None
    if deployment is None or service is None:
        return None
    key = service.key
    if near == PLATFORM:
        name = deployment.address.name
        url = service.port.express(lambda p: f"http://{name}:{p}/v1")
        return Endpoint(url, key)
    published = deployment.maybe_integer("publish")
    if published is None:
        return None
    return Endpoint(
        published.express(lambda p: f"http://127.0.0.1:{p}/v1"), key,
        published.express(lambda p: f"http://127.0.0.1:{p}{service.health}"),
    )


def deploy(lowering: Lowering, deployment: View[Any], near: str | None) -> Deploy | None:
    if deployment.address.kind != "deployment" or not here(lowering, deployment):
        return None
    found: dict[str, Variable] = {}
    for other in lowering.reader.of(DEPLOYMENT):
        service = runs(lowering, other) if here(lowering, other) else None
        for variable in service.variables if service else ():
            found.setdefault(variable.name.value, variable)
    words = ["docker", "compose", "--file", f"{lowering.folder}/compose.yaml", "up", "--detach", "--wait"]
    return Deploy(tuple(literal(word) for word in words), tuple(found.values()))
