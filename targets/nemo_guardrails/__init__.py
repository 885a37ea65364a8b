"""NeMo Guardrails: a folder of rails for each guarded flow, and the lock file that installs the server."""

from __future__ import annotations

from llmops.compiler.model.exports import App, Endpoint, Screen, Service
from llmops.compiler.model.target import Target
from llmops.targets.nemo_guardrails.exports import app, endpoint, screen, service
from llmops.targets.nemo_guardrails.known import check
from llmops.targets.nemo_guardrails.lower import lower

TARGET = Target(
    name="nemo-guardrails",
    title="NeMo Guardrails",
    since="0.1",
    version="0.24",
    lower=lower,
    exports={App: app, Endpoint: endpoint, Screen: screen, Service: service},
    check=check,
    order=15,  # before the engines of apps: it stands before what they serve
)
