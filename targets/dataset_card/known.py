"""The closed lists of dataset cards, taken from the hub's own pages by `scripts/targets/dataset_card_lists.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

OTHER = "other"
_suffix = re.compile(r"-(?:only|or-later)\Z").sub
_version = re.compile(r"-[0-9][0-9.]*\Z").sub


@cache
def lists() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "keys.json").read_bytes()))


def licence(text: str) -> str | None:
    """The hub's name of a licence, or of the family that it is one of; None for one that it does not list."""
    name = _suffix("", text.lower())
    family = _version("", name)
    if name in lists()["licences"]:
        return name
    return family if family in lists()["families"] else None


def check(path: str, data: Any) -> Iterator[str]:
    """What the hub would pass over, or show as an error of the card."""
    if not path.endswith(".md") or not isinstance(data, dict):
        return
    for key in data:
        if key not in lists()["keys"]:
            yield f"a card has no key `{key}`{_close(str(key), lists()['keys'])}"
    for name in _listed(data.get("license")):
        if name not in lists()["licences"]:
            yield f"the hub knows no licence `{name}`{_close(str(name), lists()['licences'])}"
    if "license_name" in data and data.get("license") != OTHER:
        yield "`license_name` names a licence that the hub does not list: `license` is `other` then"
    for key, allowed in lists()["values"].items():
        # sources are also named by their repositories
        for value in _listed(data.get(key)) if key != "source_datasets" else ():
            if value not in allowed:
                yield f"`{key}` is never `{value}`{_close(str(value), allowed)}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _close(name: str, names: Iterable[str]) -> str:
    close = best(name, names)
    return f"; did you mean `{close}`?" if close else ""
