"""Where a gateway answers, and how to start it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.placement import host
from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import Endpoint, Service, Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.litellm.backends import CONSUMER, usable
from llmops.targets.litellm.known import image, locked_version

PORT = 4000
"""The proxy's own default."""
LIVE = "/health/liveliness"
CONFIG = "/app/config.yaml"
"""Where a container finds its config."""
KEYLESS = "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"
"""Without a master key the proxy refuses to start, unless this says that anybody may call it."""


def in_charge(gateway: View[Any]) -> bool:
    return gateway.address.kind == "gateway" and gateway.text("engine").value == "litellm"


def master_key(gateway: View[Any]) -> Variable | None:
    """The variable of the key that clients show; None for a gateway that asks for none."""
    for keys in (("endpoint", "secret"), ("secret",)):
        secret = gateway.ref(*keys)
        if secret is not None:
            return Variable(variable(secret, CONSUMER).because(gateway.ref_name(*keys)), secret.address)
    return None


def port(lowering: Lowering) -> Sourced[int]:
    chosen = lowering.options.maybe_integer("port") if lowering.options else None
    return chosen or literal(PORT)


def endpoint(lowering: Lowering, gateway: View[Any], near: str | None) -> Endpoint | None:
    if not in_charge(gateway):
        return None
    key = master_key(gateway)
    if gateway.has("endpoint"):
        url, outside = gateway.maybe_text("endpoint", "url"), outside_variable(gateway, "endpoint", "url")
        return Endpoint(url or literal(""), key, outside=outside)
    here = port(lowering)
    return Endpoint(
        here.express(lambda p: f"http://127.0.0.1:{p}/v1"), key, here.express(lambda p: f"http://127.0.0.1:{p}{LIVE}"),
    )


def service(lowering: Lowering, gateway: View[Any], near: str | None) -> Service | None:
    """The proxy as a process of the host: a gateway without endpoint and platform is started by whoever calls it."""
    if not in_charge(gateway) or gateway.has("endpoint"):
        return None
    here = port(lowering)
    config = f"{lowering.folder}/{gateway.address.name}.yaml"
    argv = [literal("litellm"), literal("--config"), literal(config), literal("--host"), literal("127.0.0.1"),
            literal("--port"), here.express(str)]
    key = master_key(gateway)
    settings = {"LITELLM_LOCAL_MODEL_COST_MAP": literal("True")}
    if key is None and near is None and host(lowering.reader, gateway) is None:
        settings[KEYLESS] = literal("True")
    lock = f"{lowering.shared_folder}/requirements.txt"
    return Service(
        argv=tuple(argv),
        port=here,
        health=LIVE,
        install=(("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock),),
        tools=("python",),
        image=_image(lowering, gateway),
        args=(literal("--config"), literal(CONFIG), literal("--port"), here.express(str)),
        mounts=((config, CONFIG),),
        variables=(*((key,) if key else ()), *_variables(lowering, gateway, key)),
        settings=settings,
        key=key,
        needs=tuple(dict.fromkeys(_needs(lowering, gateway))),
        files=(config, lock),
    )


def _image(lowering: Lowering, gateway: View[Any]) -> Sourced[str]:
    chosen = lowering.options.maybe_text("image") if lowering.options else None
    version = gateway.maybe_text("version")
    return chosen or (version.express(image) if version is not None else literal(image(locked_version())))


def _variables(lowering: Lowering, gateway: View[Any], key: Variable | None) -> Iterator[Variable]:
    # Two secrets under one name are both told: a platform refuses them.
    seen = {(key.name.value, key.secret)} if key else set()
    for backend in usable(lowering, gateway):
        for found in backend.variables():
            if (found.name.value, found.secret) not in seen:
                seen.add((found.name.value, found.secret))
                yield found


def _needs(lowering: Lowering, gateway: View[Any]) -> Iterator[Address]:
    for backend in usable(lowering, gateway):
        if backend.deployment is not None:
            yield backend.deployment


def runner_unsupported(lowering: Lowering, gateway: View[Any]) -> Iterator[Unsupported]:
    """What keeps the proxy from running as it is asked to."""
    runner = host(lowering.reader, gateway)
    version = gateway.maybe_text("version")
    if runner is None and version is not None and version.value != locked_version():
        yield Unsupported(
            gateway.at("version"), f"a job that starts it installs {locked_version()}, from the lock",
            "leave the version out, or let a deployment run the gateway",
        )
    if runner is not None and master_key(gateway) is None:
        yield Unsupported(
            gateway.at("engine"), "it refuses to start without a master key, as anybody could call it",
            "give the gateway a `secret`",
        )


__all__ = ["CONSUMER", "endpoint", "in_charge", "master_key", "port", "runner_unsupported", "service"]
