"""Haystack: pipelines for flows, served by hayhooks, and for filling indexes."""

from __future__ import annotations

from llmops.compiler.model.exports import App, Service, Task
from llmops.compiler.model.target import Target
from llmops.targets.haystack.exports import app, service, task
from llmops.targets.haystack.known import check
from llmops.targets.haystack.lower import lower

TARGET = Target(
    name="haystack",
    title="Haystack",
    since="0.1",
    version="3.4",
    lower=lower,
    exports={App: app, Service: service, Task: task},
    check=check,
)
