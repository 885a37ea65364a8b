"""Agents and flows as graphs of LangGraph, as an app.json describes them: the same for every project.

    told = Described(folder)                    the folder of app.json
    agent(told, "support", checkpointer=…)      the graph of an agent, and of all that it may hand over to
    flow(told, "answer")                        the graph of a flow
"""

from agent_graphs.agents import agent
from agent_graphs.described import Described
from agent_graphs.flows import flow

__all__ = ["Described", "agent", "flow"]
