"""The functions of tools: their names, JSON Schemas, and what they may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node, View

ORDER = ("read", "write", "external", "destructive")
"""Effects, from the least to the worst."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function that a model may call. `schema` is that of its arguments, None where only its server knows it.

    `node` is where its effects and trust stand: the tool, or an entry of the server's allow-list.
    """

    tool: View[Any]
    node: Node
    name: Sourced[str]
    description: Sourced[str] | None
    schema: dict[str, Any] | None
    effects: Sourced[str]
    trust: Sourced[str]
    approval: Sourced[str] | None
    server: bool = False
    """Whether an MCP server of others offers it."""


def functions(tool: View[Any]) -> Iterator[Function]:
    """The one function of a function tool, or each that a server's allow-list names."""
    if tool.value.get("parameters") is not None:
        yield Function(
            tool, tool, tool.label, tool.maybe_text("description"), arguments(tool), tool.text("effects"),
            tool.text("trust"), tool.maybe_text("approval"),
        )
        return
    for entry in tool.entries("mcp", "allow"):
        yield Function(
            tool, entry, Sourced(entry.name, (entry.source(),)), None, None, entry.text("effects"),
            entry.text("trust"), entry.maybe_text("approval") or tool.maybe_text("approval"), server=True,
        )


def arguments(tool: View[Any]) -> dict[str, Any]:
    """The JSON Schema of a function tool's arguments, with the origins of each part: an object that is closed."""
    properties, required = {}, []
    for parameter in tool.entries("parameters"):
        schema = parameter.tree() or {}
        optional = schema.pop("optional", None)
        properties[parameter.name] = schema
        if optional is None or not optional.value:
            required.append(Sourced(parameter.name, (parameter.source(),)))
    return {
        "type": "object", "properties": properties, **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def worst(tool: View[Any]) -> Sourced[str] | None:
    """The worst that any function of a tool can do."""
    found = sorted((f.effects for f in functions(tool)), key=lambda effects: ORDER.index(effects.value))
    return found[-1] if found else None


def returned(tool: View[Any]) -> Mapping[str, Any] | None:
    """The JSON Schema of what a function tool returns, where it says so."""
    found = tool.tree("returns")
    return found if isinstance(found, Mapping) else None
