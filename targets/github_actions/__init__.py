"""GitHub Actions: one workflow a pipeline, in `.github/workflows/`."""

from __future__ import annotations

from llmops.compiler.emit.escapes import actions_expression
from llmops.compiler.model.target import Target
from llmops.targets.github_actions.lower import lower

TARGET = Target(
    name="github-actions",
    title="GitHub Actions",
    since="0.1",
    version="1",
    scope="project",
    lower=lower,
    escape=actions_expression,
    places=(".github/workflows/",),
)
