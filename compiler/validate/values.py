"""What is wrong with a value: its type, its range, its form, or how much of it there is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmops.compiler.diagnostics.suggest import did_you_mean, listed, nearest
from llmops.compiler.model.finding import Edit, Fix, Label
from llmops.compiler.model.kinds import Shape, json_type
from llmops.compiler.validate import codes
from llmops.compiler.validate.explain import Problem, regex
from llmops.compiler.validate.found import Found, Whole, found_at
from llmops.compiler.validate.keys import and_list, as_name
from llmops.compiler.validate.words import (
    credential,
    either,
    hidden,
    hint,
    instead,
    limits,
    name,
    plain,
    quoted,
    reference,
    this_is,
    what_it_takes,
)
from llmops.schemas import ENVIRONMENT


def wrong_type(problem: Problem, whole: Whole) -> Found:
    value, shape = problem.value, problem.shape
    wanted = what_it_takes(shape)
    if value is None:
        return found_at(
            codes.WRONG_TYPE, problem, f"{name(problem.called)} has no value", this_is(value),
            "write `{}` for an entry with no fields of its own, or take the key out" if shape.types == {"object"}
            else f"write {wanted}, or take the key out", expected=wanted, key_only=True,
        )
    return found_at(
        codes.WRONG_TYPE, problem, f"{name(problem.called)} must be {wanted}", this_is(value, shape),
        _cure(value, shape), expected=wanted,
    )


def _cure(value: Any, shape: Shape) -> str | None:
    """What was likely meant."""
    kind, types = json_type(value), shape.types
    others = shape.schema.get("x-instead", {})
    if kind == "string" and value in others:
        return instead(others[value])
    allowed = [word for branch in shape.branches or (shape,) for word in branch.schema.get("enum", ())]
    if len(allowed) > 4:
        return f"it takes {listed(allowed, 20)}"
    if kind == "string" and types & {"integer", "number"}:
        return _as_number(value, shape)
    if kind == "string" and "boolean" in types and value.lower() in ("yes", "no", "on", "off", "true", "false"):
        return f"write `{'true' if value.lower() in ('yes', 'on', 'true') else 'false'}`"
    if kind == "number" and "integer" in types:
        low = math.floor(value)
        return f"write `{low}` or `{low + 1}`" if value > 1 else "it is a count, not a share: write a whole number"
    if kind in ("integer", "number") and "string" in types and not allowed:
        if "duration" in what_it_takes(shape):
            return f"write `{plain(value)}s` if seconds are meant, `{plain(value)}m` if minutes are"
        if "size" in what_it_takes(shape):
            return f"write `{plain(value)}GiB` if GiB are meant"
        return "put it in quotes, as it stands"
    if kind == "boolean" and "string" in types and not allowed:
        return "put it in quotes, if it is meant as a text"
    if kind == "object" and "array" in types:
        return "begin an item with `-` for each"
    if "array" in types and _may_be_item(value, shape):
        return f"write it as a list: `[{plain(value)}]`" if quoted(str(value), shape) else "write it as a list"
    if not types & {"object", "array"}:
        return None
    example = _example(shape, "object" if "object" in types else "array")
    named = kind == "array" and "object" in types and not shape.properties
    if named and example:
        return f"give each item a name and write a map, for example `{example}`"
    if example is None and shape.properties:
        return f"a map with {either(f'`{key}`' for key in shape.properties)}"
    return f"for example `{example}`" if example else None


def _may_be_item(value: Any, shape: Shape) -> bool:
    kind = json_type(value)
    for branch in shape.branches or (shape,):
        if branch.items is not None and kind in branch.items.types and kind != "array":
            return True
    return False


def _example(shape: Shape, kind: str) -> str | None:
    examples = [example for example in shape.schema.get("examples", ()) if json_type(example) == kind]
    return plain(examples[0]) if examples else None


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
    if percent and "integer" in shape.types:
        return "it is a count, not a share: write a whole number"
    if percent:
        return f"write `{float(percent[1]) / 100:g}` if a share is meant"
    thousandths = re.fullmatch(r"([0-9]+)m", text)
    if thousandths and shape.flag("x-unit") == "cores":
        return f"write `{int(thousandths[1]) / 1000:g}`"
    if re.fullmatch(r"-?[0-9]+([.][0-9]*)?[eE][-+]?[0-9]+", text):
        return f"write it without quotes: `{float(text):g}`"
    return None


def out_of_range(problem: Problem, whole: Whole) -> Found:
    schema, value = problem.shape.schema, problem.value
    share = schema.get("maximum") == 1 and 1 < value <= 100
    return found_at(
        codes.OUT_OF_RANGE, problem, f"{name(problem.called)} must be {limits(schema)}", plain(value),
        f"write `{value / 100:g}` if {plain(value)} % is meant" if share else None, expected=limits(schema),
    )


def not_one_of(problem: Problem, whole: Whole) -> Found:
    allowed = [str(value) for value in problem.shape.schema["enum"]]
    near = nearest(str(problem.value), allowed)
    word = str(problem.value)
    other = problem.shape.schema.get("x-instead", {}).get(word)
    near = () if other else near
    label = (None if other else did_you_mean(word, allowed)) or this_is(problem.value, problem.shape)
    fixes = (Fix(f"write `{near[0]}`", (Edit(problem.path, near[0]),)),) if len(near) == 1 else ()
    wanted = what_it_takes(problem.about[0])
    cure: str | None
    if len(allowed) <= 4 and len(wanted) < 60:
        message, cure = f"{name(problem.called)} must be {wanted}", _map_example(problem.about[0])
    else:
        shown = quoted(word, problem.shape) if len(word) <= 40 else None
        message = f"{name(problem.called)} {f'cannot be {shown}' if shown else 'has a value that it does not take'}"
        cure = f"it takes {listed(allowed, 20)}"
    return found_at(
        codes.NOT_ONE_OF, problem, message, label, other and instead(other), cure, expected=" | ".join(allowed),
        fixes=fixes,
    )


def _map_example(shape: Shape) -> str | None:
    """Where a map may stand too: how it looks."""
    examples = shape.schema.get("examples", ()) if "object" in shape.types else ()
    example = next((e for e in examples if isinstance(e, Mapping)), None)
    return f"for example `{plain(example)}`" if example is not None else None


def wrong_format(problem: Problem, whole: Whole) -> Found:
    value, shape = problem.value, problem.shape
    if shape.ref is not None:
        kind, dot, rest = value.partition(".")
        wanted = reference(shape)
        cure = f"write `{rest}`, without `{kind}.`" if dot and kind in shape.ref.kinds else None
        cure = cure or hidden(shape)
        return found_at(
            codes.WRONG_FORMAT, problem, f"{name(problem.called)} must be {wanted}", this_is(value, shape),
            *([cure] if cure else _meant(value, shape, whole)), expected=wanted,
        )
    short, more = hint(shape)
    return found_at(
        codes.WRONG_FORMAT, problem, f"{name(problem.called)} must be {short}", this_is(value, shape),
        _spelt(value, shape), more, expected=short,
    )


def _meant(value: str, shape: Shape, whole: Whole) -> Iterator[str]:
    """The resource or entry that is called nearly so, or that holds this very text: a model's id, an accelerator."""
    assert shape.ref is not None
    if shape.ref.own:
        return
    better = as_name(value, shape)
    for kind in shape.ref.kinds:
        there = whole.tree.get(kind)
        if shape.ref.entry and isinstance(there, Mapping) and kind == ENVIRONMENT:
            there = there.get(shape.ref.entry)
        there = there if isinstance(there, Mapping) else {}
        holds = next((key for key, spec in there.items() if value in _texts(spec)), None)
        if better in there or holds:
            yield f"did you mean `{better if better in there else holds}`?"
            return
        if there:
            yield f"name one of these: {listed(map(str, there), 8)}"
    if shape.ref.entry is None:
        yield f"a {shape.ref.kinds[0]} is called as its file is: conf/{shape.ref.kinds[0]}/NAME.yaml"


