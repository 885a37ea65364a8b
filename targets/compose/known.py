"""Compose's own closed lists of keys: what `overrides` add is held against them too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best


@cache
def table(name: str) -> Any:
    """A table of data.json, each with its source."""
    return json.loads(files(__package__).joinpath("data.json").read_bytes())[name]


def check(path: str, data: Any) -> Iterator[str]:
    yield from _unknown("the file", "file", data)
    for name, service in (data.get("services") or {}).items():
        where = f"service `{name}`"
        yield from _unknown(where, "service", service)
        for part in ("healthcheck", "deploy"):
            yield from _unknown(f"`{part}` of {where}", part, service.get(part))
        if not any(key in service for key in ("image", "build")):
            yield f"{where} has neither an image nor a build"


def _unknown(where: str, kind: str, found: Any) -> Iterator[str]:
    known = table("keys")[kind]
    for key in found if isinstance(found, Mapping) else ():
        if key not in known and not str(key).startswith("x-"):
            near = best(str(key), known)
            yield f"{where} has no key `{key}`" + (f"; did you mean `{near}`?" if near else "")
