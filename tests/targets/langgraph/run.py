"""Runs of the compiled graphs, by the Python of their environment: `run.py APP` reads runs from standard input.

A run is `{graph, thread, user, turns}`; a turn is words that a person says, or `{"resume": …}`. One of a flow is
`{flow, thread, inputs, turns}`. The graphs of all runs share a checkpointer and a store. Of each turn it is written
what was said last (what came out), what interrupted, and the state.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

sys.path.insert(0, sys.argv[1])

import graphs
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command


async def run(told: dict[str, Any], **shared: Any) -> list[dict[str, Any]]:
    if "flow" in told:
        return await run_flow(told, **shared)
    from agent_graphs import agent

    graph = agent(graphs.told, told["graph"], **shared)
    config = {"configurable": {"thread_id": told["thread"], "user_id": told.get("user")}}
    found = []
    for turn in told["turns"]:
        given: Any = {"messages": [("user", turn)], "inputs": told.get("inputs", {})}
        try:
            state = await graph.ainvoke(Command(**turn) if isinstance(turn, dict) else given, config)
        except Exception as error:
            found.append({"error": f"{type(error).__name__}: {error}"})
            continue
        found.append({
            "said": state["messages"][-1].text, "asks": [i.value for i in state.get("__interrupt__", [])],
            "active": state.get("active"), "calls": state.get("calls"), "output": state.get("output"),
            "summary": state.get("summary"), "count": len(state["messages"]),
        })  # fmt: skip
    return found


async def run_flow(told: dict[str, Any], **shared: Any) -> list[dict[str, Any]]:
    from agent_graphs import flow

    graph = flow(graphs.told, told["flow"], **shared)
    config = {"configurable": {"thread_id": told["thread"]}}
    found = []
    for turn in told["turns"]:
        given: Any = {"inputs": told["inputs"]} if turn is None else Command(**turn)
        try:
            state = await graph.ainvoke(given, config)
        except Exception as error:
            found.append({"error": f"{type(error).__name__}: {error}"})
            continue
        asks = [i.value for i in state.get("__interrupt__", [])]
        found.append({"outputs": state.get("outputs"), "asks": asks})
    return found


async def main() -> None:
    shared = {"checkpointer": InMemorySaver(), "store": InMemoryStore()}
    runs = [await run(told, **shared) for told in json.load(sys.stdin)]
    named = {name: type(getattr(graphs, name)).__name__ for name in dir(graphs) if not name.startswith("_")}
    print(json.dumps({"runs": runs, "graphs": [n for n, kind in named.items() if kind == "CompiledStateGraph"]}))


asyncio.run(main())