def _texts(spec: Any) -> list[str]:
    """The texts of a resource, and one level below."""
    values = list(spec.values()) if isinstance(spec, Mapping) else []
    values += [below for item in values if isinstance(item, Mapping) for below in item.values()]
    return [text for text in values if isinstance(text, str)]


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
    percent = re.fullmatch(r"([0-9]+([.][0-9]+)?) ?%", text)
    if percent:
        return f"write `{float(percent[1]) / 100:g}`"
    if amount:
        return None
    if not credential(text):
        for candidate in _candidates(text):
            if candidate != text and pattern.search(candidate):
                return f"write `{candidate}`"
    better = as_name(text, shape) if "maxLength" in shape.schema else None
    return f"write `{better}`" if better else None


def _candidates(text: str) -> Iterator[str]:
    """The same without what does not belong to it, or with what is missing: `$NAME`, a page's address, a path."""
    yield text.strip().removeprefix("$").strip("{}")
    if "://" in text:
        yield text.partition("://")[2].partition("/")[2].strip("/")
    else:
        yield text.partition("@")[0]
        if "." in text.partition("/")[0] and " " not in text:
            yield f"https://{text}"
        yield f"/{text}"


def too_long(problem: Problem, whole: Whole) -> Found:
    return found_at(
        codes.WRONG_FORMAT, problem, f"{name(problem.called)} is too long",
        f"{len(problem.value)} characters, at most {problem.about[0]}",
    )


def empty(problem: Problem, whole: Whole) -> Found:
    return found_at(
        codes.WRONG_COUNT, problem, f"{name(problem.called)} must not be empty", "an empty text",
        "write a text, or take the key out",
    )


def duplicate(problem: Problem, whole: Whole) -> Found:
    shown = quoted(str(problem.value)) if not isinstance(problem.value, (Mapping, list)) else None
    return found_at(
        codes.DUPLICATE_ITEM, problem, f"{name(problem.called)} holds {shown or 'the same item'} twice", "again here",
        "take one of them away",
        more=(Label(problem.about[0], "first here"),),
    )


def too_few(problem: Problem, whole: Whole) -> Found:
    least = problem.about[0]
    what = "fields" if problem.shape.properties else "items" if isinstance(problem.value, (list, tuple)) else "entries"
    if least > 1:
        message = f"{name(problem.called)} needs at least {least} {what}"
    else:
        message = f"{name(problem.called)} must not be empty"
    example = next(iter(problem.shape.schema.get("examples", ())), None)
    return found_at(
        codes.WRONG_COUNT, problem, message, this_is(problem.value),
        f"for example `{plain(example)}`" if example else None,
    )


def too_many(problem: Problem, whole: Whole) -> Found:
    most, value = problem.about[0], problem.value
    of = "items" if isinstance(value, (list, tuple)) else "keys"
    few = isinstance(value, Mapping) and len(value) < 5
    helps = [f"{name(problem.called)} holds {and_list(tuple(value))}"] if few else []
    if most == 1 and isinstance(problem.path[-1], int):
        helps.append("begin an item of its own, with `-`, for each of them")
    return found_at(
        codes.WRONG_COUNT, problem, f"{name(problem.called)} has {len(value)} {of}, at most {most} can stand",
        this_is(value), *helps,
    )
