"""docs/reference/kinds/<kind>.md: what a kind is, and a table of its fields and of those below them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from llmops.compiler.model.kinds import Shape
from llmops.schemas import ENVIRONMENT, kind_names, load_kinds, schema

TYPES = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "array": "list",
    "object": "map", "null": "null",
}
DEPTH = 4
PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*|[0-9]+[A-Za-z]+")
"""Texts that need no quotes in the examples of these pages."""


def files() -> Iterator[tuple[str, str]]:
    kinds = load_kinds()
    for name in (*kind_names(), ENVIRONMENT):
        yield f"docs/reference/kinds/{name}.md", page(name, kinds[name].shape)
    yield "docs/reference/kinds/README.md", index()


def index() -> str:
    lines = [
        "# Kinds", "",
        "A file `conf/<kind>/<name>.yaml` is the resource `<kind>.<name>`. `env` is the one root key that is no kind.",
        "",
        "| kind | what it is |", "| --- | --- |",
        *(f"| [{name}]({name}.md) | {schema(name)['description']} |" for name in (*kind_names(), ENVIRONMENT)), "",
    ]
    return "\n".join(lines)


def page(name: str, shape: Shape) -> str:
    whole = shape.schema
    lines = [f"# {name}", "", whole["description"], ""]
    if name == ENVIRONMENT:
        lines += ["`env` is the one root key of a config that is no kind: `conf/env/<environment>.yaml` writes it.", ""]
    lines += ["```yaml", *_yaml(whole["examples"][0], 0), "```", ""]
    choice = whole.get("x-exactly-one")
    if choice:
        lines += [f"Exactly one of {', '.join(f'`{key}`' for key in choice)}.", ""]
    lines += [
        "| field | type | required | default | may vary by environment | what it is | example |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows(shape, "", shape.flag("x-scope") == "project", 0), "",
    ]
    return "\n".join(lines)


def rows(shape: Shape, prefix: str, same: bool, depth: int) -> Iterator[str]:
    required = shape.schema.get("required", ())
    for key, below in shape.properties.items():
        fixed = same if below.flag("x-same") is None else bool(below.flag("x-same"))
        yield _row(prefix + key, below, key in required, fixed)
        yield from _below(below, prefix + key, fixed, depth + 1)


def _below(shape: Shape, prefix: str, same: bool, depth: int) -> Iterator[str]:
    if depth >= DEPTH or "overrides" in prefix:
        return
    for branch in shape.branches or (shape,):
        if branch.flag("x-open") and branch.flag("title") != "Request parameters":
            continue
        yield from rows(branch, f"{prefix}.", same, depth)
        if isinstance(branch.schema.get("additionalProperties"), dict) and branch.additional is not None:
            yield from _below(branch.additional, f"{prefix}.<name>", same, depth)
        if branch.items is not None:
            yield from _below(branch.items, f"{prefix}[]", same, depth)


def _row(name: str, shape: Shape, required: bool, same: bool) -> str:
    schema = shape.schema
    default = f"`{_flow(schema['default'])}`" if "default" in schema else ""
    if shape.flag("x-ref-default"):
        default = "the entry's own name"
    examples = schema.get("examples", ())
    cells = (
        f"`{name}`", type_words(shape), "yes" if required else "", default, "" if same else "yes",
        schema.get("description", ""), f"`{_flow(examples[0])}`" if examples else "",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def type_words(shape: Shape) -> str:
    """A field's type in a few words: "text", "list of `@model`", "map by name", "`block` or `report`"."""
    schema = shape.schema
    if shape.ref is not None:
        if shape.ref.entry is not None:
            return f"entry of `{'.'.join((*shape.ref.kinds, shape.ref.entry))}`"
        return " or ".join(f"`@{kind}`" for kind in shape.ref.kinds)
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if shape.branches:
        return " or ".join(dict.fromkeys(type_words(branch) for branch in shape.branches))
    if "array" in shape.types and shape.items is not None:
        return f"list of {type_words(shape.items)}"
    if "object" in shape.types:
        if shape.flag("x-open"):
            return "open map"
        named = not shape.properties and isinstance(schema.get("additionalProperties"), dict)
        return "map by name" if named else "map"
    words = [TYPES[name] for name in sorted(shape.types) if name != "null"] or ["any value"]
    unit = f" of {shape.flag('x-unit')}" if shape.flag("x-unit") else ""
    return " or ".join(words) + unit


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _yaml(value: dict[str, Any], indent: int) -> Iterator[str]:
    for key, item in value.items():
        yield f"{' ' * indent}{key}: {_flow(item)}"
