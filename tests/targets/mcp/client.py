"""The protocol's own client, run by the Python of the server's environment: sessions from standard input, as JSON.

A session is `{server, mode, answer, calls, replay}`: `server` is `{argv, env}` or `{url, key}`, `answer` what the user
says who is asked (`yes`, `no`, `unticked`; null: this client cannot ask). What came back is written as JSON.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

import anyio
import httpx2
import mcp_types as types
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

ANSWERS: dict[str, types.ElicitResult] = {
    "yes": types.ElicitResult(action="accept", content={"approve": True}),
    "unticked": types.ElicitResult(action="accept", content={"approve": False}),
    "no": types.ElicitResult(action="decline"),
}


async def session(told: dict[str, Any]) -> dict[str, Any]:
    asked: list[str] = []

    async def answer(_: Any, params: types.ElicitRequestFormParams) -> types.ElicitResult:
        asked.append(params.message)
        return ANSWERS[told["answer"]]

    server = told["server"]
    async with contextlib.AsyncExitStack() as stack:
        if "argv" in server:
            command, *args = server["argv"]
            target: Any = stdio_client(StdioServerParameters(command=command, args=args, env=server["env"]))
        else:
            headers = {"Authorization": f"Bearer {server['key']}"} if server.get("key") else {}
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=30))
            target = streamable_http_client(server["url"], http_client=http)
        options = {} if told.get("answer") is None else {"elicitation_callback": answer}
        client = await stack.enter_async_context(Client(target, mode=told["mode"], **options))
        listed = (await client.list_tools()).tools
        return {
            "tools": [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in listed],
            "results": [await call(client, name, arguments) for name, arguments in told["calls"]],
            "asked": asked,
            "replayed": await replay(client, *told["replay"]) if "replay" in told else None,
        }


async def call(client: Client, name: str, arguments: dict[str, Any], **shown: Any) -> dict[str, Any]:
    try:
        result = await client.call_tool(name, arguments, **shown)
    except MCPError as error:
        return {"refused": str(error)}
    text = "".join(part.text for part in result.content if isinstance(part, types.TextContent))
    return {"error": result.is_error, "text": text, "structured": result.structured_content}


async def replay(client: Client, name: str, arguments: dict[str, Any], others: dict[str, Any]) -> list[Any]:
    """One agreement, shown with the call that it was given for, once more, and with another call."""
    asked = await client.session.call_tool(name, arguments, allow_input_required=True)
    assert isinstance(asked, types.InputRequiredResult), asked
    shown = {"input_responses": {"confirm": ANSWERS["yes"]}, "request_state": asked.request_state}
    return [await call(client, name, given, **shown) for given in (arguments, arguments, others)]


async def main() -> None:
    print(json.dumps([await session(told) for told in json.load(sys.stdin)]))


anyio.run(main)
