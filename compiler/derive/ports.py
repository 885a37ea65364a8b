"""What goes in and out of a flow's steps: names, with the types of what they hold.

A type is one of the schema's (`string`, `array`, `object` …), `documents` (the passages that an index found), or
`any` where nothing says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.model import task
from llmops.compiler.derive.texts import content
from llmops.compiler.facts import Facts
from llmops.compiler.model.view import Node, View

DOCUMENTS = "documents"
ANY = "any"
VERBS = ("prompt", "model", "index", "tool", "agent", "flow", "code")
"""The keys that say what a step does; `prompt` stands beside `model`."""

_BY_TASK: Mapping[str, Mapping[str, str]] = {
    "chat": {"": "string", "text": "string"},
    "embedding": {"": "array", "vector": "array"},
    "rerank": {"": DOCUMENTS, "scores": "array"},
    "transcription": {"": "string", "text": "string"},
    "speech": {"": "audio", "audio": "audio"},
    "image": {"": "image", "image": "image"},
    "moderation": {"": "object", "scores": "object", "flagged": "boolean"},
}
"""What a model alone gives, by its task; the empty name is the step itself."""

_UNKNOWN: Mapping[str, str] = {"": ANY, ".": ANY}
"""What is given by a resource that is not there or broken, of which another message speaks: anything."""


@dataclass(frozen=True, slots=True)
class Input:
    """Something that a step takes: its type, and whether it must be given."""

    type: str
    required: bool = True


def typed(declared: Any) -> Input:
    """A declared variable: its type, or a map that says more of it."""
    if isinstance(declared, Mapping):
        return Input(str(declared.get("type", ANY)), not declared.get("optional"))
    return Input(str(declared))


def verb(step: Node) -> str:
    """What a step does."""
    return next((name for name in VERBS if name in step.value), "code")


def inputs(step: Node, what: str) -> dict[str, Input]:
    """What a step takes by name (`with`): a prompt's variables, a tool's parameters, a flow's inputs."""
    if what in ("prompt", "agent"):
        agent = step.ref("agent") if what == "agent" else None
        prompt = step.ref("prompt") if what == "prompt" else agent.ref("prompt") if agent is not None else None
        return {} if prompt is None else {k: typed(v) for k, v in (prompt.value.get("variables") or {}).items()}
    if what == "tool":
        tool = step.ref("tool")
        return {} if tool is None else {
            name: Input(_json_type(schema), not schema.get("optional"))
            for name, schema in (tool.value.get("parameters") or {}).items()
        }
    if what == "flow":
        flow = step.ref("flow")
        return {} if flow is None else {k: typed(v) for k, v in flow.value.get("inputs", {}).items()}
    return {}


def unknown(step: Node, what: str) -> bool:
    """Whether what it runs is not there or broken: then nobody knows what goes in and out."""
    if what not in ("prompt", "agent", "tool", "flow"):
        return False
    run = step.ref(what)
    return run is None or (what == "agent" and run.ref("prompt") is None)


def named_inputs(facts: Facts, step: Node, what: str) -> tuple[str, ...]:
    """The fields beside `with` that say what goes in, which the step must have."""
    if what == "index":
        return ("query",)
    if what == "model":
        model = step.ref("model")
        return ("query", "input") if _task(facts, model) == "rerank" else ("input",)
    return ()


def outputs(facts: Facts, step: Node, what: str) -> dict[str, str]:
    """What a step gives, by the name behind its own: "" is the step itself. A name that ends in `.` begins others."""
    if what == "index":
        return {"": DOCUMENTS}
    if unknown(step, what):
        return dict(_UNKNOWN)
    if what == "prompt":
        return {**_said(step.ref("prompt"), "output_schema"), **_calls(step)}
    if what == "model":
        return dict(_BY_TASK.get(_task(facts, step.ref("model")), _BY_TASK["chat"]))
    if what == "agent":
        return _said(step.ref("agent"), "output_schema")
    if what == "tool":
        tool = step.ref("tool")
        returns = tool.value.get("returns") if tool is not None else None
        return {"": _json_type(returns or {}), "text": "string", **_fields(returns, "output")}
    if what == "flow":
        flow = step.ref("flow")
        given = {} if flow is None else dict.fromkeys(flow.value.get("outputs", {}), ANY)
        return {"": ANY if len(given) == 1 else "object", **given}
    returns = step.value.get("returns") or {}
    return {"": next(iter(returns.values())) if len(returns) == 1 else "object", **returns}


