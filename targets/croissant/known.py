"""Croissant's own closed lists, taken from its validator by `scripts/targets/croissant_lists.py`.

JSON-LD passes over a key that nobody knows, so that a misspelt property is lost without a word: here it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

_SHA256 = re.compile(r"[0-9a-f]{64}")
_INSIDE = {"source": "source", "references": "source", "extract": "extract", "transform": "transform"}
"""Maps without a type of their own, by the key that they stand at."""
_VERBATIM = ("data", "examples", "@context")


@cache
def lists() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "keys.json").read_bytes()))


def check(path: str, data: Any) -> Iterator[str]:
    """Keys and words that the validator would pass over."""
    if not path.endswith(".json") or not isinstance(data, dict):
        return
    if data.get("@context") != lists()["context"]:
        yield "the context is not that of Croissant: its words would mean something else"
    yield from _node(data, "sc:Dataset")
    ids = {str(node["@id"]) for node in _nodes(data) if "@type" in node and "@id" in node}
    for node in _nodes(data):
        for word in ("fileObject", "fileSet", "field"):
            named = node.get(word)
            if isinstance(named, dict) and "@type" not in named and str(named.get("@id")) not in ids:
                yield f"`{word}` names `{named.get('@id')}`, which nothing here is"


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for key, below in tree.items():
            if key not in _VERBATIM:
                yield from _nodes(below)
    elif isinstance(tree, list):
        for item in tree:
            yield from _nodes(item)


def _node(node: Mapping[str, Any], kind: str) -> Iterator[str]:
    names = lists()["keys"].get(kind)
    if names is None:
        yield f"there is no type `{kind}`{_close(kind, lists()['keys'])}"
        return
    allowed = {*names, "@id", "@type", "@context", *(["isLiveDataset"] if kind == "sc:Dataset" else [])}
    for key, value in node.items():
        if key not in allowed:
            yield f"{kind} has no key `{key}`{_close(key, allowed)}"
        elif key == "dataType":
            yield from _types(value)
        elif key == "sha256" and not (isinstance(value, str) and _SHA256.fullmatch(value)):
            yield "`sha256` is 64 hexadecimal digits"
        elif key == "fileProperty" and value not in lists()["file_properties"]:
            yield f"there is no `fileProperty` called `{value}`{_close(str(value), lists()['file_properties'])}"
        elif key not in _VERBATIM:
            for below in value if isinstance(value, list) else [value]:
                if isinstance(below, dict) and ("@type" in below or key in _INSIDE):
                    yield from _node(below, str(below.get("@type", _INSIDE.get(key))))


def _types(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if one not in lists()["data_types"] and one != "sc:Enumeration":
            yield f"there is no data type `{one}`{_close(str(one), lists()['data_types'])}"


def _close(name: str, names: Iterable[str]) -> str:
    close = best(name, names)
    return f"; did you mean `{close}`?" if close else ""
