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
from llmops.compiler.validate.words import either, hint, instead, name, plain


def unknown(problem: Problem, whole: Whole) -> Found:
    key = str(problem.path[-1])
    near: tuple[str, ...]
    near, home = problem.about
    shape = problem.shape
    here = _generic(problem, whole)
    elsewhere = [place for place in _places(whole.shape).get(key, ()) if place != here]
    label = "no such field"
    fixes: tuple[Fix, ...] = ()
    cures: list[str | None]
    if problem.path == (*whole.path, key) and key == whole.path[0] and isinstance(problem.value, Mapping):
        cures = [f"a file of conf/{key}/ is the {key} itself: write its fields without `{key}:` above them"]
    elif key in shape.schema.get("x-instead", {}):
        cures = [instead(shape.schema["x-instead"][key])]
    elif home is not None:
        cures = [f"write it below `{home}`: `{home}: {{{key}: …}}`"]
    elif elsewhere and not (near and near[0] == key):
        owners = (f"`{place}`" if place else name(whole.path) for place in elsewhere[:2])
        cures = [f"`{key}` is a field of {either(owners)}"]
    elif key.replace("-", "_") in _flags(whole.shape):
        cures = [_flags(whole.shape)[key.replace("-", "_")]]
    elif near:
        label = did_you_mean(key, near) or label
        cures = [_fields(shape) if len(shape.properties) <= FEW else None]
        if len(near) == 1:
            fixes = (Fix(f"write `{near[0]}`", (Edit(problem.path, near[0], key_only=True),)),)
    else:
        cures = [_fields(shape)]
    return found_at(
        codes.UNKNOWN_FIELD, problem, f"{name(problem.called)} has no field `{key}`", label, *cures, key_only=True,
        fixes=fixes,
    )


_EVERYWHERE = ("description", "owner", "labels", "overrides")


def _fields(shape: Shape) -> str:
    """The fields as the schema has them: the most important ones stand first there."""
    fields = list(shape.properties)
    if len(fields) > FEW:
        fields = [key for key in fields if key not in _EVERYWHERE]
    if not fields:
        return "it has no fields of its own: write `{}`"
    more = f" and {len(fields) - MOST_FIELDS} more" if len(fields) > MOST_FIELDS else ""
    return f"its fields: {', '.join(f'`{key}`' for key in fields[:MOST_FIELDS])}{more}"


@cache
def _flags(shape: Shape) -> Mapping[str, str]:
    """Where a name of one of the resource's open maps belongs, by that name: below the map, or in a field."""
    found: dict[str, str] = {}
    for key, below in shape.properties.items():
        if not below.flag("x-open"):
            continue
        for word in below.schema.get("x-known", ()):
            found.setdefault(word, f"write it below `{key}`: `{key}: {{{word}: …}}`")
        for word, words in below.schema.get("x-typed", {}).items():
            found[word] = instead(words)
    return found


DEPTH = 4
MOST_FIELDS = 14


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


def bad_name(key: str, path: KeyPath, shape: Shape, resource: bool = False) -> Found:
    """A key that is no name: of an entry, or of a resource, which is called as its file is."""
    short, more = hint(shape)
    long = shape.schema.get("maxLength")
    if long is not None and len(key) > long:
        message, label = f"`{key[:20]}…` is too long for a name", f"{len(key)} characters, at most {long}"
    else:
        message, label = f"`{key}` cannot be a name here", f"not {short}"
    better = as_name(key, shape)
    cure = f"write `{better}`" if better else None
    if resource:
        cure = f"rename its file: conf/{path[0]}/{better or 'NAME'}.yaml"
    return codes.BAD_NAME, Finding(
        message, (Label(path, label, primary=True, key_only=True),),
        help=tuple(line for line in (cure, more) if line), expected=short, found=key,
    )


def as_name(key: str, shape: Shape) -> str | None:
    """The nearest spelling of a text that is a name."""
    plain_key = re.sub(r"[^a-z0-9_]+", "_", key.lower()).strip("_")
    pattern = shape.schema.get("pattern")
    fits = pattern is not None and regex(pattern).search(plain_key) is not None
    return plain_key if fits and plain_key != key and len(plain_key) <= shape.schema.get("maxLength", 40) else None
