"""A Model Context Protocol server for functions, as a file beside it describes them.

    python server.py TOOLS.json                  spoken to over standard input and output
    python server.py TOOLS.json --http [--port]  spoken to over HTTP, at /mcp

The functions are those of your own code and endpoints, or those of another server that the file allows: this one then
stands before it. A call runs only if its arguments follow the function's schema; one that needs a person's agreement
runs only after the client has asked its user, and never where the client cannot ask. Standard library and `mcp` alone.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hmac
import importlib.util
import inspect
import json
import os
import secrets
import sys
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as types
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from referencing import Registry
from referencing.exceptions import Unresolvable

LARGEST_REPLY = 1 << 20
"""Bytes of an endpoint's reply; a longer one is an error."""
LONGEST_QUESTION = 8000
"""Characters of the arguments that a person is shown; what is longer cannot be judged, and is refused."""
MOST_TOOLS = 10_000
APPROVAL_SECONDS = 600.0
QUESTION = {
    "type": "object",
    "properties": {"approve": {"type": "boolean", "title": "Run it", "default": False}},
    "required": ["approve"],
}
Call = Callable[[dict[str, Any]], Any]
"""Of a function of one's own; it may give an awaitable."""
Forward = Callable[[dict[str, Any]], Awaitable[types.CallToolResult]]
"""Of a function of the server behind this one."""


class Refused(Exception):
    """The call was not made, or did not succeed; the text is for the caller."""


class Setup(Exception):
    """The server cannot start; the text says why."""


@dataclass
class Function:
    """One function: what clients are told of it, how it is called, and within which bounds."""

    told: types.Tool
    call: Call | None
    forward: Forward | None
    arguments: Validator
    returns: Validator | None
    wrapped: bool
    confirm: bool
    timeout: float | None
    retries: int
    per_minute: int | None
    parallel: anyio.Semaphore | None
    begun: deque[float] = field(default_factory=deque)


# --- reading tools.json --------------------------------------------------------------------------------------------


def read(path: Path) -> tuple[dict[str, Any], dict[str, Function]]:
    """The file, and the functions by name."""
    described = json.loads(path.read_text("utf-8"))
    missing = [name for name in described.get("variables", []) if not os.environ.get(name)]
    if missing:
        raise Setup(f"not set: {', '.join(missing)}")
    root = (path.resolve().parent / described.get("root", ".")).resolve()
    own = [] if "upstream" in described else described["functions"]
    return described, {entry["tool"]["name"]: function(entry, call=call(entry, root)) for entry in own}


def call(entry: dict[str, Any], root: Path) -> Call:
    return code(entry["code"], root) if "code" in entry else endpoint(entry["endpoint"], entry.get("timeout"))


def function(entry: dict[str, Any], call: Call | None = None, forward: Forward | None = None) -> Function:
    told = types.Tool.model_validate(entry["tool"], by_name=False)
    limits = entry.get("limits", {})
    parallel = limits.get("parallel")
    return Function(
        told=told,
        call=call,
        forward=forward,
        arguments=validator(told.input_schema),
        returns=None if told.output_schema is None else validator(told.output_schema),
        wrapped=bool(entry.get("wrapped")),
        confirm=entry.get("approval") == "human",
        timeout=entry.get("timeout"),
        retries=entry.get("retries", 0),
        per_minute=limits.get("rpm"),
        parallel=None if parallel is None else anyio.Semaphore(parallel),
    )


def validator(schema: dict[str, Any]) -> Validator:
    """One that opens no address: a schema that is elsewhere is an error."""
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def code(told: dict[str, str], root: Path) -> Call:
    """A function of a file of the project. What stands beside the file can be imported by it."""
    path = (root / told["file"]).resolve()
    if not path.is_relative_to(root):
        raise Setup(f"{told['file']} is not in the project")
    found: Any = module(path)
    for name in told["function"].split("."):
        found = getattr(found, name, None)
    if not callable(found):
        raise Setup(f"{told['file']} has no function `{told['function']}`")
    return lambda arguments: found(**arguments)


@functools.cache
def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"_tools_{path.stem}_{len(sys.modules)}", path)
    if spec is None or spec.loader is None:
        raise Setup(f"{path.name} is no Python file")
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(made)
    except OSError as error:
        raise Setup(f"{path.name}: {error}") from None
    return made


class SameHost(urllib.request.HTTPRedirectHandler):
    """A reply that sends elsewhere is followed nowhere: the key and the arguments are for one host."""

    def redirect_request(self, *_: Any) -> None:
        return None


