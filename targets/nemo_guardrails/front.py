"""Where a guarded flow stands: the server before it, and the app that it calls behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.flow import plan
from llmops.compiler.derive.placement import platform
from llmops.compiler.derive.serving import Served, serving
from llmops.compiler.derive.serving import app as app_at
from llmops.compiler.model.exports import App
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import DEPLOYMENT
from llmops.targets.nemo_guardrails.models import CONSUMER


@dataclass(frozen=True, slots=True)
class Front:
    """`server` is the deployment of this target that serves the flow, None where whoever wants starts one; `app` is
    how the flow itself is called behind it, `behind` the deployment that answers; `message` the input that is the
    user's text, `others` those that come beside it."""

    flow: View[Any]
    server: Served | None
    app: App | None
    behind: Address | None
    message: Sourced[str] | None
    others: tuple[Sourced[str], ...]
    problem: Finding | None = None

    @property
    def sources(self) -> Sourced[Any]:
        """Why it calls what it calls."""
        return self.server.named if self.server is not None else Sourced(0)


def ours(deployment: View[Any]) -> bool:
    return deployment.address.kind == DEPLOYMENT.name and deployment.value.get("engine") == CONSUMER


def near(reader: Reader, server: View[Any] | None) -> str | None:
    """The platform that the server runs on, which decides how it sees others."""
    where = platform(reader, server) if server is not None and not server.has("endpoint") else None
    return None if where is None else where.value


def front(lowering: Lowering, flow: View[Any]) -> Front:
    """What stands before a flow and behind the guardrails."""
    places = serving(lowering.reader, flow)
    server = next((place for place in places if ours(place.deployment)), None)
    inner = [place for place in places if not ours(place.deployment)]
    if server is not None and len(inner) > 1:
        used = server.deployment.value.get("uses", {}).get("deployment", ())
        inner = [place for place in inner if place.deployment.address.name in used] or inner
    message, others = _inputs(lowering, flow)
    if not inner:
        problem = None if server is None else _problem(
            server.node, f"no deployment serves `{flow.address.name}` behind the guardrails", "nothing answers here",
            "let another deployment serve the flow, with the engine that runs it",
        )
        return Front(flow, server, None, None, message, others, problem)
    if len(inner) > 1:
        names = " and ".join(f"`{place.deployment.address.name}`" for place in inner)
        where = server.node if server is not None else inner[0].node
        return Front(flow, server, None, None, message, others, _problem(
            where, f"two deployments serve `{flow.address.name}`: {names}", "which one stands behind the guardrails?",
            "name it in the server's `uses: {deployment: [...]}`",
        ))
    place = inner[0]
    at = near(lowering.reader, None if server is None else server.deployment)
    app = app_at(lowering, place, CONSUMER, at)
    problem = None
    if app is None and server is not None:
        problem = _problem(server.node, f"no target says how {place.deployment.address} is called", "", "")
    return Front(flow, server, app, place.deployment.address, message, others, problem)


def _inputs(lowering: Lowering, flow: View[Any]) -> tuple[Sourced[str] | None, tuple[Sourced[str], ...]]:
    """The input that is the user's text: the first text that must be given, else the first text."""
    inputs = plan(lowering.facts, flow).inputs
    texts = [name for name, port in inputs.items() if port.type == "string"]
    message = next((name for name in texts if inputs[name].required), next(iter(texts), None))
    sourced = {name: Sourced(name, (flow.source("inputs", name),)) for name in inputs}
    types = [flow.get("inputs", name) for name in inputs]
    return (
        None if message is None else sourced[message].because(*types),
        tuple(text.because(*types) for name, text in sourced.items() if name != message),
    )


def _problem(node: Node, message: str, label: str, cure: str) -> Finding:
    labels = (Label(node.at(), label, primary=True, key_only=True),)
    return Finding(message, labels, help=(cure,) if cure else (), severity=Severity.ERROR)


def servers(reader: Reader) -> Iterator[View[Any]]:
    """The deployments that this target runs."""
    return reader.of(DEPLOYMENT, engine=CONSUMER)
