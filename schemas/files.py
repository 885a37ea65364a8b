"""A kind's schema for the editor of one file, which is not yet a composed resource.

A file may have a `defaults:` list, and what it selects there may say the rest; and a value may be an interpolation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_DEFAULTS = {
    "title": "Defaults",
    "description": "Files that this one builds on, or selects.",
    "type": "array",
    "examples": [["/model/base/answerer"]],
}
_INTERPOLATION = {"type": "string", "pattern": r"^[^$]*[$][{].*[}]"}
_WHOLE = ("required", "oneOf", "dependentRequired", "minProperties")
_SCALARS = {"integer", "number", "boolean"}


def for_files(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` is bundled. What a whole resource must have is asked for where there is no `defaults:` list."""
    out: dict[str, Any] = _loosened(schema)
    out["properties"] = {"defaults": _DEFAULTS, **out["properties"]}
    whole = {word: out.pop(word) for word in _WHOLE if word in out}
    if whole:
        out |= {"if": {"required": ["defaults"]}, "else": whole}
    return out


def for_profiles(environment: dict[str, Any], kinds: Iterable[str]) -> dict[str, Any]:
    """The schema of a profile, such as conf/env/prod.yaml: it says what the environment is, and changes resources."""
    env: dict[str, Any] = _loosened(environment)
    definitions = {"$defs": env.pop("$defs")} if "$defs" in env else {}
    changes = {
        kind: {
            "title": kind.capitalize(), "description": f"Changes to resources of the kind {kind}, by name.",
            "type": "object", "additionalProperties": {"type": "object"},
        }
        for kind in kinds
    }
    return {
        "$schema": env.pop("$schema"), "title": "Profile",
        "description": "Selects resources, says what an environment is, and changes fields of resources.",
        "type": "object", "properties": {"defaults": _DEFAULTS, "env": env, **changes}, "additionalProperties": False,
        **definitions,
    }


def _loosened(value: Any) -> Any:
    """The same, where an interpolation may stand for a number, a choice or a text of a given form."""
    if isinstance(value, list):
        return [_loosened(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _closed_scalar(value):
        outer = {key: item for key, item in value.items() if key in ("title", "description", "examples", "default")}
        inner = {key: item for key, item in value.items() if key not in outer}
        return {**outer, "anyOf": [inner, _INTERPOLATION]}
    keep = ("examples", "default", "enum", "propertyNames", "required", "oneOf", "dependentRequired")
    return {key: item if key in keep or key.startswith("x-") else _loosened(item) for key, item in value.items()}


def _closed_scalar(schema: dict[str, Any]) -> bool:
    types = schema.get("type")
    if "x-ref" in schema or "x-text" in schema or not isinstance(types, (str, list)):
        return False
    named = {types} if isinstance(types, str) else set(types)
    return bool(named & _SCALARS) or ("string" in named and ("enum" in schema or "pattern" in schema))
