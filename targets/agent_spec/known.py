"""The standard's closed lists, taken from its package by `scripts/targets/agent_spec_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

DOCUMENT = ("$referenced_components", "agentspec_version")
"""Keys of a document beside those of its component."""


@cache
def components() -> Mapping[str, frozenset[str]]:
    """The fields of every component that can be written."""
    data = json.loads(files(__package__).joinpath("data", "components.json").read_bytes())
    return {name: frozenset(fields) for name, fields in data["components"].items()}


def check(path: str, data: Any) -> Iterator[str]:
    """Types and fields that no runtime knows: the package takes unknown fields without a word."""
    if isinstance(data, dict):
        known = {key: value for key, value in data.items() if key not in DOCUMENT}
        yield from _component(known)
        below = data.get("$referenced_components")
        for id_, found in below.items() if isinstance(below, dict) else ():
            yield from _component(found)
            if isinstance(found, dict) and found.get("id") != id_:
                yield f"the component `{id_}` calls itself `{found.get('id')}`"


def _component(found: Any) -> Iterator[str]:
    if isinstance(found, list):
        for one in found:
            yield from _component(one)
    if not isinstance(found, dict):
        return
    kind = found.get("component_type")
    if isinstance(kind, str):
        fields = components().get(kind)
        if fields is None:
            yield f"there is no component of type `{kind}`{_close(kind, components())}"
        else:
            for name in found:
                if name not in fields and name != "component_type":
                    yield f"a {kind} has no field `{name}`{_close(name, fields)}"
    for value in found.values():
        yield from _component(value)


def _close(name: str, names: Any) -> str:
    close = best(name, names)
    return f"; did you mean `{close}`?" if close else ""
