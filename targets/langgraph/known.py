"""Closed lists: of langgraph.json, from LangGraph's command line by `scripts/targets/langgraph_lists.py`; of ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

FILE = ("root", "agents", "servers", "flows", "served")
AGENT = (
    "description", "model", "messages", "syntax", "variables", "max_steps", "servers", "handoffs", "memory", "timeout",
    "approval", "structured",
)
SERVER = (
    "transport", "functions", "confirm", "argv", "variables", "settings", "url", "variable", "key", "timeout",
)
FLOW = ("inputs", "steps", "outputs", "timeout")
STEP = (
    "name", "agent", "flow", "tool", "code", "with", "input", "when", "each", "otherwise", "retries", "timeout",
)
BELOW: Mapping[str, tuple[str, ...]] = {
    "model": ("name", "url", "variable", "key", "params"), "memory": ("short", "long"),
    "structured": ("name", "schema"),
}
MEMORY = {"short": ("window", "tokens", "summarise"), "long": ("scope", "ttl")}
"""What `templates/runtime.py` and `templates/flow_runtime.py` read."""


@cache
def keys() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "keys.json").read_bytes()))


def check(path: str, data: Any) -> Iterator[str]:
    """Keys that nobody would read, and graphs that name no place."""
    if not isinstance(data, dict):
        return
    if path.endswith("/langgraph.json"):
        yield from _unknown("the file", data, keys()["root"])
        for key, names in keys()["below"].items():
            yield from _unknown(key, data.get(key), names)
    elif path.endswith("/app.json"):
        yield from _unknown("the file", data, FILE)
        for name, agent in _entries(data, "agents"):
            yield from _agent(f"agent `{name}`", agent, data)
        for name, server in _entries(data, "servers"):
            yield from _unknown(f"server `{name}`", server, SERVER)
        for name, flow in _entries(data, "flows"):
            yield from _flow(name, flow, data)


def _flow(name: str, flow: Any, data: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(f"flow `{name}`", flow, FLOW)
    for step in flow.get("steps") or () if isinstance(flow, dict) else ():
        if not isinstance(step, dict):
            continue
        where = f"step `{step.get('name')}` of flow `{name}`"
        yield from _unknown(where, step, STEP)
        if isinstance(step.get("agent"), dict):
            yield from _agent(where, step["agent"], data)
        elif "agent" in step and step["agent"] not in (data.get("agents") or {}):
            yield f"{where} names `{step['agent']}`, which is not among the agents"


def _agent(where: str, agent: Any, data: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(where, agent, AGENT)
    if not isinstance(agent, dict):
        return
    for key, names in BELOW.items():
        yield from _unknown(f"{key} of {where}", agent.get(key), names)
    for key, names in MEMORY.items():
        memory = agent.get("memory")
        yield from _unknown(f"{key} memory of {where}", memory.get(key) if isinstance(memory, dict) else None, names)
    for kind, there in (("handoffs", "agents"), ("servers", "servers")):
        for other in agent.get(kind) or ():
            if other not in (data.get(there) or {}):
                yield f"{where} names `{other}`, which is not among the {there}"


def _entries(data: Mapping[str, Any], key: str) -> Iterable[tuple[str, Any]]:
    found = data.get(key)
    return found.items() if isinstance(found, dict) else ()


def _unknown(where: str, found: Any, names: Iterable[str]) -> Iterator[str]:
    for name in found if isinstance(found, dict) else ():
        if name not in names:
            close = best(str(name), names)
            yield f"{where} has no key `{name}`" + (f"; did you mean `{close}`?" if close else "")
