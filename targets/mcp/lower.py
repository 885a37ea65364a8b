"""From tools to a server that offers their functions, and to the configs of its clients."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.targets.mcp.clients import Entry, configs
from llmops.targets.mcp.functions import Offered, offered
from llmops.targets.mcp.servers import Behind, every_behind
from llmops.targets.mcp.work import Work

SERVER, LOCK, TOOLS = "server.py", "requirements.txt", "tools.json"


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    work = Work(lowering)
    functions = list(offered(work))
    others = list(every_behind(work))
    if functions:
        about = tuple(one.function.tool.address for one in functions)
        yield Artifact(TOOLS, _described(work, functions), about, Format.JSON, comment=None)
    for one in others:
        body = Sourced(_standing_before(one), one.why, raw=True)
        yield Artifact(one.file, body, (one.tool.address,), Format.JSON, comment=None)
    if functions or others:
        yield from configs(work, _entries(work, functions, others))
        for folder, name in (("templates", SERVER), ("lock", LOCK)):
            data = files(__package__).joinpath(folder, name).read_bytes()
            yield Artifact(name, data, format=Format.VERBATIM, shared=True)
    yield from work.problems


def _entries(work: Work, functions: list[Offered], others: list[Behind]) -> list[Entry]:
    """The servers as clients see them."""
    made: list[Entry] = []
    if functions:
        named = {one.tool.address.name for one in others}
        name, about = work.lowering.reader.project.name, tuple(one.function.tool.address for one in functions)
        names = tuple(one.name for one in functions)
        name = f"{name}-functions" if name in named else name
        if work.http is not None:
            made.append(Entry(name, names, about, url=address(work), key=work.key))
        else:
            made.append(Entry(name, names, about, command(work), read_by(functions)))
    for one in others:
        made.append(Entry(
            one.tool.address.name, one.names, (Sourced(one.tool.address, one.why, raw=True),),
            command(work, one.file), one.variables, why=one.why,
        ))
    return made


def _standing_before(one: Behind) -> dict[str, Any]:
    described: dict[str, Any] = {"name": one.tool.address.name}
    if one.variables and not one.optional:
        described["variables"] = [variable.name for variable in one.variables]
    return {**described, "upstream": one.upstream, "functions": one.entries}


def command(work: Work, file: str = TOOLS) -> tuple[Sourced[str], ...]:
    """What starts the server, in the repository's root."""
    server, tools = f"{work.lowering.shared_folder}/{SERVER}", f"{work.lowering.folder}/{file}"
    return (work.python, literal(server), literal(tools))


def address(work: Work) -> Sourced[str]:
    """Where a server that listens is found."""
    http = work.http
    assert http is not None
    written = http.maybe_text("url")
    if written is not None:
        return written
    return http.integer("port").express(lambda number: f"http://127.0.0.1:{number}/mcp")


def read_by(functions: list[Offered]) -> tuple[Variable, ...]:
    """Every variable that the server of functions reads, once."""
    found: dict[str, Variable] = {}
    for one in functions:
        for read in one.variables:
            found.setdefault(read.name.value, read)
    return tuple(found.values())


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
    described["functions"] = [one.body for one in functions]
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
