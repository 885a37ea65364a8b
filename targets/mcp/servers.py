"""Servers of others that tools name: how each is started or reached, and what of it is allowed.

Clients reach them through the server of this target, which offers the allow-list alone and asks where it says so:
most clients have no allow-list of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.secrets import variable
from llmops.compiler.derive.tools import functions
from llmops.compiler.emit.escapes import argv_value
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.sourced import Sourced, combine, literal
from llmops.compiler.model.sources import Source
from llmops.compiler.model.target import Refusal
from llmops.compiler.model.units import size_bytes
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import TOOL
from llmops.targets.mcp.functions import bounds, hints
from llmops.targets.mcp.work import CONSUMER, Work


@dataclass(frozen=True, slots=True)
class Behind:
    """A server of others: `upstream` is the way to it, `entries` what may be called."""

    tool: View[Any]
    upstream: dict[str, Any]
    entries: list[dict[str, Any]]
    variables: tuple[Variable, ...]
    optional: bool = False

    @property
    def why(self) -> tuple[Source, ...]:
        """What lets it be offered at all: of a server that is started, that it is spoken to over standard input."""
        return self.tool.text("mcp", "transport").sources if "argv" in self.upstream else ()

    @property
    def file(self) -> str:
        return f"servers/{self.tool.address.name}.json"

    @property
    def names(self) -> tuple[Sourced[str], ...]:
        return tuple(entry["tool"]["name"] for entry in self.entries)


def every_behind(work: Work) -> Iterator[Behind]:
    for tool in work.lowering.reader.of(TOOL):
        found = behind(work, tool)
        if found is not None:
            yield found


def behind(work: Work, tool: View[Any]) -> Behind | None:
    """None for functions of one's own, and for what could not be used as the tool says."""
    server = tool.node("mcp")
    if server is None:
        return None
    auth = server.maybe_text("auth")
    if auth is not None and auth.value in ("oauth", "identity"):
        work.unsupported(server.at("auth"), "it signs nobody in, so the server is not offered",
                         "add it in the client itself, which can, or use `auth: secret`")
        return None
    read = list(_secret(server, auth))
    if server.has("url"):
        upstream = _address(work, server, read)
    else:
        upstream = _started(work, tool, server, read)
    if upstream is None:
        return None
    entries = list(_entries(work, tool))
    if not entries:
        return None
    secret = server.ref("secret")
    return Behind(tool, upstream, entries, tuple(read), secret is not None and secret.flag("optional").value)


def _secret(server: Node, auth: Sourced[str] | None) -> Iterator[Variable]:
    secret = server.ref("secret")
    if secret is not None and (auth is None or auth.value == "secret"):
        yield Variable(variable(secret, CONSUMER).because(server.ref_name("secret"), auth), secret.address)


def _entries(work: Work, tool: View[Any]) -> Iterator[dict[str, Any]]:
    for function in functions(tool):
        if function.approval is not None and function.approval.value == "policy":
            work.unsupported(function.node.at("approval"), "no policy decides there, so the function is not offered",
                             "say `human`: the client asks its user")
            continue
        told = {"name": function.name, "annotations": hints(function, tool.get("egress"))}
        yield {"tool": told, **bounds(work, tool, function)}


def _address(work: Work, server: Node, read: list[Variable]) -> dict[str, Any] | None:
    transport = server.text("transport")
    if transport.value == "stdio":
        work.error(server.at("transport"), "a server at an address is spoken to over HTTP",
                   "`stdio` is for one that is started", "say `http`, or `sse` for the older way")
        return None
    for field in ("command", "env", "digest"):
        if server.has(field):
            work.unsupported(server.at(field), "the server runs already")
    made: dict[str, Any] = {"transport": transport}
    outside = outside_variable(server, "url")
    if outside is None:
        made["url"] = server.text("url")
    else:
        made["variable"] = outside.name
    if read:
        made["key"] = read[0].name
    if outside is not None:
        read.append(outside)
    return made


def _started(work: Work, tool: View[Any], server: Node, read: list[Variable]) -> dict[str, Any] | None:
    """A program that is started for one client and spoken to over its standard input."""
    if server.text("transport").value != "stdio":
        work.unsupported(server.at("transport"), "it starts no server that listens, so this one is not offered",
                         "deploy it and give its `url`, or speak `stdio`")
        return None
    fixed, taken = _environment(work, server)
    read.extend(taken)
    names = [*fixed, *(one.name.value for one in read)]
    argv = _container(work, tool, server, names) if server.has("image") else _package(work, tool, server)
    if argv is None:
        return None
    argv += [Sourced(word, (server.source("command", n),)) for n, word in enumerate(server.value.get("command") or ())]
    server.get("command")
    made: dict[str, Any] = {"argv": argv}
    if fixed:
        made["env"] = fixed
    if read:
        made["pass"] = [one.name for one in read]
    return made


def _environment(work: Work, server: Node) -> tuple[dict[str, Sourced[str]], list[Variable]]:
    """Variables with fixed values, and those that are known only outside."""
    fixed: dict[str, Sourced[str]] = {}
    taken: list[Variable] = []
    for name in server.value.get("env") or {}:
        outside = outside_variable(server, "env", name)
        if outside is None:
            value = server.get("env", name)
            assert value is not None
            fixed[name] = value.map(_plain)
        elif outside.name.value == name:
            taken.append(outside)
        else:
            work.unsupported(server.at("env", name), f"a variable is passed on under its own name, not as `{name}`",
                             f"call the one outside `{name}` too")
    return fixed, taken


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _package(work: Work, tool: View[Any], server: Node) -> list[Sourced[str]] | None:
    if tool.has("sandbox"):
        work.unsupported(tool.at("sandbox"), "a package runs as its client does, so the server is not offered",
                         "take an `image` of it")
        return None
    if server.has("digest"):
        work.unsupported(server.at("digest"), "what runs a package checks no digest of yours", "take an `image` of it")
    package, version = server.text("package"), server.maybe_text("version")
    registry, _, name = package.value.partition(":")
    pinned = package.map(lambda _: name)
    if version is not None:
        pinned = combine(lambda _, number: f"{name}@{number}", package, version)
    if registry == "npm":
        return [package.express(lambda _: "npx"), literal("-y"), pinned]
    return [package.express(lambda _: "uvx"), pinned]


def _container(work: Work, tool: View[Any], server: Node, names: list[str]) -> list[Sourced[str]] | None:
    image, digest = server.text("image"), server.maybe_text("digest")
    try:
        argv_value(image.value)
    except Refusal as refusal:
        work.error(server.at("image"), f"this is no image: {refusal}")
        return None
    argv = [image.express(lambda _: "docker"), literal("run"), literal("-i"), literal("--rm")]
    if tool.has("sandbox", "image"):
        work.unsupported(tool.at("sandbox", "image"), "the server runs in its own image")
    cpu, memory, network = (tool.maybe_number("sandbox", "cpu"), tool.maybe_text("sandbox", "memory"),
                            tool.maybe_flag("sandbox", "network"))
    if cpu is not None:
        argv += [literal("--cpus"), cpu.map(str)]
    if memory is not None:
        argv += [literal("--memory"), memory.map(lambda size: str(round(size_bytes(size))))]
    if network is not None and not network.value:
        argv += [literal("--network"), network.express(lambda _: "none")]
    for name in names:
        argv += [literal("-e"), literal(name)]
    return [*argv, image if digest is None else combine(lambda i, d: i if "@" in i else f"{i}@{d}", image, digest)]