def choices(step: Node, what: str, path: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The only values that a field of what a step gives can have, by the schema of it; None where any may come."""
    schema: Any = None
    if what in ("prompt", "agent"):
        holder = step.ref(what)
        schema = holder.value.get("output_schema") if holder is not None else None
        if holder is not None and isinstance(schema, str):
            schema = _schema_file(holder, schema)
    elif what == "tool":
        tool = step.ref("tool")
        schema = tool.value.get("returns") if tool is not None else None
    if path[:1] != ("output",):
        return None
    for name in path[1:]:
        fields = schema.get("properties") if isinstance(schema, Mapping) else None
        schema = fields.get(name) if isinstance(fields, Mapping) else None
    if not isinstance(schema, Mapping):
        return None
    if "const" in schema:
        return (schema["const"],)
    listed = schema.get("enum")
    if isinstance(listed, list):
        return tuple(listed)
    return (True, False) if schema.get("type") == "boolean" else None


def _task(facts: Facts, model: View[Any] | None) -> str:
    known = task(facts, model) if model is not None else None
    return known.value if known is not None else "chat"


def _said(holder: View[Any] | None, field: str) -> dict[str, str]:
    """What a model says: a text, and the fields of its schema where it has one."""
    out = {"": "string", "text": "string"}
    if holder is None:
        return out
    schema = holder.value.get(field)
    if isinstance(schema, str):
        schema = _schema_file(holder, schema)
    return {**out, **_fields(schema, "output")}


def _schema_file(holder: View[Any], path: str) -> Any:
    data = content(holder.project, path)
    try:
        return json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        return None


def _fields(schema: Any, name: str) -> dict[str, str]:
    """A schema's whole value, and each of its fields."""
    if not isinstance(schema, Mapping):
        return {}
    out = {name: _json_type(schema)}
    fields = schema.get("properties")
    if not isinstance(fields, Mapping):
        return {**out, f"{name}.": ANY} if out[name] in ("object", ANY) else out
    for key, below in fields.items():
        out.update(_fields(below, f"{name}.{key}") if isinstance(below, Mapping) else {f"{name}.{key}": ANY})
    return out


def _calls(step: Node) -> dict[str, str]:
    """The tool calls that the model made: `calls`, `calls.<tool>`, `calls.<tool>.<parameter>`."""
    if not step.value.get("tools"):
        return {}
    out = {"calls": "object"}
    for index in range(len(step.value["tools"])):
        tool = step.ref("tools", index)
        if tool is None:
            continue
        name = tool.address.name
        out[f"calls.{name}"] = "object"
        parameters = tool.value.get("parameters")
        if parameters is None:
            out[f"calls.{name}."] = ANY
        for key, schema in (parameters or {}).items():
            out[f"calls.{name}.{key}"] = _json_type(schema)
    return out


def _json_type(schema: Any) -> str:
    found = schema.get("type") if isinstance(schema, Mapping) else None
    return found if isinstance(found, str) else ANY


def fits(given: str, wanted: str) -> bool:
    """Whether a value of one type can go where another is wanted. Passages are joined where a text is wanted."""
    if ANY in (given, wanted) or given == wanted:
        return True
    if given == DOCUMENTS:
        return wanted in ("string", "array")
    if wanted == "string":
        return given in ("number", "integer", "boolean")
    return (given, wanted) in (("integer", "number"), ("messages", "array"))
