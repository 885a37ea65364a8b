"""From tools to a server that offers their functions, and to the configs of its clients."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.targets.mcp.functions import Offered, offered
from llmops.targets.mcp.work import Work

SERVER, LOCK, TOOLS = "server.py", "requirements.txt", "tools.json"


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    work = Work(lowering)
    functions = list(offered(work))
    if functions:
        about = tuple(one.function.tool.address for one in functions)
        yield Artifact(TOOLS, _described(work, functions), about, Format.JSON, comment=None)
        for folder, name in (("templates", SERVER), ("lock", LOCK)):
            data = files(__package__).joinpath(folder, name).read_bytes()
            yield Artifact(name, data, format=Format.VERBATIM, shared=True)
    yield from work.problems


def _described(work: Work, functions: list[Offered]) -> dict[str, Any]:
    lowering = work.lowering
    described: dict[str, Any] = {
        "name": lowering.reader.project.name,
        "root": posixpath.relpath(lowering.root, lowering.folder),
    }
    required: dict[str, Sourced[str]] = {}
    for one in functions:
        if not one.optional:
            for variable in one.variables:
                known = required.get(variable.name.value)
                required[variable.name.value] = variable.name if known is None else known
    if required:
        described["variables"] = list(required.values())
    http = work.http
    if http is not None:
        described["http"] = listening(work)
    described["functions"] = [one.entry for one in functions]
    return described


def listening(work: Work) -> dict[str, Any]:
    """Where the server listens, and the variable of the key that its clients show."""
    http = work.http
    assert http is not None
    made: dict[str, Any] = {"host": http.text("host"), "port": http.integer("port")}
    key = work.key
    if key is not None:
        made["key"] = key.name
    elif not _loopback(made["host"].value):
        work.error(http.at("host"), "a server that others can reach needs a key",
                   "anybody in that network could call the functions", "name one: `secret: …`")
    return made


def _loopback(host: str) -> bool:
    return host in ("127.0.0.1", "localhost", "::1")
