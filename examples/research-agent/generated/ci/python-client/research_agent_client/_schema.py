"""Whether an answer follows its JSON Schema: the words that this package's schemas use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int, float), "number": (int, float), "boolean": (bool,), "null": (type(None),),
    "object": (dict,), "array": (list,),
}
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_COUNTS = (("minLength", str), ("maxLength", str), ("minItems", list), ("maxItems", list))


def problems(value: Any, schema: Any, root: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each place that does not follow the schema, and why."""
    if schema is True or schema == {}:
        return
    if schema is False:
        yield path, "nothing may stand here"
        return
    if "$ref" in schema:
        yield from problems(value, _pointed(root, schema["$ref"]), root, path)
    wanted = schema.get("type")
    types = wanted if isinstance(wanted, list) else [wanted] if wanted is not None else []
    if types and not any(_is(value, name) for name in types):
        yield path, f"{' or '.join(types)} expected, not {json.dumps(value)[:80]}"
        return
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        yield path, f"one of {json.dumps(schema['enum'])} expected, not {json.dumps(value)[:80]}"
    if "const" in schema and not _same(value, schema["const"]):
        yield path, f"{json.dumps(schema['const'])} expected, not {json.dumps(value)[:80]}"
    yield from _of_several(value, schema, root, path)
    yield from _of_size(value, schema, path)
    if isinstance(value, dict):
        yield from _of_map(value, schema, root, path)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from problems(item, schema["items"], root, _below(path, index))


def _of_several(value: Any, schema: Mapping[str, Any], root: Any, path: str) -> Iterator[tuple[str, str]]:
    for one in schema.get("allOf", ()):
        yield from problems(value, one, root, path)
    for word, most in (("anyOf", None), ("oneOf", 1)):
        if word in schema:
            fitting = sum(next(problems(value, one, root, path), None) is None for one in schema[word])
            if fitting == 0 or (most is not None and fitting > most):
                yield path, f"{fitting} of {len(schema[word])} alternatives fit"


def _of_size(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        for word in _BOUNDS:
            if word in schema and not _within(value, word, schema[word]):
                yield path, f"{word} is {schema[word]}, not {value}"
    for word, kind in _COUNTS:
        if word in schema and isinstance(value, kind):
            size = len(value)
            if size < schema[word] if word.startswith("min") else size > schema[word]:
                yield path, f"{word} is {schema[word]}, not {size}"
    if isinstance(value, str) and "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield path, f"it does not match {schema['pattern']}"
    if isinstance(value, list) and schema.get("uniqueItems") and _twice(value):
        yield path, "the same stands in it twice"


def _of_map(value: dict[str, Any], schema: Mapping[str, Any], root: Any, path: str) -> Iterator[tuple[str, str]]:
    for name in schema.get("required", ()):
        if name not in value:
            yield _below(path, name), "it is missing"
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in known:
            yield from problems(item, known[name], root, _below(path, name))
        elif others is False:
            yield _below(path, name), "it is not known"
        elif others is not True:
            yield from problems(item, others, root, _below(path, name))


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _same(value: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return json.dumps(value, sort_keys=True) == json.dumps(other, sort_keys=True)


def _within(value: float, word: str, bound: float) -> bool:
    return {
        "minimum": value >= bound, "maximum": value <= bound, "exclusiveMinimum": value > bound,
        "exclusiveMaximum": value < bound,
    }[word]


def _twice(items: list[Any]) -> bool:
    written = [json.dumps(item, sort_keys=True) for item in items]
    return len(set(written)) < len(written)


def _pointed(root: Any, reference: str) -> Any:
    for key in reference.removeprefix("#/").split("/"):
        root = root[key.replace("~1", "/").replace("~0", "~")]
    return root


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
