"""Closed lists: of the protocol, from its package by `scripts/targets/mcp_lists.py`; of the server; of each client."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

FILE = ("name", "version", "instructions", "root", "variables", "http", "functions", "upstream")
FUNCTION = ("tool", "wrapped", "code", "endpoint", "approval", "timeout", "retries", "limits")
BELOW: Mapping[str, tuple[str, ...]] = {
    "code": ("file", "function"), "endpoint": ("url", "variable", "method", "key"), "limits": ("rpm", "parallel"),
    "http": ("host", "port", "key"), "upstream": ("argv", "env", "pass", "transport", "url", "variable", "key"),
}
"""What `templates/server.py` reads."""


TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")


@cache
def data(name: str) -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", name).read_bytes()))


def check(path: str, found: Any) -> Iterator[str]:
    """Keys that nobody would read, and schemas that are none."""
    if not isinstance(found, dict):
        return
    if path == "tools.json" or path.startswith("servers/"):
        yield from _server(found)
    elif path.startswith("clients/"):
        known = next(one for one in data("clients.json").values() if path == f"clients/{one['file']}")
        yield from _client(known, found)


def _server(found: Mapping[str, Any]) -> Iterator[str]:
    protocol = data("protocol.json")
    yield from unknown("the file", found, FILE)
    for key in ("http", "upstream"):
        yield from unknown(key, found.get(key), BELOW[key])
    for entry in found.get("functions") or ():
        if not isinstance(entry, dict) or not isinstance(entry.get("tool"), dict):
            yield "a function is a map with its `tool`"
            continue
        told, name = entry["tool"], entry["tool"].get("name")
        yield from unknown(f"`{name}`", entry, FUNCTION)
        yield from unknown(f"the tool `{name}`", told, protocol["tool"])
        yield from unknown(f"annotations of `{name}`", told.get("annotations"), protocol["annotations"])
        for key in ("code", "endpoint", "limits"):
            yield from unknown(f"{key} of `{name}`", entry.get(key), BELOW[key])
        for key in ("inputSchema", "outputSchema"):
            yield from _schema(f"{key} of `{name}`", told.get(key))


def _schema(where: str, found: Any) -> Iterator[str]:
    """Types that JSON Schema has no word for: the server would refuse the whole schema when it starts."""
    if isinstance(found, list):
        for one in found:
            yield from _schema(where, one)
    if not isinstance(found, dict):
        return
    kinds = found.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if isinstance(kind, str) and kind not in TYPES:
            close = best(kind, TYPES)
            yield f"{where}: no type is called `{kind}`" + (f"; did you mean `{close}`?" if close else "")
    properties = found.get("properties")
    for below in properties.values() if isinstance(properties, dict) else ():
        yield from _schema(where, below)
    for key in ("items", "additionalProperties", "anyOf", "oneOf", "allOf"):
        yield from _schema(where, found.get(key))


def _client(known: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    yield from unknown("the config", found, known["root"])
    servers = found.get(known["servers"])
    for name, server in servers.items() if isinstance(servers, dict) else ():
        started = isinstance(server, dict) and "command" in server
        yield from unknown(f"`{name}`", server, known["stdio" if started else "http"])
    for one in found.get("inputs") or () if "inputs" in known else ():
        yield from unknown("an input", one, known["inputs"])


def unknown(where: str, found: Any, names: Iterable[str]) -> Iterator[str]:
    """A complaint for each key that is not among the names."""
    for name in found if isinstance(found, dict) else ():
        if name not in names:
            close = best(str(name), names)
            yield f"{where} has no key `{name}`" + (f"; did you mean `{close}`?" if close else "")
