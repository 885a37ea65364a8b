"""Secrets that the engine reads from its environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.placement import platform
from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.finding import Finding, Label
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View

CONSUMER = "vllm"
TOKEN = "HF_TOKEN"
"""Read by huggingface_hub, which fetches the weights."""
API_KEY = "VLLM_API_KEY"
"""vllm/envs.py: callers must show it, as with --api-key."""


def secrets(deployment: View[Any]) -> Iterator[Variable]:
    """Each under the variable that it says for this engine, else its own."""
    for entry in deployment.entries("secrets"):
        secret = entry.ref()
        if secret is not None:
            yield Variable(variable(secret, CONSUMER).because(entry.get()), secret.address)


def api_key(deployment: View[Any]) -> Variable | None:
    return next((found for found in secrets(deployment) if found.name.value == API_KEY), None)


def gated(lowering: Lowering, deployment: View[Any], model: View[Any]) -> Iterator[Finding]:
    """Weights that are given to those only who asked for them."""
    repo = model.maybe_text("weights", "repo")
    row = lowering.facts.architecture(repo.value) if repo is not None else None
    given = {found.name.value for found in secrets(deployment)} | set(deployment.value.get("env") or {})
    if row is not None and row.gated and TOKEN not in given:
        yield Finding(
            f"`{row.repo}` is gated, and this deployment has no token for it",
            (Label(deployment.at("model"), "", primary=True), Label(model.at("weights", "repo"), "gated")),
            notes=(f"{row.fact} ({row.source}, {row.as_of})",),
            help=(f"add `secrets: [huggingface]`, a secret whose variable is {TOKEN}",),
        )


def renamed(lowering: Lowering, deployment: View[Any]) -> Iterator[Unsupported]:
    """A job that starts the server passes its own variables on, under their own names."""
    if platform(lowering.reader, deployment) is not None:
        return
    for name in deployment.value.get("env") or {}:
        found = outside_variable(deployment, "env", name)
        if found is not None and found.name.value != name:
            yield Unsupported(
                deployment.at("env", name), "a server that a job starts reads a variable under its own name",
                f"call it `{name}` outside too",
            )  # fmt: skip
