"""Where a deployed model answers, and how its server is started."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.exports import Endpoint, Service
from llmops.compiler.model.sourced import Sourced, combine, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.vllm.lower import PORT

IMAGE = "vllm/vllm-openai"
HEALTH = "/health"
CONFIG = "/etc/llmops/vllm.yaml"


def in_charge(deployment: View[Any]) -> bool:
    engine = deployment.maybe_text("engine") if deployment.address.kind == "deployment" else None
    return engine is not None and engine.value == "vllm"


def port(deployment: View[Any]) -> Sourced[int]:
    return deployment.maybe_integer("port") or literal(PORT)


def endpoint(lowering: Lowering, deployment: View[Any], near: str | None) -> Endpoint | None:
    if not in_charge(deployment):
        return None
    url = deployment.maybe_text("endpoint", "url")
    if url is not None:
        return Endpoint(url)
    return Endpoint(
        port(deployment).express(lambda p: f"http://127.0.0.1:{p}/v1"), None,
        port(deployment).express(lambda p: f"http://127.0.0.1:{p}{HEALTH}"),
    )


def service(lowering: Lowering, deployment: View[Any], near: str | None) -> Service | None:
    if not in_charge(deployment) or deployment.has("endpoint"):
        return None
    config = f"{lowering.folder}/{deployment.address.name}.yaml"
    version = deployment.maybe_text("version")
    image = combine(lambda v: f"{IMAGE}:v{v}", version) if version is not None else None
    return Service(
        argv=(literal("vllm"), literal("serve"), literal("--config"), literal(config)),
        port=port(deployment),
        health=HEALTH,
        image=Sourced(image.value, image.sources, raw=True) if image else None,
        args=(literal("--config"), literal(CONFIG)),
        mounts=((config, CONFIG),),
    )
