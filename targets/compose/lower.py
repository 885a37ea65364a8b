"""From deployments to services of a Compose file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.model.artifact import Artifact
from llmops.compiler.model.exports import Service
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.compose import hardware, health, volumes
from llmops.targets.compose.needs import depends_on
from llmops.targets.compose.placed import placed, runs
from llmops.targets.compose.ports import ports
from llmops.targets.compose.unsupported import OWN_NETWORK, replicas, unsupported
from llmops.targets.compose.variables import as_text, environment, of_variable, pulled, reads

RESTART = "unless-stopped"
RESTARTS = {"on_failure": "on-failure", "unless_stopped": "unless-stopped", "never": "no"}


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    services: dict[str, Any] = {}
    disks: dict[str, Any] = {}
    networks: dict[str, Any] = {}
    about: list[Address] = []
    yield from _clashes(lowering)
    for deployment in placed(lowering):
        service = runs(lowering, deployment)
        yield from hardware.problems(lowering, deployment)
        image = _image(lowering, deployment, service)
        if image is None:
            yield _no_image(deployment)
            continue
        about.append(deployment.address)
        services[deployment.address.name] = _service(lowering, deployment, service, image)
        disks.update(volumes.named(deployment))
        networks.update(_networks(deployment))
        yield from unsupported(deployment)
        yield from health.problems(deployment, service)
        yield from volumes.problems(deployment)
    if services:
        name = lowering.reader.project
        body: dict[str, Any] = {"name": f"{name.name}-{name.env}", "services": services}
        if disks:
            body["volumes"] = disks
        if networks:
            body["networks"] = networks
        yield Artifact("compose.yaml", body, tuple(about))


def _image(lowering: Lowering, deployment: View[Any], service: Service | None) -> Sourced[str] | None:
    """Its own; that of the options; or the engine's."""
    option = lowering.options.maybe_text("images", deployment.address.name) if lowering.options else None
    found = option or deployment.maybe_text("image") or (service.image if service is not None else None)
    return None if found is None else pulled(lowering, found)


def _no_image(deployment: View[Any]) -> Finding:
    at = next((field for field in ("version", "engine", "gateway", "model") if deployment.has(field)), "model")
    return Finding(
        f"no image is known for `{deployment.address.name}`",
        (Label(deployment.at(at), "of this", primary=True),),
        help=(f"say it in conf/target/compose.yaml: `images: {{{deployment.address.name}: …}}`",),
        severity=Severity.ERROR,
    )  # fmt: skip


def _service(
    lowering: Lowering, deployment: View[Any], service: Service | None, image: Sourced[str]
) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "image": image,
        "pull_policy": deployment.maybe_text("pull"),
        "container_name": deployment.maybe_text("container_name"),
        "command": _command(deployment, service),
        **_security(deployment),
        "environment": {name: found.text for name, found in environment(lowering, deployment, service).items()},
        "volumes": volumes.mounts(lowering, deployment, service),
        "ports": ports(lowering, deployment, service),
        "healthcheck": health.healthcheck(deployment, service),
        "depends_on": depends_on(lowering, deployment, service),
        **_resources(lowering, deployment, service),
        "stop_grace_period": deployment.maybe_text("grace"),
        "labels": {name: value.map(as_text) for name, value in (deployment.tree("labels") or {}).items()},
        "networks": _joined(deployment),
        "restart": _restart(lowering, deployment),
    }
    return {key: value for key, value in parts.items() if value is not None and value not in ({}, [])}


def _restart(lowering: Lowering, deployment: View[Any]) -> Sourced[str] | str:
    """Its own word; else that of the options."""
    own = deployment.maybe_text("restart")
    if own is not None:
        return own.map(lambda word: RESTARTS.get(word, word))
    return (lowering.options.maybe_text("restart") if lowering.options else None) or RESTART


def _command(deployment: View[Any], service: Service | None) -> Any:
    command = deployment.tree("command")
    if command is not None:
        return command
    return list(service.args) if service is not None and service.args else None


def _networks(deployment: View[Any]) -> dict[str, Any]:
    """Those that somebody else made: Compose looks for them, and makes none of that name."""
    return {name.value: {"external": name.map(lambda _: True)} for name in _outside(deployment)}


def _joined(deployment: View[Any]) -> list[Any]:
    """None where it joins no other: it is in the project's own by itself then."""
    outside = _outside(deployment)
    return [Sourced(OWN_NETWORK, outside[0].sources, raw=True), *outside] if outside else []


def _outside(deployment: View[Any]) -> list[Sourced[str]]:
    return [name for name in deployment.tree("networks") or () if name.value != OWN_NETWORK]


def _resources(lowering: Lowering, deployment: View[Any], service: Service | None) -> dict[str, Any]:
    found = hardware.hardware(lowering, deployment, service)
    number = replicas(deployment)
    if number is not None:
        found["deploy"] = {"replicas": number}  # never beside accelerators: those are one container's
    return found


def _security(deployment: View[Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    user = deployment.maybe_integer("security", "user")
    if user is not None:
        out["user"] = user.map(str)
    read_only = deployment.maybe_flag("security", "read_only")
    if read_only is not None:
        out["read_only"] = read_only
    kept = deployment.get("security", "capabilities")
    if kept is not None:
        # "Keeps" means that all others go.
        out["cap_drop"] = Sourced(["ALL"], kept.sources, raw=True)
        if kept.value:
            out["cap_add"] = deployment.tree("security", "capabilities")
    return out


def _clashes(lowering: Lowering) -> Iterator[Finding]:
    """Two secrets under one name: in a container, or outside, where a variable has one value for all containers."""
    outside: dict[str, Address] = {}
    for deployment in placed(lowering):
        inside: dict[str, Address] = {}
        for read in reads(deployment, runs(lowering, deployment)):
            needs = of_variable(lowering, read).needs
            for names, found in ((inside, read), (outside, needs)):
                if found is None or found.secret is None:
                    continue
                known = names.setdefault(found.name.value, found.secret)
                if known != found.secret:
                    yield _two(deployment, found.name.value, known, found.secret)
                    break


def _two(deployment: View[Any], name: str, first: Address, second: Address) -> Finding:
    return Finding(
        f"`{name}` would hold two secrets: {first} and {second}",
        (Label(deployment.at(), "this reads the second", primary=True, key_only=True),),
        help=("give one of them another `variable`, or another name in `variables`",), severity=Severity.ERROR,
    )  # fmt: skip
