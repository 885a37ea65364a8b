"""Where a gateway answers, and how to start it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.route import behind_gateway, provider_key
from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import Endpoint, Service, Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.litellm.backends import backends

PORT = 4000
"""The proxy's own default."""
CONSUMER = "litellm"
MASTER_KEY = "LITELLM_MASTER_KEY"
LIVE = "/health/liveliness"


def in_charge(gateway: View[Any]) -> bool:
    return gateway.address.kind == "gateway" and gateway.text("engine").value == "litellm"


def master_key(gateway: View[Any]) -> Variable | None:
    """The variable of the key that clients show; None for a gateway that asks for none."""
    secret = gateway.ref("secret")
    if secret is None:
        return None
    name = variable(secret, CONSUMER).because(gateway.ref_name("secret"))
    return Variable(name, secret.address)


def port(lowering: Lowering) -> Sourced[int]:
    chosen = lowering.options.maybe_integer("port") if lowering.options else None
    return chosen or literal(PORT)


def endpoint(lowering: Lowering, gateway: View[Any], near: str | None) -> Endpoint | None:
    if not in_charge(gateway):
        return None
    runs_already = gateway.maybe_text("endpoint")
    if runs_already is not None:
        return Endpoint(runs_already, master_key(gateway))
    here = port(lowering)
    return Endpoint(
        here.express(lambda p: f"http://127.0.0.1:{p}/v1"), master_key(gateway),
        here.express(lambda p: f"http://127.0.0.1:{p}{LIVE}"),
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
    return Service(
        argv=tuple(argv),
        port=here,
        health=LIVE,
        install=(("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r",
                  f"{lowering.shared_folder}/requirements.txt"),),
        tools=("python",),
        args=(literal("--config"), literal("/app/config.yaml"), literal("--port"), here.express(str)),
        mounts=((config, "/app/config.yaml"),),
        variables=(*((key,) if key else ()), *_variables(lowering, gateway)),
        settings={"LITELLM_LOCAL_MODEL_COST_MAP": literal("True")},
        key=key,
        needs=tuple(_needs(lowering, gateway)),
        files=(f"{lowering.shared_folder}/requirements.txt",),
    )


def _variables(lowering: Lowering, gateway: View[Any]) -> Iterator[Variable]:
    seen: set[str] = set()
    for backend in backends(lowering, gateway):
        for found in (backend.key, backend.url_variable):
            if found is not None and found.name.value not in seen:
                seen.add(found.name.value)
                yield found


def _needs(lowering: Lowering, gateway: View[Any]) -> Iterator[Address]:
    for backend in backends(lowering, gateway):
        if backend.deployment is not None:
            yield backend.deployment


__all__ = ["behind_gateway", "endpoint", "in_charge", "master_key", "port", "provider_key", "service"]
