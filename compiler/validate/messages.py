"""Problems as findings: what is wrong in the user's words, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from llmops.compiler.diagnostics.finding import Code, Edit, Finding, Fix, Label
from llmops.compiler.diagnostics.suggest import did_you_mean, listed, nearest
from llmops.compiler.model.keys import KeyPath, dotted
from llmops.compiler.model.kinds import Shape, json_type
from llmops.compiler.validate import codes
from llmops.compiler.validate.explain import Problem, regex
from llmops.compiler.validate.words import (
    either,
    hint,
    limits,
    name,
    plain,
    quoted,
    reference,
    this_is,
    what_it_takes,
)

FEW = 8
"""So many fields or values are listed; of more, the nearest are named."""
Found = tuple[Code, Finding]


@dataclass(frozen=True, slots=True)
class Whole:
    """The resource that a problem is in: where it starts, and its shape."""

    path: KeyPath
    shape: Shape


def finding(problem: Problem, whole: Whole) -> Found:
    return _MESSAGES[problem.keyword](problem, whole)


def _found(
    code: Code, problem: Problem, message: str, label: str, *cures: str | None, key_only: bool = False,
    expected: str | None = None, more: tuple[Label, ...] = (), fixes: tuple[Fix, ...] = (),
) -> Found:
    value = problem.value
    hidden = isinstance(value, str) and quoted(value, problem.shape) is None
    shown = None if hidden or key_only or isinstance(value, (Mapping, list, tuple)) else plain(value)
    return code, Finding(
        message, (Label(problem.path, label, primary=True, key_only=key_only and not hidden), *more),
        help=tuple(line for line in cures if line), expected=expected, found=shown, fixes=fixes, secret=hidden,
    )


# --- keys -------------------------------------------------------------------------------------------------------------


def _unknown(problem: Problem, whole: Whole) -> Found:
    key = str(problem.path[-1])
    near: tuple[str, ...] = problem.about
    fields = tuple(problem.shape.properties)
    here = _generic(problem, whole)
    elsewhere = [place for place in _places(whole.shape).get(key, ()) if place != here]
    label = "no such field"
    fixes: tuple[Fix, ...] = ()
    if elsewhere and not (near and near[0] == key):
        owners = (f"`{place}`" if place else name(whole.path) for place in elsewhere[:2])
        cures: list[str | None] = [f"`{key}` is a field of {either(owners)}"]
    elif near:
        label = did_you_mean(key, near) or label
        cures = [_fields(fields) if len(fields) <= FEW else None]
        if len(near) == 1:
            fixes = (Fix(f"write `{near[0]}`", (Edit(problem.path, near[0], key_only=True),)),)
    else:
        cures = [_fields(fields)]
    return _found(
        codes.UNKNOWN_FIELD, problem, f"{name(problem.called)} has no field `{key}`", label, *cures, key_only=True,
        fixes=fixes,
    )


def _fields(fields: tuple[str, ...]) -> str:
    return f"its fields: {listed(fields)}" if fields else "it has no fields of its own: write `{}`"


DEPTH = 4


@cache
def _places(shape: Shape) -> Mapping[str, tuple[str, ...]]:
    """The maps of a resource that have a field, by the field's name, outermost first; empty for the resource itself."""
    found: dict[str, list[str]] = {}
    level: list[tuple[str, Shape]] = [("", shape)]
    for _ in range(DEPTH):
        following: list[tuple[str, Shape]] = []
        for prefix, at in level:
            for branch in at.branches or (at,):
                for key, below in branch.properties.items():
                    found.setdefault(key, []).append(prefix)
                    following.append((f"{prefix}.{key}" if prefix else key, below))
                if isinstance(branch.schema.get("additionalProperties"), Mapping) and branch.additional is not None:
                    following.append((f"{prefix}.<name>", branch.additional))
                if branch.items is not None:
                    following.append((f"{prefix}[]", branch.items))
        level = [place for place in following if place[0] != "overrides"]
    return {key: tuple(dict.fromkeys(places)) for key, places in found.items()}


def _generic(problem: Problem, whole: Whole) -> str:
    """The place of a problem's map, spelt as `_places` spells it."""
    at, out = whole.shape, ""
    for key in problem.path[len(whole.path) : -1]:
        candidates = at.branches or (at,)
        own = next((b for b in candidates if isinstance(key, str) and key in b.properties), None)
        if isinstance(key, int):
            out += "[]"
        else:
            out += f".{key if own else '<name>'}" if out else str(key)
        below = next((s for s in (b.child(key) for b in candidates) if s is not None), None)
        if below is None:
            break
        at = below
    return out


