"""Where a value and a schema disagree: one problem for one cause.

A library's validator says whether a resource is accepted (validator.py); it is asked first, and this only for what it
refuses. It reports a wrong alternative's errors for each alternative, and a misspelt required key twice; here the type
of a value chooses the alternative, and what an unknown key was meant to be is known. The keywords that it knows are
those that our schemas use (schemas/README.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.kinds import Shape, json_type


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at `path`: the schema's keyword, the shape and value there, and the keys or bounds it is about.

    `called` is the place as a message calls it: the field, with the entries below it.
    """

    keyword: str
    path: KeyPath
    called: KeyPath
    shape: Shape
    value: Any
    about: tuple[Any, ...] = ()


@cache
def regex(pattern: str) -> re.Pattern[str]:
    """JSON Schema's `$` is the very end of a text, Python's is not."""
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))


def explain(shape: Shape, value: Any, path: KeyPath, called: KeyPath) -> Iterator[Problem]:
    """The problems of a value and of all below it. `path` may start anywhere; problems continue it."""
    whole = shape
    shape = shape.of(value)
    kind = json_type(value)
    if shape.types and not _is(kind, value, shape.types):
        yield Problem("type", path, called, shape, value)
    elif "enum" in shape.schema and value not in shape.schema["enum"]:
        yield Problem("enum", path, called, shape, value, (whole,))
    elif isinstance(value, str):
        yield from _text(shape, value, path, called)
    elif isinstance(value, Mapping):
        yield from _map(shape, value, path, called)
    elif isinstance(value, Sequence):
        yield from _list(shape, value, path, called)
    elif kind in ("integer", "number") and not _in_range(shape.schema, value):
        yield Problem("range", path, called, shape, value)


def _is(kind: str, value: Any, types: frozenset[str]) -> bool:
    if kind == "integer":
        return "integer" in types or "number" in types
    if kind == "number":
        return "number" in types or ("integer" in types and float(value).is_integer())
    return kind in types


def _in_range(schema: Mapping[str, Any], value: float) -> bool:
    return (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and not ("exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"])
        and not ("exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"])
    )


def _text(shape: Shape, value: str, path: KeyPath, called: KeyPath) -> Iterator[Problem]:
    schema = shape.schema
    if len(value) < schema.get("minLength", 0):
        yield Problem("empty", path, called, shape, value)
    elif "pattern" in schema and not regex(schema["pattern"]).search(value):
        yield Problem("pattern", path, called, shape, value)
    elif len(value) > schema.get("maxLength", len(value)):
        yield Problem("length", path, called, shape, value, (schema["maxLength"],))


def _list(shape: Shape, value: Sequence[Any], path: KeyPath, called: KeyPath) -> Iterator[Problem]:
    yield from _count(shape, value, "Items", path, called)
    if shape.schema.get("uniqueItems"):
        seen: dict[Any, int] = {}
        for index, item in enumerate(value):
            first = seen.setdefault(_frozen(item), index)
            if first != index:
                yield Problem("uniqueItems", (*path, index), called, shape, item, ((*path, first),))
    if shape.items is not None:
        for index, item in enumerate(value):
            yield from explain(shape.items, item, (*path, index), (*called, index))


def _map(shape: Shape, value: Mapping[str, Any], path: KeyPath, called: KeyPath) -> Iterator[Problem]:
    meant: set[str] = set()
    told: set[str] = set()
    unknown = False
    others: Mapping[str, str] = shape.schema.get("x-instead", {})
    for key, item in value.items():
        bad_name = _bad_name(shape, key)
        if bad_name is not None and key not in shape.properties and key not in others:
            yield Problem("propertyNames", (*path, key), called, bad_name, key)
            continue
        below = shape.child(key)
        foreign = below is not None and key in others and not _takes(below, item)
        if below is None or foreign:
            unknown = True
            fields, near, home = _meant(shape, value, path, key)
            meant.update(fields)
            cause = others.get(key) or (home and f"below {home}") or key
            if cause not in told:
                told.add(cause)
                yield Problem("unknown", (*path, key), called, shape, item, (near, home))
            continue
        own = key in shape.properties
        yield from explain(below, item, (*path, key), (key,) if own else (*called, key))
    yield from _needed(shape, value, path, called, meant)
    if not unknown:
        yield from _count(shape, value, "Properties", path, called)


