"""What the tests of `load` share: small projects in memory, and short words for what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops.compiler.load import Memory, load
from llmops.compiler.model.finding import Diagnostic, Outcome
from llmops.compiler.model.kinds import Kind, Shape
from llmops.compiler.model.project import Composed, Loaded
from llmops.compiler.model.request import Request

_OPEN: dict[str, Any] = {"type": "object", "x-open": True, "additionalProperties": {}}
_TEXT = {"type": "string", "x-text": True}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "model": {
        "type": "object",
        "properties": {
            "provider": {"type": "string"},
            "id": {"type": "string"},
            "description": _TEXT,
            "params": _OPEN,
            "region": {"type": "string"},
            "size": {"type": "integer"},
            "limits": {"type": "object", "properties": {"rpm": {"type": "integer"}, "tpm": {"type": "integer"}}},
            "replacement": {"type": "string", "x-ref": "model"},
            "file": {"type": "string", "x-file": True},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "additionalProperties": False,
    },
    "prompt": {
        "type": "object",
        "properties": {
            "messages": {"type": "array", "items": {"type": "object", "additionalProperties": _TEXT}},
            "variables": {"type": "object", "additionalProperties": {"type": "string"}},
            "model": {"type": "string", "x-ref": "model"},
        },
    },
    "gateway": {
        "type": "object",
        "properties": {
            "engine": {"type": "string"},
            "routes": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "properties": {
                        "model": {"type": "string", "x-ref": "model"},
                        "limits": {"type": "object", "properties": {"rpm": {"type": "integer"}}},
                        "url": {"type": "string"},
                    },
                },
            },
        },
    },
    "env": {
        "type": "object",
        "properties": {
            "production": {"type": "boolean"},
            "region": {"type": "string"},
            "n": {"type": "integer"},
            "vars": _OPEN,
        },
    },
}

KINDS: Mapping[str, Kind[Any]] = {
    name: Kind(name, Shape(schema, "#", lambda pointer: {})) for name, schema in _SCHEMAS.items()
}

BASE: dict[str, str | bytes] = {
    "llmops.yaml": "name: app\nenvironments: {dev: []}\n",
    "conf/config.yaml": "defaults:\n  - model: [a]\n  - env: dev\n",
    "conf/model/a.yaml": "provider: openai\nid: x\n",
}


def run(
    files: Mapping[str, str | bytes | None] | None = None, *overrides: str, env: tuple[str, ...] = ()
) -> Outcome[Loaded | None]:
    """Load the base project with some files replaced, added or (None) taken away."""
    merged: dict[str, str | bytes | None] = {**BASE, **(files or {})}
    outcome = load(Request(".", env, overrides), Memory({p: d for p, d in merged.items() if d is not None}), KINDS)
    for one in outcome.diagnostics:
        assert len(one.message) < 90, one.message
        assert not one.message.endswith("."), one.message
        assert all(len(cure) < 120 for cure in one.help), one.help
    return outcome


Short = tuple[str, str, int, int]


def short(one: Diagnostic) -> Short:
    """Code, file, line and column of a diagnostic."""
    at = one.primary
    return (one.code, at.span.file, at.span.line, at.span.column) if at else (one.code, "", 0, 0)


def found(
    files: Mapping[str, str | bytes | None] | None = None, *overrides: str, env: tuple[str, ...] = ()
) -> list[Short]:
    return [short(one) for one in run(files, *overrides, env=env).diagnostics]


def composed(
    files: Mapping[str, str | bytes | None] | None = None, *overrides: str, env: str = "dev", allow: bool = False
) -> Composed:
    """One environment of a project that has nothing wrong (or `allow`s it)."""
    outcome = run(files, *overrides)
    assert allow or outcome.diagnostics == (), outcome.diagnostics
    assert outcome.value is not None
    return outcome.value.environments[env]