def _required(problem: Problem, whole: Whole) -> Found:
    key = problem.about[0]
    return _found(
        codes.MISSING_FIELD, problem, f"{name(problem.called)} has no `{key}`", f"`{key}` is missing",
        *_write(problem.shape.properties.get(key), key), key_only=True, expected=key,
    )


def _dependent(problem: Problem, whole: Whole) -> Found:
    holder, key = problem.about
    return _found(
        codes.MISSING_FIELD, problem, f"`{holder}` needs `{key}` beside it", f"`{key}` is missing",
        *_write(problem.shape.properties.get(key), key), key_only=True, expected=key,
    )


def _write(shape: Shape | None, key: str) -> tuple[str, ...]:
    """What a missing field means, and how it looks."""
    if shape is None:
        return ()
    example = next(iter(shape.schema.get("examples", ())), None)
    lines = [f"`{key}`: {shape.schema['description']}"] if "description" in shape.schema else []
    if "enum" in shape.schema:
        lines.append(f"write `{key}:` and one of {listed(shape.schema['enum'])}")
    elif example is not None:
        lines.append(f"for example `{key}: {plain(example)}`")
    return tuple(lines)


def _choose(problem: Problem, whole: Whole) -> Found:
    choice, present = problem.about
    shapes = problem.shape.properties
    meanings = [
        f"`{key}`: {shapes[key].schema.get('description', '')}" for key in (present or choice) if key in shapes
    ]
    if present:
        return codes.CHOOSE_ONE, Finding(
            f"{name(problem.called)} has {'both ' if len(present) == 2 else ''}{_and(present)}",
            (
                Label((*problem.path, present[1]), "only one of them can stand", primary=True, key_only=True),
                *(Label((*problem.path, key), "", key_only=True) for key in (present[0], *present[2:])),
            ),
            help=tuple(meanings), expected=f"one of {', '.join(choice)}", found=", ".join(present),
        )
    return _found(
        codes.CHOOSE_ONE, problem, f"{name(problem.called)} has none of {listed(choice)}", "one of them is needed",
        *meanings, key_only=True, expected=f"one of {', '.join(choice)}",
    )


def _and(keys: tuple[str, ...]) -> str:
    *most, last = (f"`{key}`" for key in keys)
    return f"{', '.join(most)} and {last}"


def _bad_name(problem: Problem, whole: Whole) -> Found:
    key = str(problem.path[-1])
    return bad_name(key, problem.path, problem.shape)


def bad_name(key: str, path: KeyPath, shape: Shape) -> Found:
    """A key that is no name: of an entry, or of a resource."""
    short, more = hint(shape)
    long = shape.schema.get("maxLength")
    if long is not None and len(key) > long:
        message, label = f"`{key[:20]}…` is too long for a name", f"{len(key)} characters, at most {long}"
    else:
        message, label = f"`{key}` cannot be a name here", f"not {short}"
    better = _as_name(key, shape)
    return codes.BAD_NAME, Finding(
        message, (Label(path, label, primary=True, key_only=True),),
        help=tuple(line for line in (f"write `{better}`" if better else None, more) if line), expected=short, found=key,
    )


def _as_name(key: str, shape: Shape) -> str | None:
    """The nearest spelling of a text that is a name."""
    plain_key = re.sub(r"[^a-z0-9_]+", "_", key.lower()).strip("_")
    pattern = shape.schema.get("pattern")
    fits = pattern is not None and regex(pattern).search(plain_key) is not None
    return plain_key if fits and plain_key != key and len(plain_key) <= shape.schema.get("maxLength", 40) else None


# --- values -----------------------------------------------------------------------------------------------------------


def _type(problem: Problem, whole: Whole) -> Found:
    value, shape = problem.value, problem.shape
    wanted = what_it_takes(shape)
    if value is None:
        return _found(
            codes.WRONG_TYPE, problem, f"{name(problem.called)} has no value", this_is(value),
            "write `{}` for an entry with no fields of its own, or take the key out" if shape.types == {"object"}
            else f"write {wanted}, or take the key out", expected=wanted, key_only=True,
        )
    return _found(
        codes.WRONG_TYPE, problem, f"{name(problem.called)} must be {wanted}", this_is(value, shape),
        _cure(value, shape), expected=wanted,
    )


