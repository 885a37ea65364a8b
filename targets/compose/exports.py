"""Where a container answers: inside the network by its service's name, outside by its published port."""

from __future__ import annotations

import shlex
from typing import Any

from llmops.compiler.derive.route import outside_variable
from llmops.compiler.model.exports import Deploy, Endpoint
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.compose.placed import PLATFORM, here, host_of, runs
from llmops.targets.compose.variables import needed


def endpoint(lowering: Lowering, resource: View[Any], near: str | None) -> Endpoint | None:
    deployment = host_of(lowering, resource)
    service = runs(lowering, deployment) if deployment is not None else None
    if deployment is None or service is None:
        return None
    name, at = "127.0.0.1", deployment.maybe_integer("publish")
    if near == PLATFORM:
        name, at = deployment.address.name, service.port
    if at is None:
        return None
    return Endpoint(
        at.express(lambda p: f"http://{name}:{p}/v1"), service.key,
        at.express(lambda p: f"http://{name}:{p}{service.health}"),
    )


def deploy(lowering: Lowering, deployment: View[Any], near: str | None) -> Deploy | None:
    """All containers of the environment at once: Compose itself sees what changed."""
    if deployment.address.kind != "deployment" or not here(lowering, deployment):
        return None
    words = ["compose", "--file", f"{lowering.folder}/compose.yaml", "up", "--detach", "--wait"]
    variables = needed(lowering)
    environment = lowering.reader.environment
    outside = outside_variable(environment, "context")
    if outside is not None:
        # The name is known when the job runs: a shell puts it in.
        line = outside.name.express(lambda name: f'exec docker --context "${name}" {shlex.join(words)}')
        return Deploy((literal("sh"), literal("-c"), line), (outside, *variables))
    context = environment.maybe_text("context")
    chosen: list[Sourced[str]] = [] if context is None else [literal("--context"), context]
    return Deploy((literal("docker"), *chosen, *(literal(word) for word in words)), variables)
