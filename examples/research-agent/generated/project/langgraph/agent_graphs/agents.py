"""Agents as graphs of LangGraph.

    said = {"messages": [("user", "Hello")], "inputs": {"shop": "Shoes"}}
    await agent(told, "support", checkpointer=…).ainvoke(said, {"configurable": {"thread_id": "1"}})

An agent asks its model, calls the tools that the model names, and asks again, until the model answers or its calls are
used up: the last one is made without tools. Agents that may hand over stand in one graph. A tool to which a person must
agree interrupts the run; it goes on with `Command(resume=True)`, and is not called if it is resumed with anything else.
Texts pass the agent's guardrails: what a user says, what tools get and return, what it answers.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from agent_graphs.budgets import allowed, plus, used
from agent_graphs.described import Described
from agent_graphs.guards import Refused
from agent_graphs.memory import MEMORY_TOOLS, kept, remembered
from agent_graphs.tools import spec
from agent_graphs.words import opening

HANDOFF = "transfer_to_"


class State(TypedDict, total=False):
    """What a run carries along, and a conversation keeps: `inputs` are the variables of the prompts.

    `spent` is what each agent used in this run, `total` in the whole conversation.
    """

    messages: Annotated[list[AnyMessage], add_messages]
    inputs: dict[str, Any]
    calls: dict[str, int]
    active: str
    began: float
    summary: str
    summarised: int
    output: Any
    spent: dict[str, dict[str, float]]
    total: dict[str, dict[str, float]]


def agent(told: Described, name: str, **compiled: Any) -> Any:
    """The graph of an agent and of all that it may hand over to; `compiled` are `checkpointer`, `store` …"""
    return Team(told, name).graph(**compiled)


class Team:
    """The agents of one graph: the first, and all to which a conversation can come.

    `alone` is an agent that is in no list: the model and prompt of a step. `guards` are those of the flow that calls.
    """

    def __init__(
        self, told: Described, first: str, alone: Mapping[str, Any] | None = None, guards: Iterable[str] = ()
    ) -> None:
        self.first, self.guard = first, told.guards
        self.agents: dict[str, Mapping[str, Any]] = {} if alone is None else {first: alone}
        todo = [first] if alone is None else []
        while todo:
            name = todo.pop(0)
            if name not in self.agents:
                self.agents[name] = told.data["agents"][name]
                todo += self.agents[name].get("handoffs", [])
        self.tools = {name: told.tools(tuple(one.get("servers", []))) for name, one in self.agents.items()}
        self.guards = {name: [*dict.fromkeys([*guards, *one.get("guards", [])])] for name, one in self.agents.items()}

    def graph(self, **compiled: Any) -> Any:
        made = StateGraph(State)
        made.add_node("begin", self.begin, destinations=(*self.agents, END))
        made.add_edge(START, "begin")
        for name in self.agents:
            made.add_node(name, self.asking(name), destinations=(f"{name}.tools", END))
            made.add_node(f"{name}.tools", self.calling(name), destinations=tuple(self.agents))
        steps = sum(one["max_steps"] for one in self.agents.values())
        return made.compile(name=self.first, **compiled).with_config({"recursion_limit": 2 * steps + 2})

    async def begin(self, state: State) -> Command[Any]:
        """A run: the counts start again, and the agent goes on that has the conversation."""
        active = state.get("active", self.first)
        update: dict[str, Any] = {"calls": {}, "spent": {}, "began": time.time(), "active": active}
        own = self.agents[active].get("guards", [])
        try:
            said = [
                HumanMessage(await self.guard.passed(own, "input", message.text), id=message.id)
                for message in new(state.get("messages", []))
            ]
            inputs = await self.guard.every(own, "input", state.get("inputs") or {})
        except Refused as refused:
            return Command(goto=END, update={**update, "messages": [AIMessage(str(refused))]})
        if self.guard.of(own, "input"):
            update |= {"messages": said, "inputs": inputs}
        return Command(goto=active, update=update)

    # --- asking the model ---

    def asking(self, name: str) -> Callable[..., Any]:
        told = self.agents[name]

        async def ask(state: State, config: RunnableConfig) -> Command[Any]:
            done = state["calls"].get(name, 0)
            head = opening(told, state.get("inputs") or {})
            short = (told.get("memory") or {}).get("short", {})
            everything = state.get("messages", [])
            said = kept(everything, short)
            update: dict[str, Any] = {"calls": {**state["calls"], name: done + 1}}
            books = Books(name, told, state)
            if short.get("summarise"):
                update |= await self.summary(told, state, len(everything) - len(said), books)
                summary = update.get("summary", state.get("summary"))
                head += [SystemMessage(f"What was said before, in short: {summary}")] if summary else []
            model: Any = chat(told, remaining(told, state))
            offered = [] if done + 1 >= told["max_steps"] else await self.offered(name)
            books.open()
            sent = [*head, *said]
            reply: AIMessage = await (model.bind_tools(offered) if offered else model).ainvoke(sent, config)
            books.pay(sent, reply)
            if reply.tool_calls and not offered:  # nobody would answer them
                reply = AIMessage(reply.content, id=reply.id)
            update |= books.update
            if reply.tool_calls:
                return Command(goto=f"{name}.tools", update={**update, "messages": [reply]})
            return Command(goto=END, update={**update, **await self.answered(told, reply, said)})

        return ask

    async def answered(self, told: Mapping[str, Any], reply: AIMessage, said: list[AnyMessage]) -> dict[str, Any]:
        """What the agent says last, as it may go out."""
        own = told.get("guards", [])
        if self.guard.of(own, "output"):
            question = next((message.text for message in reversed(said) if isinstance(message, HumanMessage)), "")
            try:
                reply = AIMessage(await self.guard.passed(own, "output", reply.text, question=question), id=reply.id)
            except Refused as refused:
                return {"messages": [AIMessage(str(refused), id=reply.id)], "output": None}
        output = {"output": json.loads(str(reply.content))} if told.get("structured") else {}
        return {"messages": [reply], **output}

    async def offered(self, name: str) -> list[dict[str, Any]]:
        told = self.agents[name]
        found = [one for _, one in (await self.tools[name].functions()).values()]
        for other in told.get("handoffs", []):
            about = self.agents[other].get("description", "")
            found.append(spec(f"{HANDOFF}{other}", f"Hand the conversation over to {other}. {about}".strip(), {
                "type": "object", "properties": {},
            }))
        if "long" in (told.get("memory") or {}):
            for tool, words in MEMORY_TOOLS.items():
                parameters = {"type": "object", "properties": words["properties"], "required": [*words["properties"]]}
                found.append(spec(tool, words["description"], parameters))
        return found

    async def summary(self, told: Mapping[str, Any], state: State, dropped: int, books: Books) -> dict[str, Any]:
        """What no longer fits, told in short: each message goes into it once."""
        before = state.get("summarised", 0)
        if dropped <= before:
            return {}
        lines = [f"{message.type}: {message.text}" for message in state["messages"][before:dropped]]
        words = f"Summary so far: {state.get('summary') or 'nothing'}\nNew lines:\n" + "\n".join(lines)
        asked: list[AnyMessage] = [
            SystemMessage("Write a short summary of this conversation: facts, wishes, promises."), HumanMessage(words),
        ]
        books.open()
        reply = await chat({**told, "structured": None}, remaining(told, state)).ainvoke(asked)
        books.pay(asked, reply)
        return {"summary": reply.text, "summarised": dropped}

    # --- calling tools ---

    def calling(self, name: str) -> Callable[..., Any]:
        told, own = self.agents[name], self.tools[name]

        async def call(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Command[Any]:
            last = state["messages"][-1]
            asked: list[Any] = list(getattr(last, "tool_calls", []))
            given = {one["id"]: await self.given(name, one) for one in asked}
            # Before anything is called: what interrupts begins the node again when it is resumed.
            agreed = {
                one["id"]: interrupt({"tool": one["name"], "arguments": given[one["id"]]}) is True
                for one in asked if told.get("approval") or own.asks(one["name"])
                if not one["name"].startswith(HANDOFF) and one["name"] not in MEMORY_TOOLS
                if not isinstance(given[one["id"]], str)
            }
            replies: list[AnyMessage] = []
            to = name
            for one in asked:
                arguments = given[one["id"]]
                if one["name"].startswith(HANDOFF):
                    wanted = one["name"].removeprefix(HANDOFF)
                    allowed_to = wanted in told.get("handoffs", [])
                    to = wanted if allowed_to else to
                    text = f"{wanted} takes over." if allowed_to else f"There is no agent `{wanted}`."
                elif isinstance(arguments, str):
                    text = arguments
                elif one["name"] in MEMORY_TOOLS and "long" in (told.get("memory") or {}):
                    text = await remembered(told["memory"]["long"], one["name"], arguments, runtime.store, config)
                    text = await self.returned(name, one["name"], text)
                elif agreed.get(one["id"], True):
                    text = await own.call(one["name"], arguments, one["id"] in agreed)
                    text = await self.returned(name, one["name"], text)
                else:
                    text = "A person was asked and did not agree."
                replies.append(ToolMessage(text, tool_call_id=one["id"]))
            return Command(goto=to, update={"messages": replies, "active": to})

        return call

    async def given(self, name: str, call: Mapping[str, Any]) -> dict[str, Any] | str:
        """What a tool may get; the words for the model where it may get nothing."""
        try:
            return await self.guard.arguments(self.guards[name], call["args"])
        except Refused as refused:
            return f"{call['name']} was not called: {refused}"

    async def returned(self, name: str, tool: str, text: str) -> str:
        """What a tool returned, as the model may read it."""
        try:
            return await self.guard.passed(self.guards[name], "tool", text, tool=tool)
        except Refused as refused:
            return f"What {tool} returned is not shown: {refused}"


class Books:
    """What an agent uses, and may still use."""

    def __init__(self, name: str, told: Mapping[str, Any], state: State) -> None:
        self.name, self.budget, self.price = name, told.get("budget", {}), told["model"].get("price", {})
        self.run, self.session = dict(state.get("spent") or {}), dict(state.get("total") or {})

    def open(self) -> None:
        allowed(self.name, self.budget, self.run.get(self.name, {}), self.session.get(self.name, {}))

    def pay(self, sent: list[AnyMessage], reply: AIMessage) -> None:
        spent = used(self.price, sent, reply)
        for book in (self.run, self.session):
            book[self.name] = plus(book.get(self.name, {}), spent)

    @property
    def update(self) -> dict[str, Any]:
        return {"spent": self.run, "total": self.session}


def new(messages: list[AnyMessage]) -> list[AnyMessage]:
    """What people said since the agents last spoke."""
    last = max((n for n, message in enumerate(messages) if not isinstance(message, HumanMessage)), default=-1)
    return messages[last + 1:]


def remaining(told: Mapping[str, Any], state: State) -> float | None:
    """Seconds that the run has left; None without a limit."""
    if "timeout" not in told:
        return None
    left = state["began"] + told["timeout"] - time.time()
    if left <= 0:
        raise TimeoutError(f"the run took longer than {told['timeout']:g} s")
    return float(left)


def chat(told: Mapping[str, Any], timeout: float | None) -> ChatOpenAI:
    """The model. What is sent is what the configs say: parameters stand in the body as they are."""
    model = told["model"]
    body = dict(model.get("params", {}))
    if told.get("structured"):
        body.setdefault("response_format", {"type": "json_schema", "json_schema": told["structured"]})
    url = os.environ[model["variable"]] if "variable" in model else model["url"]
    key = os.environ[model["key"]] if "key" in model else "none"
    return ChatOpenAI(
        model=model["name"], base_url=url, api_key=key, extra_body=body or None, timeout=timeout, stream_usage=False,
    )  # type: ignore[call-arg]
