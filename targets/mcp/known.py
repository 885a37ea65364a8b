"""Closed lists: of the protocol, from its package by `scripts/targets/mcp_lists.py`; of the server; of each client."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

FILE = ("name", "version", "instructions", "root", "variables", "http", "functions")
HTTP = ("host", "port", "key")
FUNCTION = ("tool", "wrapped", "code", "endpoint", "approval", "timeout", "retries", "limits")
CODE = ("file", "function")
ENDPOINT = ("url", "variable", "method", "key")
LIMITS = ("rpm", "parallel")
"""What `templates/server.py` reads."""


@cache
def data(name: str) -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", name).read_bytes()))


def check(path: str, found: Any) -> Iterator[str]:
    """Keys that nobody would read, and schemas that are none."""
    if path == "tools.json" and isinstance(found, dict):
        yield from _server(found)


def _server(found: Mapping[str, Any]) -> Iterator[str]:
    import jsonschema_rs

    protocol = data("protocol.json")
    yield from unknown("the file", found, FILE)
    yield from unknown("http", found.get("http"), HTTP)
    for entry in found.get("functions") or ():
        if not isinstance(entry, dict) or not isinstance(entry.get("tool"), dict):
            yield "a function is a map with its `tool`"
            continue
        told, name = entry["tool"], entry["tool"].get("name")
        yield from unknown(f"`{name}`", entry, FUNCTION)
        yield from unknown(f"the tool `{name}`", told, protocol["tool"])
        yield from unknown(f"annotations of `{name}`", told.get("annotations"), protocol["annotations"])
        for key, names in (("code", CODE), ("endpoint", ENDPOINT), ("limits", LIMITS)):
            yield from unknown(f"{key} of `{name}`", entry.get(key), names)
        for key in ("inputSchema", "outputSchema"):
            if key in told and not jsonschema_rs.meta.is_valid(told[key]):
                yield f"{key} of `{name}` is no JSON Schema"


def unknown(where: str, found: Any, names: Iterable[str]) -> Iterator[str]:
    """A complaint for each key that is not among the names."""
    for name in found if isinstance(found, dict) else ():
        if name not in names:
            close = best(str(name), names)
            yield f"{where} has no key `{name}`" + (f"; did you mean `{close}`?" if close else "")