def _cure(value: Any, shape: Shape) -> str | None:
    """What was likely meant."""
    kind, types = json_type(value), shape.types
    allowed = [word for branch in shape.branches or (shape,) for word in branch.schema.get("enum", ())]
    if len(allowed) > 4:
        return f"it takes {listed(allowed, 20)}"
    if kind == "string" and types & {"integer", "number"}:
        return _as_number(value, shape)
    if kind == "string" and "boolean" in types and value.lower() in ("yes", "no", "on", "off", "true", "false"):
        return f"write `{'true' if value.lower() in ('yes', 'on', 'true') else 'false'}`"
    if kind in ("integer", "number") and "string" in types:
        if "duration" in what_it_takes(shape):
            return f"write `{plain(value)}s` if seconds are meant, `{plain(value)}m` if minutes are"
        if "size" in what_it_takes(shape):
            return f"write `{plain(value)}GiB` if GiB are meant"
        return "put it in quotes, as it stands"
    if kind == "boolean" and "string" in types:
        return "put it in quotes, if it is meant as a text"
    if "array" in types and kind != "object":
        return f"write it as a list: `[{plain(value)}]`" if quoted(str(value), shape) else "write it as a list"
    if kind == "array" and "object" in types and not shape.properties:
        return "give each item a name and write a map: `name: …`"
    example = next(iter(shape.schema.get("examples", ())), None)
    return f"for example `{plain(example)}`" if example is not None and "object" in types else None


def _as_number(text: str, shape: Shape) -> str | None:
    if re.fullmatch(r"-?[0-9]+([.][0-9]+)?", text):
        return f"write it without quotes: `{text}`"
    thousands = re.fullmatch(r"([0-9]+)[ _,.']([0-9]{3})", text)
    if thousands:
        return f"write `{thousands[1]}{thousands[2]}`"
    kilo = re.fullmatch(r"([0-9]+) ?[kK]", text)
    if kilo:
        count = int(kilo[1])
        unit = shape.flag("x-unit") or ""
        return f"write {count * 1024} if {count} Ki{f' {unit}' if unit else ''} are meant, {count * 1000} if not"
    percent = re.fullmatch(r"([0-9]+([.][0-9]+)?) ?%", text)
    if percent and shape.schema.get("maximum") == 1:
        return f"write `{float(percent[1]) / 100:g}`"
    return None


def _range(problem: Problem, whole: Whole) -> Found:
    schema, value = problem.shape.schema, problem.value
    share = schema.get("maximum") == 1 and 1 < value <= 100
    return _found(
        codes.OUT_OF_RANGE, problem, f"{name(problem.called)} must be {limits(schema)}", plain(value),
        f"write `{value / 100:g}` if {plain(value)} % is meant" if share else None, expected=limits(schema),
    )


def _enum(problem: Problem, whole: Whole) -> Found:
    allowed = [str(value) for value in problem.shape.schema["enum"]]
    near = nearest(str(problem.value), allowed)
    label = did_you_mean(str(problem.value), allowed) or this_is(problem.value, problem.shape)
    fixes = (Fix(f"write `{near[0]}`", (Edit(problem.path, near[0]),)),) if len(near) == 1 else ()
    wanted = what_it_takes(problem.about[0])
    if len(allowed) <= 4 and len(wanted) < 60:
        message, cure = f"{name(problem.called)} must be {wanted}", _map_example(problem.about[0])
    else:
        message = f"{name(problem.called)} has a value that it does not take"
        cure = f"it takes {listed(allowed, 20)}"
    return _found(
        codes.NOT_ONE_OF, problem, message, label, cure, expected=" | ".join(allowed), fixes=fixes
    )


def _map_example(shape: Shape) -> str | None:
    """Where a map may stand too: how it looks."""
    examples = shape.schema.get("examples", ()) if "object" in shape.types else ()
    example = next((e for e in examples if isinstance(e, Mapping)), None)
    return f"for example `{plain(example)}`" if example is not None else None


