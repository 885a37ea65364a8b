"""Haystack's own closed lists, taken from its packages by `scripts/targets/haystack_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import nearest

PARTS = "haystack_parts"
"""The module of the target's own components."""
KEYS = ("inputs", "answer", "chat", "history", "pieces", "timeout")
"""What the wrapper around a flow's pipeline reads of `flow.json`."""


@cache
def _data() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "components.json").read_bytes()))


@cache
def full_name(short: str) -> str:
    """The dotted name of a class, as a pipeline names it."""
    rows = (*_data()["components"], *_data()["others"])
    return next(str(name) for name in rows if name.rpartition(".")[2] == short)


@cache
def ours(short: str) -> bool:
    """Whether a component is one of the target's own, which it brings along."""
    return full_name(short).startswith(f"{PARTS}.")


@cache
def join_modes() -> tuple[str, ...]:
    return tuple(_data()["join_modes"])


def converters() -> tuple[str, ...]:
    """The components that read files, by their short names."""
    return tuple(name.rpartition(".")[2] for name in _data()["components"] if ".converters." in name
                 and "sources" in _data()["components"][name]["inputs"])


@cache
def locked_version(package: str) -> str:
    """The release that the target's lock installs."""
    text = files(__package__).joinpath("lock", "requirements.in").read_text()
    return next(line.partition("==")[2].strip() for line in text.splitlines() if line.startswith(f"{package}=="))


# --- the check ----------------------------------------------------------------------------------------------------


def check(path: str, data: Any) -> Iterator[str]:
    """Unknown keys, components, parameters and sockets of a pipeline, and inputs that lead nowhere."""
    if not isinstance(data, dict):
        return
    if path.endswith("/flow.json"):
        yield from _unknown("a flow", data, KEYS, "key")
    if path.endswith(".yaml"):
        yield from _pipeline("a pipeline", data)


def _pipeline(where: str, data: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(where, data, _data()["pipeline"], "key")
    components = data.get("components")
    components = components if isinstance(components, dict) else {}
    for name, component in components.items():
        yield from _component(f"`{name}`", component, _data()["components"])
    for link in data.get("connections") or ():
        if isinstance(link, dict):
            yield from _unknown("a connection", link, ("sender", "receiver"), "key")
            yield from _socket(link.get("sender"), components, _outputs)
            yield from _socket(link.get("receiver"), components, _inputs)
    for name, targets in (data.get("inputs") or {}).items():
        for target in targets if isinstance(targets, list) else [targets]:
            for complaint in _socket(target, components, _inputs):
                yield f"input `{name}`: {complaint}"
    for name, target in (data.get("outputs") or {}).items():
        for complaint in _socket(target, components, _outputs):
            yield f"output `{name}`: {complaint}"


def _component(where: str, component: Any, rows: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(component, dict):
        yield f"{where} is no component"
        return
    yield from _unknown(where, component, ("type", "init_parameters"), "key")
    row = rows.get(component.get("type", ""))
    if row is None:
        close = nearest(str(component.get("type")), sorted(rows))
        yield f"{where} has an unknown type `{component.get('type')}`{f'; did you mean `{close[0]}`?' if close else ''}"
        return
    given = component.get("init_parameters") or {}
    yield from _unknown(where, given, row["parameters"], "parameter")
    yield from (f"{where} lacks its parameter `{name}`" for name in row["needed"] if name not in given)
    if isinstance(given.get("pipeline"), dict):
        yield from _inside(where, given)
    for name, value in given.items():
        if isinstance(value, dict) and "." in str(value.get("type", "")) and "init_parameters" in value:
            yield from _component(f"`{name}` of {where}", value, {**_data()["components"], **_data()["others"]})


def _inside(where: str, given: Mapping[str, Any]) -> Iterator[str]:
    """A pipeline as a component: what its own sockets lead to is there."""
    outputs = {name: socket for socket, name in (given.get("output_mapping") or {}).items()}
    whole = {**given["pipeline"], "inputs": given.get("input_mapping"), "outputs": outputs}
    for complaint in _pipeline("a pipeline", whole):
        yield f"in {where}: {complaint}"


def _socket(text: Any, components: Mapping[str, Any], names: Any) -> Iterator[str]:
    head, _, socket = str(text).partition(".")
    if head not in components:
        close = nearest(head, sorted(components))
        yield f"`{text}` names no component{f'; did you mean `{close[0]}`?' if close else ''}"
        return
    component = components[head]
    row = _data()["components"].get(component.get("type")) if isinstance(component, dict) else None
    found = names(row, component.get("init_parameters") or {}) if row is not None else None
    if found is not None and socket not in found:
        close = nearest(socket, sorted(found))
        yield f"`{head}` has no socket `{socket}`{f'; did you mean `{close[0]}`?' if close else ''}"


def _inputs(row: Mapping[str, Any], given: Mapping[str, Any]) -> frozenset[str] | None:
    """None where a template decides them."""
    if "variables" in given:
        return frozenset((*row["inputs"], *(given["variables"] or ())))
    if "takes" in given:
        return frozenset(given["takes"])
    if "pipeline" in given:
        return frozenset(given.get("input_mapping") or ())
    return None if row["open"] else frozenset(row["inputs"])


def _outputs(row: Mapping[str, Any], given: Mapping[str, Any]) -> frozenset[str] | None:
    if "output_type" in given:
        return frozenset(["output"])
    if "type_" in given:
        return frozenset(["value"])
    if isinstance(given.get("routes"), list):
        return frozenset(str(route.get("output_name")) for route in given["routes"] if isinstance(route, dict))
    if "gives" in given:
        return frozenset((*given["gives"], *(f"otherwise-{name}" for name in given.get("otherwise_gives") or ())))
    if "pipeline" in given:
        return frozenset((given.get("output_mapping") or {}).values())
    return frozenset(row["outputs"]) if row["outputs"] else None


def _unknown(where: str, found: Mapping[str, Any], names: Iterable[str], what: str) -> Iterator[str]:
    for name in found:
        if name not in set(names):
            close = nearest(str(name), sorted(names))
            yield f"{where} has no {what} `{name}`{f'; did you mean `{close[0]}`?' if close else ''}"
