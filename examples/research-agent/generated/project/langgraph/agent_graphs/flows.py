"""Flows as graphs of LangGraph: a node for each step, one after the other.

    result = await flow(told, "answer").ainvoke({"inputs": {"question": "May I return worn shoes?"}})
    result["outputs"]["answer"]

What a step gives is kept as a map: the empty name is the step itself, `text`, `output`, `calls` what it gives besides.
Where a text does not pass a guardrail, nothing more runs: the answer are its words, and `refused` names it.
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
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph

from agent_graphs.agents import Team
from agent_graphs.budgets import BudgetExceeded, Purse, around
from agent_graphs.described import Described
from agent_graphs.guards import Refused
from agent_graphs.search import search

ABSENT = object()


def _merged(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    return {**(before or {}), **(after or {})}


class FlowState(TypedDict, total=False):
    inputs: dict[str, Any]
    given: Annotated[dict[str, Any], _merged]
    outputs: dict[str, Any]
    began: float
    spent: dict[str, float]
    refused: dict[str, str] | None


def flow(told: Described, name: str, **compiled: Any) -> Any:
    """The graph of a flow; `compiled` are `checkpointer`, `store` …"""
    return Flow(told, name).graph(**compiled)


# --- values --------------------------------------------------------------------------------------------------------


def value(told: Mapping[str, Any], state: Mapping[str, Any], item: Any = ABSENT) -> Any:
    """A value; ABSENT where the step that gives it was left out. Of passages the words, where a text is wanted."""
    if told.get("joined"):
        found = value({key: one for key, one in told.items() if key != "joined"}, state, item)
        return "\n\n".join(one["content"] for one in found) if isinstance(found, list) else found
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
    """`outer` are the guardrails of the flow that calls this one; those of tools and passages count here too."""

    def __init__(self, told: Described, name: str, outer: Iterable[str] = ()) -> None:
        self.told, self.name = told, name
        self.flow: Mapping[str, Any] = told.data["flows"][name]
        self.own = self.flow.get("guards", [])
        self.guards = [*dict.fromkeys([*outer, *self.own])]
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
        known = {name: one for name, one in given.items() if name in self.flow["inputs"]}
        start: FlowState = {"inputs": known, "began": time.time(), "spent": {}, "refused": None}
        try:
            return {**start, "inputs": await self.told.guards.every(self.own, "input", known)}
        except Refused as refused:
            return {**start, "refused": {refused.name: str(refused)}}

    async def end(self, state: FlowState) -> FlowState:
        refused = state.get("refused")
        found = {} if refused else {name: value(told, state) for name, told in self.flow["outputs"].items()}
        question = next((one for one in state["inputs"].values() if isinstance(one, str)), "")
        try:
            outputs = {
                name: None if one is ABSENT else await self.told.guards.every(
                    self.own, "output", one, question=question, passages=self.read(state)
                ) for name, one in found.items()
            }
        except Refused as late:
            refused = {late.name: str(late)}
        if refused:
            outputs = dict.fromkeys(self.flow["outputs"])
            outputs[self.flow.get("answer", next(iter(outputs)))] = next(iter(refused.values()))
        return {"outputs": outputs, "refused": refused}

    def read(self, state: FlowState) -> list[str]:
        """What was found for the answer."""
        given = state.get("given") or {}
        found = [given[name][""] for name, step in self.steps.items() if "index" in step and name in given
                 and isinstance(given[name], Mapping)]
        return [one["content"] for passages in found for one in passages]

    def node(self, step: Mapping[str, Any]) -> Callable[..., Any]:
        async def run(state: FlowState, config: RunnableConfig) -> FlowState:
            if state.get("refused") or not holds(step.get("when", []), state):
                return {}
            purse = Purse(self.name, self.flow.get("budget", {}), dict(state.get("spent") or {}))
            token = around.set((*around.get(), purse))
            try:
                return {"given": await self.tolerant(step, state, config), "spent": purse.spent}
            except Refused as refused:
                return {"refused": {refused.name: str(refused)}, "spent": purse.spent}
            finally:
                around.reset(token)

        return run

    async def tolerant(self, step: Mapping[str, Any], state: FlowState, config: RunnableConfig) -> dict[str, Any]:
        """What the step gives, or the one that runs in its place if it fails."""
        try:
            return {step["name"]: await self.tried(step, state, config)}
        except GraphBubbleUp:
            raise
        except Exception as error:
            if "otherwise" not in step:
                raise
            print(f"step {step['name']}: {type(error).__name__}, {step['otherwise']} runs", file=sys.stderr)
            given = await self.tried(self.steps[step["otherwise"]], state, config)
            return {step["name"]: given, step["otherwise"]: given}

    async def tried(self, step: Mapping[str, Any], state: FlowState, config: RunnableConfig) -> Any:
        left = step.get("retries", 0)
        while True:
            try:
                async with asyncio.timeout(self.remaining(step, state)):
                    return await self.done(step, state, config)
            except (GraphBubbleUp, BudgetExceeded, Refused):
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
        if "agent" in step:
            given = value(step["input"], state, item) if "input" in step else ABSENT
            return await self.asked(step, bound, given, config)
        if "flow" in step:
            inner = Flow(self.told, step["flow"], self.guards)
            result = await inner.graph().ainvoke({"inputs": bound}, config)
            for name, words in (result.get("refused") or {}).items():
                raise Refused(name, words)
            outputs = result["outputs"]
            return {"": next(iter(outputs.values())) if len(outputs) == 1 else outputs, **outputs}
        if "tool" in step:
            return await self.called(step["tool"], bound)
        if "index" in step:
            return {"": await self.found(step, state, item)}
        made = code(self.told.root, step["code"]["file"], step["code"]["function"])(**bound)
        result = await made if inspect.isawaitable(made) else made
        return {"": result, **(result if isinstance(result, Mapping) else {})}

    async def asked(self, step: Mapping[str, Any], bound: dict[str, Any], given: Any, config: RunnableConfig) -> Any:
        """A model or an agent."""
        alone = step["agent"] if isinstance(step["agent"], Mapping) else None  # of this step alone
        team = Team(self.told, step["name"] if alone else step["agent"], alone, self.guards)
        said = [] if given is ABSENT else [HumanMessage(given if isinstance(given, str) else json.dumps(given))]
        result = await team.graph().ainvoke({"messages": said, "inputs": bound}, config)
        text = result["messages"][-1].text
        calls = {
            one["name"]: one["args"] for m in result["messages"] if isinstance(m, AIMessage) for one in m.tool_calls
        }
        return {"": text, "text": text, "output": result.get("output"), "calls": calls}

    async def called(self, told: Mapping[str, Any], bound: dict[str, Any]) -> Any:
        guards = self.told.guards
        given = await guards.arguments(self.guards, bound)
        text = await self.told.tools((told["server"],)).confirmed(told["function"], given)
        text = await guards.passed(self.guards, "tool", text, tool=told["function"])
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = text
        return {"": parsed, "text": text, "output": parsed}

    async def found(self, step: Mapping[str, Any], state: FlowState, item: Any) -> list[dict[str, Any]]:
        """The passages of an index, as they may be read."""
        query = value(step["query"], state, item)
        filters = {field: value(told, state, item) for field, told in step.get("filter", {}).items()}
        if query is ABSENT or ABSENT in filters.values():
            raise ValueError(f"step {step['name']}: what it searches for is not there")
        for purse in around.get():
            purse.open()
        found = await search(step["index"], query if isinstance(query, str) else json.dumps(query), filters)
        return await self.told.guards.passages(self.guards, found, str(query))


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