def _pattern(problem: Problem, whole: Whole) -> Found:
    value, shape = problem.value, problem.shape
    if shape.ref is not None:
        kind, dot, rest = value.partition(".")
        wanted = reference(shape)
        cure = f"write `{rest}`, without `{kind}.`" if dot and kind in shape.ref.kinds else None
        better = _as_name(value, shape) if cure is None and quoted(value, shape) else None
        if "secret" in shape.ref.kinds:
            cure = "name a secret, such as `secret: openai`; where it lives stands in conf/secret/openai.yaml"
        return _found(
            codes.WRONG_FORMAT, problem, f"{name(problem.called)} must be {wanted}", this_is(value, shape),
            cure or (f"did you mean `{better}`?" if better else None), expected=wanted,
        )
    short, more = hint(shape)
    return _found(
        codes.WRONG_FORMAT, problem, f"{name(problem.called)} must be {short}", this_is(value, shape),
        _spelt(value, shape), more, expected=short,
    )


_UNITS = {
    "second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "hr": "h", "day": "d", "millisecond": "ms",
    "gb": "GiB", "g": "GiB", "gi": "GiB", "mb": "MiB", "mi": "MiB", "kb": "KiB", "ki": "KiB", "tb": "TiB", "ti": "TiB",
}


def _spelt(text: str, shape: Shape) -> str | None:
    """The same amount in our units, or the same text as a name."""
    amount = re.fullmatch(r"([0-9]+([.][0-9]+)?) ?([A-Za-z]+)", text)
    pattern = regex(shape.schema["pattern"])
    if amount:
        word = amount[3].lower()
        for candidate in (word, _UNITS.get(word), _UNITS.get(word.rstrip("s"))):
            if candidate and pattern.search(f"{amount[1]}{candidate}"):
                return f"write `{amount[1]}{candidate}`"
    better = _as_name(text, shape) if "maxLength" in shape.schema else None
    return f"write `{better}`" if better and not amount else None


def _length(problem: Problem, whole: Whole) -> Found:
    return _found(
        codes.WRONG_FORMAT, problem, f"{name(problem.called)} is too long",
        f"{len(problem.value)} characters, at most {problem.about[0]}",
    )


def _empty(problem: Problem, whole: Whole) -> Found:
    return _found(
        codes.WRONG_COUNT, problem, f"{name(problem.called)} must not be empty", "an empty text",
        "write a text, or take the key out",
    )


def _duplicate(problem: Problem, whole: Whole) -> Found:
    shown = quoted(str(problem.value)) if not isinstance(problem.value, (Mapping, list)) else None
    return _found(
        codes.DUPLICATE_ITEM, problem, f"{name(problem.called)} holds {shown or 'the same item'} twice", "again here",
        more=(Label(problem.about[0], "first here"),),
    )


def _few(problem: Problem, whole: Whole) -> Found:
    least = problem.about[0]
    what = "fields" if problem.shape.properties else "items" if isinstance(problem.value, (list, tuple)) else "entries"
    if least > 1:
        message = f"{name(problem.called)} needs at least {least} {what}"
    else:
        message = f"{name(problem.called)} must not be empty"
    example = next(iter(problem.shape.schema.get("examples", ())), None)
    return _found(
        codes.WRONG_COUNT, problem, message, this_is(problem.value),
        f"for example `{plain(example)}`" if example else None,
    )


def _many(problem: Problem, whole: Whole) -> Found:
    most, value = problem.about[0], problem.value
    of = "items" if isinstance(value, (list, tuple)) else "keys"
    few = isinstance(value, Mapping) and len(value) < 5
    helps = [f"{name(problem.called)} holds {_and(tuple(value))}"] if few else []
    if most == 1 and isinstance(problem.path[-1], int):
        helps.append("begin an item of its own, with `-`, for each of them")
    return _found(
        codes.WRONG_COUNT, problem, f"{name(problem.called)} has {len(value)} {of}, at most {most} can stand",
        this_is(value), *helps,
    )


_MESSAGES: Mapping[str, Callable[[Problem, Whole], Found]] = {
    "unknown": _unknown, "required": _required, "dependentRequired": _dependent, "choose": _choose,
    "propertyNames": _bad_name, "type": _type, "range": _range, "enum": _enum, "pattern": _pattern, "length": _length,
    "empty": _empty, "uniqueItems": _duplicate, "few": _few, "many": _many,
}


def unexplained(path: KeyPath, words: str) -> Found:
    """What the validator refused and `explain` has no words for."""
    return codes.WRONG_FORMAT, Finding(
        f"`{dotted(path)}` is not as its schema says", (Label(path, "here", primary=True),),
        notes=(f"the schema asks for: {words}",),
    )
