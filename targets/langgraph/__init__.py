"""LangGraph: agents and served flows as graphs, with the file that its server and its command line read."""

from __future__ import annotations

from llmops.compiler.model.exports import App, Screened, Service
from llmops.compiler.model.target import Target
from llmops.targets.langgraph.exports import app, service
from llmops.targets.langgraph.guards import screened
from llmops.targets.langgraph.known import check
from llmops.targets.langgraph.lower import lower

TARGET = Target(
    name="langgraph",
    title="LangGraph",
    since="0.1",
    version="1.2",
    lower=lower,
    exports={App: app, Screened: screened, Service: service},
    check=check,
)
