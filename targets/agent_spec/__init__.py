"""Open Agent Spec: a document for each agent and each flow, which any runtime of the standard loads."""

from __future__ import annotations

from llmops.compiler.model.target import Target
from llmops.targets.agent_spec.known import check
from llmops.targets.agent_spec.lower import lower

TARGET = Target(
    name="agent-spec",
    title="Open Agent Spec",
    since="0.1",
    version="26.3",
    lower=lower,
    check=check,
)
