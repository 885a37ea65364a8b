"""What is wrong with the keys of a map: unknown, missing, too many of a choice, no names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from llmops.compiler.diagnostics.suggest import did_you_mean, listed
from llmops.compiler.model.finding import Edit, Finding, Fix, Label
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.kinds import Shape
from llmops.compiler.validate import codes
from llmops.compiler.validate.explain import Problem, regex
from llmops.compiler.validate.found import FEW, Found, Whole, found_at
from llmops.compiler.validate.words import either, hint, name, plain


def unknown(problem: Problem, whole: Whole) -> Found:
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
    return found_at(
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


def required(problem: Problem, whole: Whole) -> Found:
    key = problem.about[0]
    return found_at(
        codes.MISSING_FIELD, problem, f"{name(problem.called)} has no `{key}`", f"`{key}` is missing",
        *_write(problem.shape.properties.get(key), key), key_only=True, expected=key,
    )


def dependent(problem: Problem, whole: Whole) -> Found:
    holder, key = problem.about
    return found_at(
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


def choose(problem: Problem, whole: Whole) -> Found:
    choice, present = problem.about
    shapes = problem.shape.properties
    meanings = [
        f"`{key}`: {shapes[key].schema.get('description', '')}" for key in (present or choice) if key in shapes
    ]
    if present:
        return codes.CHOOSE_ONE, Finding(
            f"{name(problem.called)} has {'both ' if len(present) == 2 else ''}{and_list(present)}",
            (
                Label((*problem.path, present[1]), "only one of them can stand", primary=True, key_only=True),
                *(Label((*problem.path, key), "", key_only=True) for key in (present[0], *present[2:])),
            ),
            help=tuple(meanings), expected=f"one of {', '.join(choice)}", found=", ".join(present),
        )
    return found_at(
        codes.CHOOSE_ONE, problem, f"{name(problem.called)} has none of {listed(choice)}", "one of them is needed",
        *meanings, key_only=True, expected=f"one of {', '.join(choice)}",
    )


def and_list(keys: tuple[str, ...]) -> str:
    *most, last = (f"`{key}`" for key in keys)
    return f"{', '.join(most)} and {last}"


def bad_entry_name(problem: Problem, whole: Whole) -> Found:
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
    better = as_name(key, shape)
    return codes.BAD_NAME, Finding(
        message, (Label(path, label, primary=True, key_only=True),),
        help=tuple(line for line in (f"write `{better}`" if better else None, more) if line), expected=short, found=key,
    )


def as_name(key: str, shape: Shape) -> str | None:
    """The nearest spelling of a text that is a name."""
    plain_key = re.sub(r"[^a-z0-9_]+", "_", key.lower()).strip("_")
    pattern = shape.schema.get("pattern")
    fits = pattern is not None and regex(pattern).search(plain_key) is not None
    return plain_key if fits and plain_key != key and len(plain_key) <= shape.schema.get("maxLength", 40) else None
