"""Flows as graphs of LangGraph, as app.json beside this file describes them: a node for each step, one after the other.

    from flow_runtime import flow
    result = await flow("answer").ainvoke({"inputs": {"question": "May I return worn shoes?"}})
    result["outputs"]["answer"]

What a step gives is kept as a map: the empty name is the step itself, `text`, `output`, `calls` what it gives besides.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import inspect
import itertools
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph
from runtime import HERE, Team, described, tools

ABSENT = object()
STEPS_WITH_TOOLS = 10
"""The most calls to the model of a step that may call tools; an agent says its own number."""


def _merged(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    return {**(before or {}), **(after or {})}


class FlowState(TypedDict, total=False):
    inputs: dict[str, Any]
    given: Annotated[dict[str, Any], _merged]
    outputs: dict[str, Any]
    began: float


def flow(name: str, **compiled: Any) -> Any:
    """The graph of a flow; `compiled` are `checkpointer`, `store` …"""
    return Flow(described(), name).graph(**compiled)


# --- values --------------------------------------------------------------------------------------------------------


def value(told: Mapping[str, Any], state: Mapping[str, Any], item: Any = ABSENT) -> Any:
    """A value; ABSENT where the step that gives it was left out."""
    if "first" in told:
        several = (value(one, state, item) for one in told["first"])
        return next((one for one in several if one is not ABSENT and one is not None), ABSENT)
    if "literal" in told:
        return told["literal"]
    path = told.get("path", [])
    if "input" in told:
        return below(state["inputs"].get(told["input"], ABSENT), path)
    if "item" in told:
        return below(item, path)
    given = (state.get("given") or {}).get(told["step"], ABSENT)
    if isinstance(given, list):
        return [below(one, path or [""]) for one in given]
    return below(given, path or [""])


def below(found: Any, path: list[str]) -> Any:
    for key in path:
        if found is ABSENT or not isinstance(found, Mapping) or key not in found:
            return ABSENT
        found = found[key]
    return found


def holds(conditions: list[Mapping[str, Any]], state: Mapping[str, Any]) -> bool:
    for condition in conditions:
        found = value(condition["value"], state)
        there = found is not ABSENT and found is not None and found != []
        if "present" in condition and there is not condition["present"]:
            return False
        if "equals" in condition and (not there or found not in condition["equals"]):
            return False
    return True


# --- steps ---------------------------------------------------------------------------------------------------------


class Flow:
    def __init__(self, told: Mapping[str, Any], name: str) -> None:
        self.told, self.name = told, name
        self.flow: Mapping[str, Any] = told["flows"][name]
        self.root = (HERE / told["root"]).resolve()
        self.spare = {step["otherwise"] for step in self.flow["steps"] if "otherwise" in step}
        self.steps = {step["name"]: step for step in self.flow["steps"]}

    def graph(self, **compiled: Any) -> Any:
        made = StateGraph(FlowState)
        order = [name for name in self.steps if name not in self.spare]
        made.add_node("begin", self.begin)
        made.add_node("end", self.end)
        for name in order:
            made.add_node(f"step {name}", self.node(self.steps[name]))
        ways = [START, "begin", *(f"step {name}" for name in order), "end", END]
        for before, after in itertools.pairwise(ways):
            made.add_edge(before, after)
        return made.compile(name=self.name, **compiled).with_config({"recursion_limit": len(ways)})

    async def begin(self, state: FlowState) -> FlowState:
        given = state.get("inputs") or {}
        missing = [name for name, needed in self.flow["inputs"].items() if needed and name not in given]
        if missing:
            raise ValueError(f"`inputs` lacks {', '.join(missing)}")
        return {"inputs": {n: v for n, v in given.items() if n in self.flow["inputs"]}, "began": time.time()}

    async def end(self, state: FlowState) -> FlowState:
        found = {name: value(told, state) for name, told in self.flow["outputs"].items()}
        return {"outputs": {name: None if one is ABSENT else one for name, one in found.items()}}

    def node(self, step: Mapping[str, Any]) -> Callable[..., Any]:
        async def run(state: FlowState, config: RunnableConfig) -> FlowState:
            if not holds(step.get("when", []), state):
                return {}
            try:
                given = await self.tried(step, state, config)
            except GraphBubbleUp:
                raise
            except Exception as error:
                if "otherwise" not in step:
                    raise
                print(f"step {step['name']}: {type(error).__name__}, {step['otherwise']} runs", file=sys.stderr)
                given = await self.tried(self.steps[step["otherwise"]], state, config)
                return {"given": {step["name"]: given, step["otherwise"]: given}}
            return {"given": {step["name"]: given}}

        return run

    async def tried(self, step: Mapping[str, Any], state: FlowState, config: RunnableConfig) -> Any:
        left = step.get("retries", 0)
        while True:
            try:
                async with asyncio.timeout(self.remaining(step, state)):
                    return await self.done(step, state, config)
            except GraphBubbleUp:
                raise
            except Exception:
                if not left:
                    raise
                left -= 1

    def remaining(self, step: Mapping[str, Any], state: FlowState) -> float | None:
        limits = [step["timeout"]] if "timeout" in step else []
        if "timeout" in self.flow:
            limits.append(max(0.0, state["began"] + self.flow["timeout"] - time.time()))
        return min(limits, default=None)

    async def done(self, step: Mapping[str, Any], state: FlowState, config: RunnableConfig) -> Any:
        """What the step gives; a list of that for one that runs for each entry of a list."""
        if "each" not in step:
            return await self.once(step, state, config, ABSENT)
        entries = value(step["each"], state)
        if not isinstance(entries, list):
            raise ValueError(f"step {step['name']}: what it runs for each of is no list")
        return [await self.once(step, state, config, item) for item in entries]

    async def once(self, step: Mapping[str, Any], state: FlowState, config: RunnableConfig, item: Any) -> Any:
        bound = {name: value(told, state, item) for name, told in step.get("with", {}).items()}
        bound = {name: one for name, one in bound.items() if one is not ABSENT}
        given = value(step["input"], state, item) if "input" in step else ABSENT
        if "agent" in step:
            return await self.asked(step, bound, given, config)
        if "flow" in step:
            result = await Flow(self.told, step["flow"]).graph().ainvoke({"inputs": bound}, config)
            outputs = result["outputs"]
            return {"": next(iter(outputs.values())) if len(outputs) == 1 else outputs, **outputs}
        if "tool" in step:
            return await self.called(step["tool"], bound, config)
        found = code(self.root, step["code"]["file"], step["code"]["function"])(**bound)
        result = await found if inspect.isawaitable(found) else found
        return {"": result, **(result if isinstance(result, Mapping) else {})}

    async def asked(self, step: Mapping[str, Any], bound: dict[str, Any], given: Any, config: RunnableConfig) -> Any:
        """A model or an agent."""
        name, told = step["agent"], self.told
        if isinstance(name, Mapping):  # of this step alone
            told, name = {**told, "agents": {**told.get("agents", {}), step["name"]: name}}, step["name"]
        said = [] if given is ABSENT else [HumanMessage(given if isinstance(given, str) else json.dumps(given))]
        result = await Team(told, name).graph().ainvoke({"messages": said, "inputs": bound}, config)
        text = result["messages"][-1].text
        calls = {
            one["name"]: one["args"] for m in result["messages"] if isinstance(m, AIMessage) for one in m.tool_calls
        }
        return {"": text, "text": text, "output": result.get("output"), "calls": calls}

    async def called(self, told: Mapping[str, Any], bound: dict[str, Any], config: RunnableConfig) -> Any:
        text = await tools((told["server"],)).confirmed(told["function"], bound)
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = text
        return {"": parsed, "text": text, "output": parsed}


@functools.cache
def code(root: Path, file: str, function: str) -> Callable[..., Any]:
    """A function of a file of the project."""
    path = (root / file).resolve()
    if not path.is_relative_to(root):
        raise ValueError(f"{file} is not in the project")
    spec = importlib.util.spec_from_file_location(f"_step_{path.stem}_{len(sys.modules)}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{file} is no Python file")
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = functools.reduce(getattr, function.split("."), module)
    if not callable(found):
        raise ValueError(f"{file} has no function `{function}`")
    return found
