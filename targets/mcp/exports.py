"""How the functions of a tool are reached."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.exports import ToolServer, Variable
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.mcp.functions import offer, offered
from llmops.targets.mcp.lower import LOCK, SERVER, TOOLS
from llmops.targets.mcp.work import Work


def tool_server(lowering: Lowering, tool: View[Any], near: str | None) -> ToolServer | None:
    """Of a function tool this target's own server, of another the server that it names."""
    if tool.address.kind != "tool":
        return None
    work = Work(lowering)
    found = offer(work, tool)
    if found is None:
        return None
    if work.http is not None:
        return ToolServer("http", (found.name,), url=address(work), key=work.key)
    return ToolServer(
        "stdio", (found.name,), argv=command(work), install=(install(lowering),), variables=variables(work)
    )


def command(work: Work) -> tuple[Sourced[str], ...]:
    """What starts the server, in the repository's root."""
    server, tools = f"{work.lowering.shared_folder}/{SERVER}", f"{work.lowering.folder}/{TOOLS}"
    return (work.python, literal(server), literal(tools))


def install(lowering: Lowering) -> tuple[str, ...]:
    lock = f"{lowering.shared_folder}/{LOCK}"
    return ("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock)


def address(work: Work) -> Sourced[str]:
    """Where a server that listens is found."""
    http = work.http
    assert http is not None
    written = http.maybe_text("url")
    if written is not None:
        return written
    port = http.integer("port")
    return port.express(lambda number: f"http://127.0.0.1:{number}/mcp")


def variables(work: Work) -> tuple[Variable, ...]:
    """Every variable that the server reads, once."""
    found: dict[str, Variable] = {}
    for one in offered(work):
        for read in one.variables:
            found.setdefault(read.name.value, read)
    return tuple(found.values())
