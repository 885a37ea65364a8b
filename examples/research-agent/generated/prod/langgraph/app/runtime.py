"""Agents as graphs of LangGraph, as app.json beside this file describes them.

    from runtime import build
    graph = build("support", checkpointer=InMemorySaver())
    said = {"messages": [("user", "Hello")], "inputs": {"shop": "Shoes"}}
    await graph.ainvoke(said, {"configurable": {"thread_id": "1"}})

An agent asks its model, calls the tools that the model names, and asks again, until the model answers or its calls are
used up: the last one is made without tools. Agents that may hand over stand in one graph. A tool to which a person must
agree interrupts the run; it goes on with `Command(resume=True)`, and is not called if it is resumed with anything else.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
import os
import string
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypedDict

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    trim_messages,
)
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.runnables import RunnableConfig
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.types import Command, interrupt
from mcp.types import ElicitResult

HERE = Path(__file__).resolve().parent
TEMPLATES = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
HANDOFF = "transfer_to_"
RECALLED = 5
"""Memories that are shown at once."""
_agreed: contextvars.ContextVar[bool] = contextvars.ContextVar("agreed", default=False)


class State(TypedDict, total=False):
    """What a run carries along, and a conversation keeps: `inputs` are the variables of the prompts."""

    messages: Annotated[list[AnyMessage], add_messages]
    inputs: dict[str, Any]
    calls: dict[str, int]
    active: str
    began: float
    summary: str
    summarised: int
    output: Any


def build(name: str, **compiled: Any) -> Any:
    """The graph of an agent and of all that it may hand over to; `compiled` are `checkpointer`, `store` …"""
    return Team(described(), name).graph(**compiled)


@functools.cache
def described() -> dict[str, Any]:
    """The file, read once."""
    found: dict[str, Any] = json.loads((HERE / "app.json").read_text("utf-8"))
    return found


# --- words ---------------------------------------------------------------------------------------------------------


class Names(string.Formatter):
    """Python's format with names alone: nothing below a value can be reached."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        return kwargs[field_name], field_name


def rendered(text: str, syntax: str, inputs: Mapping[str, Any]) -> str:
    if syntax == "none":
        return text
    return Names().vformat(text, (), inputs) if syntax == "f-string" else TEMPLATES.from_string(text).render(**inputs)


