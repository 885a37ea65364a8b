"""Where a deployed model answers, and how its server is started."""

from __future__ import annotations

import posixpath
from typing import Any

from llmops.compiler.derive.hardware import parallelism
from llmops.compiler.derive.placement import platform
from llmops.compiler.derive.route import outside_variable, provider_key
from llmops.compiler.model.exports import Endpoint, Service, Variable
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.vllm.images import image
from llmops.targets.vllm.lower import PORT
from llmops.targets.vllm.secrets import api_key, secrets
from llmops.targets.vllm.weights import folders

HEALTH = "/health"
CONFIG = "/etc/llmops/vllm.yaml"
TEMPLATE = "/etc/llmops/chat-template.jinja"
START_UP = "15m"
"""Weights are fetched and compiled for first: an assumption of ours, which `probes.startup` replaces."""


def in_charge(deployment: View[Any]) -> bool:
    engine = deployment.maybe_text("engine") if deployment.address.kind == "deployment" else None
    return engine is not None and engine.value == "vllm"


def port(deployment: View[Any]) -> Sourced[int]:
    return deployment.maybe_integer("port") or literal(PORT)


def endpoint(lowering: Lowering, deployment: View[Any], near: str | None) -> Endpoint | None:
    """Of a server that runs already, or of one that its caller starts; a platform answers for what it runs."""
    if not in_charge(deployment):
        return None
    if deployment.has("endpoint"):
        key = provider_key(deployment, "openai")
        outside = outside_variable(deployment, "endpoint", "url")
        url = deployment.maybe_text("endpoint", "url")
        return Endpoint(url or literal(""), key, outside=outside) if url or outside else None
    if platform(lowering.reader, deployment) is not None:
        return None
    here = port(deployment)
    return Endpoint(
        here.express(lambda p: f"http://127.0.0.1:{p}/v1"), api_key(deployment),
        here.express(lambda p: f"http://127.0.0.1:{p}{HEALTH}"),
    )


def service(lowering: Lowering, deployment: View[Any], near: str | None) -> Service | None:
    if not in_charge(deployment) or deployment.has("endpoint"):
        return None
    model = deployment.ref("model")
    if model is None:
        return None
    config = f"{lowering.folder}/{deployment.address.name}.yaml"
    argv = [literal("vllm"), literal("serve"), literal("--config"), literal(config)]
    args = [literal("--config"), literal(CONFIG)]
    mounts: list[tuple[str | Sourced[str], str]] = [(config, CONFIG)]
    template = model.maybe_text("chat_template")
    if template is not None:
        # Beside the config file, not in it: its place differs between a host and a container.
        file = template.map(lambda path: posixpath.normpath(posixpath.join(lowering.root, path)))
        argv.append(file.map(lambda path: f"--chat-template={path}"))
        args.append(literal(f"--chat-template={TEMPLATE}").because(template))
        mounts.append((file, TEMPLATE))
    mounts += folders(lowering, deployment)
    split = parallelism(deployment)
    return Service(
        argv=tuple(argv),
        port=port(deployment),
        health=HEALTH,
        image=image(lowering, deployment),
        args=tuple(args),
        mounts=tuple(mounts),
        variables=(*secrets(deployment), *_outside(deployment)),
        settings=_settings(deployment),
        key=api_key(deployment),
        shares_memory=split is not None and split.accelerators > 1,
        start_up=START_UP,
    )


def _settings(deployment: View[Any]) -> dict[str, Sourced[str]]:
    """The deployment's own variables, as text."""
    found = deployment.tree("env") or {}
    return {name: value.map(text) for name, value in found.items() if isinstance(value, Sourced)}


def _outside(deployment: View[Any]) -> list[Variable]:
    """Values that are known outside only, under the same name there and here."""
    named = [(name, outside_variable(deployment, "env", name)) for name in deployment.value.get("env") or {}]
    return [found for name, found in named if found is not None and found.name.value == name]


def text(value: Any) -> str:
    """A value as a variable of the environment has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
