"""From deployments to services of a Compose file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from llmops.compiler.diagnostics.finding import Finding
from llmops.compiler.model.artifact import Artifact
from llmops.compiler.model.exports import Service
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT
from llmops.targets.compose.exports import here, runs


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    services: dict[str, Any] = {}
    about: list[Address] = []
    for deployment in lowering.reader.of(DEPLOYMENT):
        if not here(lowering, deployment):
            continue
        about.append(deployment.address)
        services[deployment.address.name] = _service(lowering, deployment, runs(lowering, deployment))
        yield from _unsupported(deployment)
    if services:
        name = lowering.reader.project
        yield Artifact("compose.yaml", {"name": f"{name.name}-{name.env}", "services": services}, tuple(about))


def _service(lowering: Lowering, deployment: View[Any], service: Service | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    image = deployment.maybe_text("image") or (service.image if service else None)
    if image is not None:
        out["image"] = image
    command = deployment.tree("command")
    if command is not None:
        out["command"] = command
    elif service is not None and service.args:
        out["command"] = list(service.args)
    environment = _environment(deployment, service)
    if environment:
        out["environment"] = environment
    volumes = [_mount(lowering, *mount) for mount in (service.mounts if service else ())]
    if volumes:
        out["volumes"] = volumes
    published = deployment.maybe_integer("publish")
    port = deployment.maybe_integer("port") or (service.port if service else published)
    if published is not None and port is not None:
        out["ports"] = [{"target": port, "published": published.map(str), "host_ip": "127.0.0.1"}]
    if service is not None:
        out["healthcheck"] = _healthcheck(service)
        waits = {need.name: {"condition": "service_healthy"} for need in service.needs}
        if waits:
            out["depends_on"] = waits
    out.update(_hardware(lowering, deployment))
    out["restart"] = "unless-stopped"
    return out


def _environment(deployment: View[Any], service: Service | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for variable in service.variables if service else ():
        out[variable.name.value] = variable.name.express(lambda name: f"${{{name}:?}}")
    for name, value in (service.settings if service else {}).items():
        out[name] = value
    for name, value in (deployment.tree("env") or {}).items():
        out[name] = value
    return out


def _mount(lowering: Lowering, path: str, inside: str) -> dict[str, Any]:
    source = posixpath.relpath(path, lowering.folder)
    return {"type": "bind", "source": source, "target": inside, "read_only": True}


def _healthcheck(service: Service) -> dict[str, Any]:
    url = service.port.express(lambda p: f"http://127.0.0.1:{p}{service.health}")
    code = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)"
    return {
        "test": ["CMD", "python3", "-c", code, url],
        "interval": "10s", "timeout": "10s", "retries": 3, "start_period": "15m",
    }


def _hardware(lowering: Lowering, deployment: View[Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    shm = deployment.maybe_text("hardware", "shm")
    if shm is not None:
        out["shm_size"] = shm.map(lambda size: size.lower().replace("ib", "b"))
    count = deployment.maybe_integer("hardware", "count")
    pool = deployment.maybe_text("hardware", "pool")
    if pool is not None:
        devices = {
            "driver": "nvidia",
            "count": count if count is not None else 1,
            "capabilities": ["gpu"],
        }
        out["deploy"] = {"resources": {"reservations": {"devices": [Sourced(devices, pool.sources, raw=True)]}}}
        if shm is None:
            out["ipc"] = "host"
    return out


def _unsupported(deployment: View[Any]) -> Iterator[Unsupported]:
    for field, why in (
        ("replicas", "it runs one container of each"), ("rollout", "it replaces containers at once"),
        ("roles", "it runs one container of each"), ("chart", "it reads no Helm charts"),
    ):
        if deployment.has(field):
            yield Unsupported(deployment.at(field), why, "choose another platform")