def opening(agent: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[AnyMessage]:
    """The prompt's own messages."""
    missing = [name for name, needed in agent["variables"].items() if needed and name not in inputs]
    if missing:
        raise ValueError(f"`inputs` lacks {', '.join(missing)}")
    given = {name: inputs.get(name, "") for name in agent["variables"]}
    kinds: dict[str, type[AnyMessage]] = {"user": HumanMessage, "assistant": AIMessage}
    return [
        kinds.get(role, SystemMessage)(rendered(text, agent["syntax"], given)) for role, text in agent["messages"]
    ]


# --- memory --------------------------------------------------------------------------------------------------------


def kept(messages: Sequence[AnyMessage], short: Mapping[str, Any]) -> list[AnyMessage]:
    """The end of a conversation that its memory holds. It begins with something that a person said."""
    found = list(messages)
    turns = [n for n, message in enumerate(found) if isinstance(message, HumanMessage)]
    window = short.get("window")
    if window is not None and len(turns) > window:
        found = found[turns[-window]:]
    if "tokens" in short:
        found = trim_messages(
            found, max_tokens=short["tokens"], token_counter=count_tokens_approximately, start_on="human",
            strategy="last",
        )  # fmt: skip
        found = found or list(messages[turns[-1]:] if turns else messages[-1:])
    return found


def namespace(long: Mapping[str, Any], config: RunnableConfig) -> tuple[str, ...] | None:
    """Whose memories these are; None where the run does not say for whom it is."""
    told = config.get("configurable") or {}
    if long["scope"] == "app":
        return ("memories", "app")
    key = told.get("thread_id") if long["scope"] == "session" else (
        told.get("user_id") or told.get("langgraph_auth_user_id")
    )
    return None if key is None else ("memories", long["scope"], str(key))


MEMORY_TOOLS: dict[str, dict[str, Any]] = {
    "remember": {"description": "Keep a fact for later conversations.", "properties": {"fact": {"type": "string"}}},
    "recall": {"description": "Look up facts that were kept.", "properties": {"about": {"type": "string"}}},
}


async def remembered(
    long: Mapping[str, Any], name: str, arguments: Mapping[str, Any], store: BaseStore | None, config: RunnableConfig
) -> str:
    where = namespace(long, config)
    if store is None or where is None:
        return "Nothing can be kept: nobody is known to keep it for."
    if name == "remember":
        ttl = {"ttl": long["ttl"]} if "ttl" in long and store.supports_ttl else {}
        await store.aput(where, str(time.time_ns()), {"fact": str(arguments.get("fact", ""))}, **ttl)
        return "Kept."
    found = await store.asearch(where, query=str(arguments.get("about", "")), limit=RECALLED)
    return "\n".join(str(item.value["fact"]) for item in found) or "Nothing was kept."


# --- tools ---------------------------------------------------------------------------------------------------------


async def _answer_for_the_person(*_: Any) -> ElicitResult:
    """The person was asked before the call: the server is told what they said."""
    return ElicitResult(action="accept", content={"approve": True}) if _agreed.get() else ElicitResult(action="decline")


class Tools:
    """The functions of an agent's servers, looked up when they are first needed."""

    def __init__(self, servers: Mapping[str, Mapping[str, Any]], root: Path) -> None:
        self.servers = servers
        connections: Any = {name: connection(server, root) for name, server in servers.items()}
        self.client = MultiServerMCPClient(connections, callbacks=Callbacks(on_elicitation=_answer_for_the_person))
        self.known: dict[str, tuple[str, dict[str, Any]]] | None = None
        self.guard = asyncio.Lock()

    async def functions(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """By name: the server, and what a model is told of the function. What is not allowed is not there."""
        async with self.guard:
            if self.known is None:
                known: dict[str, tuple[str, dict[str, Any]]] = {}
                for name, server in self.servers.items():
                    async with self.client.session(name) as session:
                        for tool in (await session.list_tools()).tools:
                            if tool.name in server["functions"]:
                                known[tool.name] = (name, spec(tool.name, tool.description or "", tool.inputSchema))
                self.known = known
        return self.known

    def asks(self, name: str) -> bool:
        return any(name in server["confirm"] for server in self.servers.values())

    async def confirmed(self, name: str, arguments: dict[str, Any]) -> str:
        """A call that a step makes, for which a person is asked first where it must be so."""
        if not self.asks(name):
            return await self.call(name, arguments, False, strict=True)
        if interrupt({"tool": name, "arguments": arguments}) is not True:
            raise PermissionError(f"a person was asked about {name} and did not agree")
        return await self.call(name, arguments, True, strict=True)

    async def call(self, name: str, arguments: dict[str, Any], agreed: bool, strict: bool = False) -> str:
        """What the function gave. An error of its is told to a model as it is; a step fails with it (`strict`)."""
        where = (await self.functions()).get(name)
        if where is None:
            return f"There is no tool `{name}`."
        server = self.servers[where[0]]
        token = _agreed.set(agreed)
        try:
            async with self.client.session(where[0]) as session:
                timeout = timedelta(seconds=server["timeout"]) if "timeout" in server else None
                result = await session.call_tool(name, arguments, read_timeout_seconds=timeout)
        finally:
            _agreed.reset(token)
        text = "\n".join(part.text for part in result.content if part.type == "text")
        if strict and result.isError:
            raise RuntimeError(text)
        return text


@functools.cache
def tools(names: tuple[str, ...]) -> Tools:
    """Of these servers: what they offer is looked up once."""
    told = described()
    return Tools({name: told["servers"][name] for name in names}, (HERE / told["root"]).resolve())


def spec(name: str, description: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def connection(server: Mapping[str, Any], root: Path) -> dict[str, Any]:
    if server["transport"] == "stdio":
        command, *args = server["argv"]
        env = {"PATH": os.environ.get("PATH", os.defpath), **server.get("settings", {})}
        env |= {name: os.environ[name] for name in server.get("variables", []) if name in os.environ}
        return {"transport": "stdio", "command": command, "args": args, "env": env, "cwd": str(root)}
    url = os.environ[server["variable"]] if "variable" in server else server["url"]
    headers = {"Authorization": f"Bearer {os.environ[server['key']]}"} if "key" in server else None
    kind = "sse" if server["transport"] == "sse" else "streamable_http"
    return {"transport": kind, "url": url, "headers": headers}


# --- graphs --------------------------------------------------------------------------------------------------------


class Team:
    """The agents of one graph: the first, and all to which a conversation can come."""

    def __init__(self, told: Mapping[str, Any], first: str) -> None:
        self.first = first
        self.agents: dict[str, Mapping[str, Any]] = {}
        todo = [first]
        while todo:
            name = todo.pop(0)
            if name not in self.agents:
                self.agents[name] = told["agents"][name]
                todo += self.agents[name].get("handoffs", [])
        self.tools = {name: tools(tuple(agent.get("servers", []))) for name, agent in self.agents.items()}

    def graph(self, **compiled: Any) -> Any:
        made = StateGraph(State)
        made.add_node("begin", self.begin, destinations=tuple(self.agents))
        made.add_edge(START, "begin")
        for name in self.agents:
            made.add_node(name, self.asking(name), destinations=(f"{name}.tools", END))
            made.add_node(f"{name}.tools", self.calling(name), destinations=tuple(self.agents))
        steps = sum(agent["max_steps"] for agent in self.agents.values())
        return made.compile(name=self.first, **compiled).with_config({"recursion_limit": 2 * steps + 2})

    async def begin(self, state: State) -> Command[Any]:
        """A run: the counts start again, and the agent goes on that has the conversation."""
        active = state.get("active", self.first)
        return Command(goto=active, update={"calls": {}, "began": time.time(), "active": active})

    # --- asking the model ---

    def asking(self, name: str) -> Callable[..., Any]:
        agent = self.agents[name]

        async def ask(state: State, config: RunnableConfig) -> Command[Any]:
            done = state["calls"].get(name, 0)
            head = opening(agent, state.get("inputs") or {})
            short = (agent.get("memory") or {}).get("short", {})
            everything = state.get("messages", [])
            said = kept(everything, short)
            update: dict[str, Any] = {"calls": {**state["calls"], name: done + 1}}
            if short.get("summarise"):
                update |= await self.summary(agent, state, len(everything) - len(said))
                summary = update.get("summary", state.get("summary"))
                head += [SystemMessage(f"What was said before, in short: {summary}")] if summary else []
            model: Any = chat(agent, remaining(agent, state))
            offered = [] if done + 1 >= agent["max_steps"] else await self.offered(name)
            reply: AIMessage = await (model.bind_tools(offered) if offered else model).ainvoke([*head, *said], config)
            if reply.tool_calls and not offered:  # nobody would answer them
                reply = AIMessage(reply.content, id=reply.id)
            update["messages"] = [reply]
            if reply.tool_calls:
                return Command(goto=f"{name}.tools", update=update)
            if agent.get("structured"):
                update["output"] = json.loads(str(reply.content))
            return Command(goto=END, update=update)

        return ask

    async def offered(self, name: str) -> list[dict[str, Any]]:
        agent = self.agents[name]
        found = [told for _, told in (await self.tools[name].functions()).values()]
        for other in agent.get("handoffs", []):
            about = self.agents[other].get("description", "")
            found.append(spec(f"{HANDOFF}{other}", f"Hand the conversation over to {other}. {about}".strip(), {
                "type": "object", "properties": {},
            }))
        if "long" in (agent.get("memory") or {}):
            for tool, told in MEMORY_TOOLS.items():
                parameters = {"type": "object", "properties": told["properties"], "required": [*told["properties"]]}
                found.append(spec(tool, told["description"], parameters))
        return found

    async def summary(self, agent: Mapping[str, Any], state: State, dropped: int) -> dict[str, Any]:
        """What no longer fits, told in short: each message goes into it once."""
        before = state.get("summarised", 0)
        if dropped <= before:
            return {}
        lines = [f"{message.type}: {message.text}" for message in state["messages"][before:dropped]]
        told = f"Summary so far: {state.get('summary') or 'nothing'}\nNew lines:\n" + "\n".join(lines)
        asked = [SystemMessage("Write a short summary of this conversation: facts, wishes, promises."),
                 HumanMessage(told)]
        reply = await chat({**agent, "structured": None}, remaining(agent, state)).ainvoke(asked)
        return {"summary": reply.text, "summarised": dropped}

    # --- calling tools ---

    def calling(self, name: str) -> Callable[..., Any]:
        agent, own = self.agents[name], self.tools[name]

        async def call(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Command[Any]:
            last = state["messages"][-1]
            asked: list[Any] = list(getattr(last, "tool_calls", []))
            # Before anything is called: what interrupts begins the node again when it is resumed.
            agreed = {
                one["id"]: interrupt({"tool": one["name"], "arguments": one["args"]}) is True
                for one in asked if agent.get("approval") or own.asks(one["name"])
                if not one["name"].startswith(HANDOFF) and one["name"] not in MEMORY_TOOLS
            }
            replies: list[AnyMessage] = []
            to = name
            for one in asked:
                if one["name"].startswith(HANDOFF):
                    wanted = one["name"].removeprefix(HANDOFF)
                    allowed = wanted in agent.get("handoffs", [])
                    to = wanted if allowed else to
                    text = f"{wanted} takes over." if allowed else f"There is no agent `{wanted}`."
                elif one["name"] in MEMORY_TOOLS and "long" in (agent.get("memory") or {}):
                    text = await remembered(agent["memory"]["long"], one["name"], one["args"], runtime.store, config)
                elif agreed.get(one["id"], True):
                    text = await own.call(one["name"], one["args"], one["id"] in agreed)
                else:
                    text = "A person was asked and did not agree."
                replies.append(ToolMessage(text, tool_call_id=one["id"]))
            return Command(goto=to, update={"messages": replies, "active": to})

        return call


def remaining(agent: Mapping[str, Any], state: State) -> float | None:
    """Seconds that the run has left; None without a limit."""
    if "timeout" not in agent:
        return None
    left = state["began"] + agent["timeout"] - time.time()
    if left <= 0:
        raise TimeoutError(f"the run took longer than {agent['timeout']:g} s")
    return float(left)


def chat(agent: Mapping[str, Any], timeout: float | None) -> ChatOpenAI:
    """The model. What is sent is what the configs say: parameters stand in the body as they are."""
    model = agent["model"]
    body = dict(model.get("params", {}))
    if agent.get("structured"):
        body.setdefault("response_format", {"type": "json_schema", "json_schema": agent["structured"]})
    url = os.environ[model["variable"]] if "variable" in model else model["url"]
    key = os.environ[model["key"]] if "key" in model else "none"
    return ChatOpenAI(
        model=model["name"], base_url=url, api_key=key, extra_body=body or None, timeout=timeout, stream_usage=False,
    )  # type: ignore[call-arg]
