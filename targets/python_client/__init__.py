"""Python client: a typed package with a function for each prompt, served flow and experiment."""

from __future__ import annotations

from llmops.compiler.model.target import Target
from llmops.targets.python_client.lower import lower

TARGET = Target(name="python-client", title="Python client", since="0.1", version="3.11", lower=lower)