def endpoint(told: dict[str, Any], timeout: float | None) -> Call:
    url = os.environ.get(told["variable"], "") if "variable" in told else told["url"]
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise Setup("an endpoint's address starts with http:// or https://")
    opener = urllib.request.build_opener(SameHost)

    def call(arguments: dict[str, Any]) -> Any:
        headers = {"Accept": "application/json"}
        if "key" in told:
            headers["Authorization"] = f"Bearer {os.environ[told['key']]}"
        address, body = url, None
        if told["method"] == "GET":
            query = {name: value if isinstance(value, str) else json.dumps(value) for name, value in arguments.items()}
            address += ("&" if urllib.parse.urlsplit(url).query else "?") + urllib.parse.urlencode(query)
        else:
            headers["Content-Type"] = "application/json"
            body = json.dumps(arguments).encode()
        request = urllib.request.Request(address, body, headers, method=told["method"])
        try:
            with opener.open(request, timeout=timeout or 60) as reply:
                data = reply.read(LARGEST_REPLY + 1)
        except urllib.error.HTTPError as error:
            raise Refused(f"the endpoint answered {error.code}") from None
        except OSError:
            raise Refused("the endpoint did not answer") from None
        if len(data) > LARGEST_REPLY:
            raise Refused("the endpoint's reply is too long")
        text = data.decode("utf-8", errors="replace")
        try:
            return json.loads(text)
        except ValueError:
            return text

    return call


# --- standing before another server --------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def connected(described: dict[str, Any], functions: dict[str, Function]) -> AsyncIterator[None]:
    """Fills in the functions of the server behind this one, as it describes them now; those alone that are allowed."""
    async with contextlib.AsyncExitStack() as stack:
        if "upstream" in described:
            client = await stack.enter_async_context(Client(await behind(described["upstream"], stack)))
            listed = {tool.name: tool for tool in await every_tool(client)}
            for entry in described["functions"]:
                name = entry["tool"]["name"]
                if name not in listed:
                    print(f"the server behind has no function `{name}`", file=sys.stderr)
                    continue
                told = listed[name].model_dump(by_alias=True, exclude_none=True, mode="json")
                functions[name] = function({**entry, "tool": {**told, **entry["tool"]}}, forward=forward(client, name))
        yield


async def behind(told: dict[str, Any], stack: contextlib.AsyncExitStack) -> Any:
    """The way to it."""
    if "argv" in told:
        command, *args = told["argv"]
        env = {**told.get("env", {}), **{name: os.environ[name] for name in told.get("pass", []) if name in os.environ}}
        return stdio_client(StdioServerParameters(command=command, args=args, env=env))
    url = os.environ.get(told["variable"], "") if "variable" in told else told["url"]
    headers = {"Authorization": f"Bearer {os.environ[told['key']]}"} if "key" in told else {}
    if told["transport"] == "sse":
        return sse_client(url, headers=headers)
    http = await stack.enter_async_context(create_mcp_http_client(headers=headers))
    return streamable_http_client(url, http_client=http)


async def every_tool(client: Client) -> list[types.Tool]:
    found: list[types.Tool] = []
    cursor = None
    while True:
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None or len(found) > MOST_TOOLS:
            return found


def forward(client: Client, name: str) -> Forward:
    async def forwarded(arguments: dict[str, Any]) -> types.CallToolResult:
        try:
            return await client.call_tool(name, arguments)
        except MCPError as error:
            raise Refused(f"the server behind refused: {str(error)[:300]}") from None

    return forwarded


# --- answering -----------------------------------------------------------------------------------------------------


