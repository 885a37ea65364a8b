"""Which agents and flows become documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from llmops.compiler.derive.serving import served
from llmops.compiler.model.artifact import Artifact
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import AGENT, DEPLOYMENT, FLOW
from llmops.targets.agent_spec.agents import agent
from llmops.targets.agent_spec.document import Document, Problems
from llmops.targets.agent_spec.flows import flow

NAME = "agent-spec"


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    problems: Problems = []
    for folder, found, make in _wanted(lowering):
        document = Document(lowering, problems)
        made = make(document, found)
        if made is not None and not document.failed:
            main = document.components[made["$component_ref"]]
            yield Artifact(f"{folder}/{found.address.name}.yaml", document.finish(main), (found.address,))
    yield from problems


def _wanted(lowering: Lowering) -> Iterator[tuple[str, View[Any], Callable[[Document, View[Any]], Any]]]:
    """With an entry under `target` every agent and flow; without it those that name this target."""
    every = lowering.options is not None
    for found in lowering.reader.of(AGENT):
        framework = found.maybe_text("framework")
        if (framework.value if framework is not None else None) == NAME or (every and framework is None):
            yield "agents", found, agent
    flows = {
        one.flow.address for deployment in lowering.reader.of(DEPLOYMENT, engine=NAME)
        for one in served(lowering.reader, deployment)
    }
    for one in lowering.reader.of(FLOW):
        if every or one.address in flows:
            yield "flows", one, flow
