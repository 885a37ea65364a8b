"""The functions of tools, which servers of the Model Context Protocol offer."""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langgraph.types import interrupt
from mcp.types import ElicitResult

_agreed: contextvars.ContextVar[bool] = contextvars.ContextVar("agreed", default=False)


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
