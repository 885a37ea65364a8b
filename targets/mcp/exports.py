"""How the functions of a tool are reached."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.model.exports import ToolServer
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.mcp.functions import offer, offered
from llmops.targets.mcp.lower import LOCK, address, command, read_by
from llmops.targets.mcp.servers import behind
from llmops.targets.mcp.work import Work


def tool_server(lowering: Lowering, tool: View[Any], near: str | None) -> ToolServer | None:
    """Of a function tool this target's own server; of a server of others the same program, standing before it."""
    if tool.address.kind != "tool":
        return None
    work = Work(lowering)
    other = behind(work, tool)
    if other is not None:
        return ToolServer(
            "stdio", other.names, command(work, other.file), install=(install(lowering),), variables=other.variables,
            files=tuple(word.value for word in command(work, other.file)[1:]),
        )
    found = offer(work, tool)
    if found is None:
        return None
    if work.http is not None:
        return ToolServer("http", (found.name,), url=address(work), key=work.key)
    functions = list(offered(work))
    code = [path for one in functions if (path := one.function.tool.maybe_text("code")) is not None]
    return ToolServer(
        "stdio", (found.name,), command(work), install=(install(lowering),), variables=read_by(functions),
        files=(*(word.value for word in command(work)[1:]),
               *(path.map(lambda p: in_repository(lowering, p)) for path in code)),
    )


def install(lowering: Lowering) -> tuple[str, ...]:
    lock = f"{lowering.shared_folder}/{LOCK}"
    return ("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock)
