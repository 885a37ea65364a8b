"""What LiteLLM does to a text of its config after it has read the file."""

from __future__ import annotations

from llmops.compiler.model.target import Refusal


def no_environment(text: str) -> str:
    """LiteLLM reads `os.environ/NAME` from the environment: as a whole value, and inside headers and URLs."""
    if "os.environ/" in text:
        raise Refusal("`os.environ/` in it would be read from the environment of the gateway")
    return text
