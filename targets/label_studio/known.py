"""Label Studio's own tags, taken from its SDK by `scripts/targets/label_studio_lists.py`, and what tasks must hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from xml.etree.ElementTree import Element

from llmops.compiler.diagnostics.suggest import best

CONFIG, TASKS, PLAN = ".xml", ".tasks.json", ".labels.json"


@cache
def lists() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "keys.json").read_bytes()))


def unknown(root: Element) -> Iterator[str]:
    """Tags and attributes that Label Studio would pass over."""
    tags = lists()["attributes"]
    for element in root.iter():
        if element.tag not in tags:
            close = best(element.tag, tags)
            yield f"there is no tag `{element.tag}`" + (f"; did you mean `{close}`?" if close else "")
            continue
        for name in element.attrib:
            if name not in tags[element.tag]:
                close = best(name, tags[element.tag])
                yield f"`{element.tag}` has no attribute `{name}`" + (f"; did you mean `{close}`?" if close else "")


def check(path: str, data: Any) -> Iterator[str]:
    """A task that lacks a variable of the others shows an empty place."""
    if not path.endswith(TASKS) or not isinstance(data, list):
        return
    held = [set(task.get("data") or {}) if isinstance(task, dict) else set() for task in data]
    wanted = set().union(*held)
    for number, names in enumerate(held):
        for name in sorted(wanted - names):
            yield f"task {number} has no `{name}`, which others have"
