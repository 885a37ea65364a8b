"""Small pieces of messages: types, values, ranges and names as people say them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from llmops.compiler.model.keys import KeyPath, dotted
from llmops.compiler.model.kinds import Shape, json_type
from llmops.schemas import kind_names, schema

_TYPES = {
    "string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a list", "object": "a map",
}
_CREDENTIAL = re.compile(r"[A-Za-z0-9]{20,}")
_ADDRESS = re.compile(r"([a-z_]+)[.][a-z][a-z0-9_]{0,39}")
_KEY_PREFIX = re.compile(r"(sk|pk|rk|ghp|gho|github_pat|glpat|hf|xox[a-z]|AKIA|AIza|ya29|eyJ)[-_A-Za-z0-9]{6,}")


def name(called: KeyPath) -> str:
    """A place in backticks: `hardware`, `routes.answerer`, `rows[0]`."""
    return f"`{dotted(called)}`"


def either(words: Iterable[str]) -> str:
    """"a", "a or b", "a, b or c"."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def what_it_takes(shape: Shape) -> str:
    """What may stand there: "a whole number of tokens", "the name of a model", "a list or a map"."""
    return either(dict.fromkeys(_takes(shape)))


def _takes(shape: Shape) -> list[str]:
    if shape.branches:
        return [word for branch in shape.branches for word in _takes(branch)]
    if shape.ref is not None:
        return [reference(shape)]
    if len(shape.schema.get("enum", ())) in range(1, 5):
        return [f"`{value}`" for value in shape.schema["enum"]]
    if "x-format-hint" in shape.schema:
        return [hint(shape)[0]]
    unit = shape.flag("x-unit")
    words = [_TYPES[kind] for kind in _TYPES if kind in shape.types]
    return [f"{word} of {unit}" if unit and "number" in word else word for word in words]


def reference(shape: Shape) -> str:
    """What a reference names: "the name of a model", "the name of an entry of `routes`"."""
    ref = shape.ref
    assert ref is not None
    if ref.entry is not None:
        owner = "" if ref.own else f"{ref.kinds[0]}."
        return f"the name of an entry of `{owner}{ref.entry}`"
    return f"the name of {either(article(kind) for kind in ref.kinds)}"


def instead(words: str) -> str:
    """The cure for a word that others use: a field or value, or a sentence."""
    if not words.startswith("`"):
        return words
    return f"use {words} instead" if words.endswith("`") else f"use {words}"


def article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def hint(shape: Shape) -> tuple[str, str | None]:
    """The form of a text in a few words, and more words if the schema has them."""
    short, _, more = str(shape.schema.get("x-format-hint", "written in another form")).partition("; ")
    return short, more or None


def this_is(value: Any, shape: Shape | None = None) -> str:
    """What stands there: `this is the text "8k"`. What may be a credential is not repeated."""
    kind = json_type(value)
    if kind == "null":
        return "nothing stands here"
    if kind == "string":
        shown = quoted(value, shape)
        return f"this is the text {shown}" if shown else "this is a text"
    if kind in ("integer", "number"):
        return f"this is the number {plain(value)}"
    if kind == "boolean":
        return f"this is {plain(value)}"
    return f"this is {_TYPES[kind]}" if value else f"this is an empty {'list' if kind == 'array' else 'map'}"


def quoted(value: str, shape: Shape | None = None) -> str | None:
    """A text in quotes, cut short; None where it may be a credential."""
    if (hidden(shape) and not _is_address(value, shape)) or credential(value):
        return None
    return json.dumps(value if len(value) <= 40 else f"{value[:39]}…", ensure_ascii=False)


def hidden(shape: Shape | None) -> str | None:
    """The cure where a name is asked for in whose place the thing itself may stand, which nobody may see; or None."""
    kinds = shape.ref.kinds if shape is not None and shape.ref is not None else ()
    return next((text for kind in kinds if kind in kind_names() and (text := schema(kind).get("x-hidden"))), None)


def _is_address(value: str, shape: Shape | None) -> bool:
    """Whether it names a resource with its kind before, as it may be named elsewhere."""
    address = _ADDRESS.fullmatch(value)
    return address is not None and shape is not None and shape.ref is not None and address[1] in shape.ref.kinds


def credential(value: str) -> bool:
    """Whether a text looks like a key: not to be shown. Wrong guesses cost no more than a shorter message."""
    if _KEY_PREFIX.match(value):
        return True
    return any(
        any(c.isdigit() for c in run) and any(c.isupper() for c in run) and any(c.islower() for c in run)
        for run in _CREDENTIAL.findall(value)
    )


def plain(value: Any) -> str:
    """A value on one line as YAML has it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {plain(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(plain, value)) + "]"
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_/][A-Za-z0-9_./-]*|[0-9]+[A-Za-z]+", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def limits(schema: Mapping[str, Any]) -> str:
    """"between 0 and 2", "at least 1", "more than 0 and at most 1"."""
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"between {plain(low)} and {plain(high)}"
    parts = [
        f"{words} {plain(bound)}"
        for words, bound in (("at least", low), ("more than", above), ("at most", high), ("less than", below))
        if bound is not None
    ]
    return " and ".join(parts)