def serve(described: dict[str, Any], functions: dict[str, Function]) -> Server[Any]:
    spent: set[str] = set()

    async def list_tools(ctx: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[function.told for function in functions.values()])

    async def call_tool(
        ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        asked = functions.get(params.name)
        if asked is None:
            raise MCPError(code=types.INVALID_PARAMS, message=f"there is no tool `{params.name[:100]}`")
        arguments = params.arguments or {}
        try:
            check(asked, arguments)
            if asked.confirm:
                question = await confirm(ctx, params, spent)
                if question is not None:
                    return question
            result = await run(asked, arguments)
            return result if isinstance(result, types.CallToolResult) else answer(asked, result)
        except Refused as refused:
            return types.CallToolResult(content=[types.TextContent(type="text", text=str(refused))], is_error=True)

    server: Server[Any] = Server(
        described["name"], version=described.get("version", ""), instructions=described.get("instructions"),
        on_list_tools=list_tools, on_call_tool=call_tool, lifespan=lambda _: connected(described, functions),
    )  # fmt: skip
    state = RequestStateSecurity.ephemeral(ttl=APPROVAL_SECONDS)
    server.middleware.append(RequestStateBoundary(state, default_audience=described["name"]))
    return server


def check(asked: Function, arguments: dict[str, Any]) -> None:
    try:
        error = min(asked.arguments.iter_errors(arguments), key=lambda e: (len(e.path), e.message), default=None)
    except Unresolvable:
        raise Refused(f"the schema of `{asked.told.name}` refers to one that is elsewhere") from None
    if error is not None:
        where = "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in error.absolute_path)
        raise Refused(f"`{asked.told.name}{where}`: {error.message[:300]}")


async def confirm(
    ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams, spent: set[str]
) -> types.InputRequiredResult | None:
    """None once the client's user has agreed to this call with these arguments; the question where it must come back.

    Since 2026-07-28 the question goes out as a result, and the call comes again with the answer and a sealed note that
    names tool and arguments (the boundary checks it); it counts once. Before, the client is asked in the meantime.
    """
    shown = json.dumps(params.arguments or {}, sort_keys=True)  # ASCII: nothing in it is invisible
    if len(shown) > LONGEST_QUESTION:
        raise Refused("a person must agree to this call, and its arguments are too long to be shown")
    able = ctx.session.client_capabilities
    elicitation = None if able is None else able.elicitation
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        raise Refused("a person must agree to this call, and this client cannot ask its user (MCP elicitation)")
    message = f"Run `{params.name}` with {shown}?"
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        if params.request_state is None:
            asking = types.ElicitRequestFormParams(message=message, requested_schema=QUESTION)
            return types.InputRequiredResult(
                input_requests={"confirm": types.ElicitRequest(params=asking)}, request_state=secrets.token_hex(16)
            )
        if params.request_state in spent:
            raise Refused("that agreement was used: ask again")
        spent.add(params.request_state)
        answer = (params.input_responses or {}).get("confirm")
    else:
        answer = await ctx.session.elicit_form(message, QUESTION, related_request_id=ctx.request_id)
    agreed = isinstance(answer, types.ElicitResult) and answer.action == "accept"
    if not agreed or (answer.content or {}).get("approve") is not True:
        raise Refused("a person was asked and did not agree")
    return None


async def run(asked: Function, arguments: dict[str, Any]) -> Any:
    now = time.monotonic()
    while asked.begun and asked.begun[0] <= now - 60:
        asked.begun.popleft()
    if asked.per_minute is not None:
        if len(asked.begun) >= asked.per_minute:
            raise Refused(f"`{asked.told.name}` may be called {asked.per_minute} times a minute")
        asked.begun.append(now)
    if asked.parallel is not None:
        try:
            asked.parallel.acquire_nowait()
        except anyio.WouldBlock:
            raise Refused(f"`{asked.told.name}` is busy") from None
    try:
        for left in range(asked.retries, -1, -1):
            try:
                with anyio.fail_after(asked.timeout):
                    return await once(asked, arguments)
            except Refused:
                if not left:
                    raise
            except TimeoutError:
                if not left:
                    took = f"took longer than {asked.timeout:g} s, and may still run"
                    raise Refused(f"`{asked.told.name}` {took}") from None
    finally:
        if asked.parallel is not None:
            asked.parallel.release()


async def once(asked: Function, arguments: dict[str, Any]) -> Any:
    try:
        if asked.forward is not None:
            return await asked.forward(arguments)
        assert asked.call is not None
        result = await anyio.to_thread.run_sync(asked.call, arguments, abandon_on_cancel=True)
        return await result if inspect.isawaitable(result) else result
    except Refused:
        raise
    except Exception as error:
        traceback.print_exc()  # for the operator; the caller is told the kind alone
        raise Refused(f"`{asked.told.name}` failed: {type(error).__name__}") from None


def answer(asked: Function, value: Any) -> types.CallToolResult:
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise Refused(f"`{asked.told.name}` gave something that is no JSON") from None
    structured = {"result": value} if asked.wrapped else value
    if asked.returns is not None and not asked.returns.is_valid(structured):
        raise Refused(f"`{asked.told.name}` gave something else than its schema says")
    told: Any = structured if isinstance(structured, dict) else None
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=told)


# --- starting ------------------------------------------------------------------------------------------------------


async def speak(server: Server[Any]) -> None:
    async with stdio_server() as (received, sent):
        with contextlib.redirect_stdout(sys.stderr):  # what a function prints is no message
            await server.run(received, sent, server.create_initialization_options())


class Keyed:
    """Passes on what shows the key."""

    def __init__(self, app: Any, key: str) -> None:
        self.app, self.shown = app, f"Bearer {key}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        if scope["type"] == "http" and not hmac.compare_digest(headers.get(b"authorization", b""), self.shown):
            head = [(b"content-length", b"0"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": head})
            await send({"type": "http.response.body", "body": b""})
            return
        await self.app(scope, receive, send)


def listen(server: Server[Any], host: str, port: int, key: str | None) -> None:
    import uvicorn

    app: Any = server.streamable_http_app(host=host)
    uvicorn.run(app if key is None else Keyed(app, os.environ[key]), host=host, port=port, log_level="warning")


def main() -> int:
    parser = argparse.ArgumentParser(description="Offer functions over the Model Context Protocol.")
    parser.add_argument("tools", type=Path, help="the file that describes them")
    parser.add_argument("--http", action="store_true", help="listen, instead of standard input and output")
    parser.add_argument("--port", type=int, help="in place of the file's")
    options = parser.parse_args()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            described, functions = read(options.tools)
    except (Setup, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    server, http = serve(described, functions), described.get("http", {})
    if options.http:
        listen(server, http.get("host", "127.0.0.1"), options.port or http["port"], http.get("key"))
    else:
        anyio.run(speak, server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
