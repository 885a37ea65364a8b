"""The words of prompts, with the values of their variables."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage

TEMPLATES = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


class Names(string.Formatter):
    """Python's format with names alone: nothing below a value can be reached."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        return kwargs[field_name], field_name


def rendered(text: str, syntax: str, inputs: Mapping[str, Any]) -> str:
    if syntax == "none":
        return text
    return Names().vformat(text, (), inputs) if syntax == "f-string" else TEMPLATES.from_string(text).render(**inputs)


def opening(agent: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[AnyMessage]:
    """The prompt's own messages: role, text, and how it is written where not as the others."""
    missing = [name for name, needed in agent["variables"].items() if needed and name not in inputs]
    if missing:
        raise ValueError(f"`inputs` lacks {', '.join(missing)}")
    given = {name: inputs.get(name, "") for name in agent["variables"]}
    kinds: dict[str, type[AnyMessage]] = {"user": HumanMessage, "assistant": AIMessage}
    return [
        kinds.get(role, SystemMessage)(rendered(text, own[0] if own else agent["syntax"], given))
        for role, text, *own in agent["messages"]
    ]