def _takes(shape: Shape, value: Any) -> bool:
    return not shape.types or _is(json_type(value), value, shape.types)


_NAMED = re.compile(r"`([A-Za-z_][A-Za-z0-9_]*)")


def _meant(
    shape: Shape, value: Mapping[str, Any], path: KeyPath, key: str
) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """Of an unknown key: the fields that need not be reported as missing too, the fields of nearly that name, and the
    open map below which it likely belongs.
    """
    if len(path) == 2 and key == path[0] and isinstance(value[key], Mapping):  # `model:` in a file of a model
        return tuple(shape.properties), (), None
    if key in shape.schema.get("x-instead", {}):
        field = _NAMED.match(shape.schema["x-instead"][key])
        known = field is not None and field[1] in shape.properties
        return ((field[1],) if field and known else tuple(shape.properties)), (), None
    near = nearest(key, [name for name in shape.properties if name not in value])
    if near:
        return near[:1], near, None
    homes = (name for name in shape.schema.get("required", ()) if name not in value)
    home = next((name for name in homes if shape.properties[name].flag("x-open")), None)
    return ((home,) if home else ()), (), home


def _needed(
    shape: Shape, value: Mapping[str, Any], path: KeyPath, called: KeyPath, unknown: set[str]
) -> Iterator[Problem]:
    """Fields that must be there, unless an unknown key is likely a misspelling of them (`unknown`)."""
    schema = shape.schema
    meant = set(unknown)
    choice: Sequence[str] = schema.get("x-exactly-one") or _choice(schema)
    present = [key for key in choice if key in value]
    dependent = schema.get("dependentRequired", {})
    for holder in value:
        if not present and set(dependent.get(holder, ())) & set(choice):
            meant.update(choice)  # what is missing beside `holder` is told below
    if choice and len(present) != 1 and not (not present and meant & set(choice)):
        yield Problem("choose", path, called, shape, value, (tuple(choice), tuple(present)))
    for key in schema.get("required", ()):
        if key not in value and key not in meant:
            yield Problem("required", path, called, shape, value, (key,))
    for holder, needed in dependent.items():
        for key in needed:
            if holder in value and key not in value and key not in unknown:
                yield Problem("dependentRequired", (*path, holder), called, shape, value, (holder, key))


def _choice(schema: Mapping[str, Any]) -> list[str]:
    """The keys of a `oneOf` whose alternatives only ask for one key each."""
    keys = [branch["required"][0] for branch in schema.get("oneOf", ()) if list(branch) == ["required"]]
    return keys if len(keys) == len(schema.get("oneOf", ())) else []


def _count(shape: Shape, value: Any, what: str, path: KeyPath, called: KeyPath) -> Iterator[Problem]:
    least, most = shape.schema.get(f"min{what}", 0), shape.schema.get(f"max{what}")
    if len(value) < least:
        yield Problem("few", path, called, shape, value, (least,))
    elif most is not None and len(value) > most:
        yield Problem("many", path, called, shape, value, (most,))


def _bad_name(shape: Shape, key: str) -> Shape | None:
    """The shape of this map's names, if `key` is none of them."""
    names = shape.names
    return names if names is not None and next(_text(names, key, (), ()), None) is not None else None


def same(a: Any, b: Any) -> bool:
    """Equal as JSON: 1 and 1.0 are, 1 and true are not."""
    return bool(_frozen(a) == _frozen(b))


def _frozen(value: Any) -> Any:
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, Mapping):
        return ("map", frozenset((key, _frozen(item)) for key, item in value.items()))
    return ("list", *map(_frozen, value)) if isinstance(value, (list, tuple)) else value
