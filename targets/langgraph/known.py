"""Closed lists: of langgraph.json, from LangGraph's command line by `scripts/targets/langgraph_lists.py`; of ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

FILE = ("root", "repository", "agents", "servers", "guards", "flows", "served")
AGENT = (
    "description", "model", "messages", "syntax", "variables", "max_steps", "servers", "handoffs", "memory", "timeout",
    "approval", "structured", "guards", "budget",
)
SERVER = (
    "transport", "functions", "confirm", "argv", "variables", "settings", "url", "variable", "key", "timeout",
)
FLOW = ("inputs", "steps", "outputs", "timeout", "guards", "answer", "budget")
STEP = (
    "name", "agent", "flow", "tool", "index", "code", "with", "input", "query", "filter", "when", "each", "otherwise",
    "retries", "timeout",
)
GUARD = ("stage", "argv", "variables", "settings", "timeout", "message")
MODEL = ("name", "url", "variable", "key", "params", "price")
INDEX = (
    "engine", "url", "variable", "key", "schema", "collection", "metric", "element", "language", "exact", "search",
    "mode", "top_k", "candidates", "weight", "score_threshold", "embedder", "vector",
)
BUDGET = ("request", "run", "session", "on_exceed")
BELOW: Mapping[str, tuple[str, ...]] = {
    "model": MODEL, "memory": ("short", "long"), "structured": ("name", "schema"), "budget": BUDGET,
}
MEMORY = {"short": ("window", "tokens", "summarise"), "long": ("scope", "ttl")}
"""What the program in `templates/agent_graphs` reads."""


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
        for name, guard in _entries(data, "guards"):
            yield from _unknown(f"guardrail `{name}`", guard, GUARD)
        for name, flow in _entries(data, "flows"):
            yield from _flow(name, flow, data)


def _flow(name: str, flow: Any, data: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(f"flow `{name}`", flow, FLOW)
    if not isinstance(flow, dict):
        return
    yield from _unknown(f"budget of flow `{name}`", flow.get("budget"), BUDGET)
    yield from _listed(f"flow `{name}`", flow, data, "guards")
    for step in flow.get("steps") or ():
        if not isinstance(step, dict):
            continue
        where = f"step `{step.get('name')}` of flow `{name}`"
        yield from _unknown(where, step, STEP)
        index = step.get("index")
        yield from _unknown(f"index of {where}", index, INDEX)
        yield from _unknown(f"embedder of {where}", index.get("embedder") if isinstance(index, dict) else None,
                            (*MODEL, "prefix"))
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
    for kind, there in (("handoffs", "agents"), ("servers", "servers"), ("guards", "guards")):
        yield from _listed(where, agent, data, kind, there)


def _listed(
    where: str, holder: Mapping[str, Any], data: Mapping[str, Any], kind: str, there: str = ""
) -> Iterator[str]:
    for other in holder.get(kind) or ():
        if other not in (data.get(there or kind) or {}):
            yield f"{where} names `{other}`, which is not among the {there or kind}"


def _entries(data: Mapping[str, Any], key: str) -> Iterable[tuple[str, Any]]:
    found = data.get(key)
    return found.items() if isinstance(found, dict) else ()


def _unknown(where: str, found: Any, names: Iterable[str]) -> Iterator[str]:
    for name in found if isinstance(found, dict) else ():
        if name not in names:
            close = best(str(name), names)
            yield f"{where} has no key `{name}`" + (f"; did you mean `{close}`?" if close else "")
