"""What an accepted resource still wants: the schema's defaults, whole numbers as such, and a look at its open maps.

All three are one walk, which only enters places below which the schema has something for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from llmops.compiler.diagnostics.suggest import distance
from llmops.compiler.model.finding import Edit, Finding, Fix, Label
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.kinds import Shape
from llmops.compiler.validate import codes
from llmops.compiler.validate.found import Found
from llmops.compiler.validate.words import credential, instead, plain

MOST_NAMES = 200
"""Of one open map, so many names are compared with the known ones: a hostile map must not take minutes."""


@dataclass(slots=True)
class Filled:
    """What the walk gathered. `defaults` are paths below the resource, with the place of each default in its schema."""

    defaults: dict[KeyPath, str] = field(default_factory=dict)
    findings: list[Found] = field(default_factory=list)
    whole: bool = True
    """Whether the value is all that was written: what is wrong has been taken out of a broken resource."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to do at a place, and below which keys there is more."""

    defaults: tuple[tuple[str, Any, str], ...]
    below: Mapping[str, Shape]
    rest: Shape | None
    items: Shape | None
    whole_number: bool
    known: frozenset[str] | None
    typed: Mapping[str, str]
    shares: bool | str | None
    some: tuple[str, ...]


def fill(shape: Shape, value: Any, base: KeyPath, path: KeyPath, out: Filled) -> Any:
    """The value with its defaults; the same object where nothing was to be filled in."""
    shape = shape.of(value)
    plan = _plan(shape)
    if plan is None:
        return value
    if isinstance(value, Mapping):
        if plan.known is not None:
            out.findings.extend(_open_map(plan, value, (*base, *path)))
        if plan.some and out.whole and not any(key in value for key in plan.some):
            out.findings.append(_none(shape, plan.some, (*base, *path)))
        if plan.shares:
            out.findings.extend(_shares(plan.shares, value, (*base, *path)))
        made: dict[str, Any] | None = None
        for key, item in value.items():
            below = plan.below.get(key, plan.rest)
            if below is not None:
                new = fill(below, item, base, (*path, key), out)
                if new is not item:
                    made = dict(value) if made is None else made
                    made[key] = new
        for key, default, pointer in plan.defaults:
            if key not in value:
                made = dict(value) if made is None else made
                made[key] = default
                out.defaults[(*path, key)] = pointer
        return value if made is None else made
    if isinstance(value, (list, tuple)):
        if plan.items is None:
            return value
        new_items = [fill(plan.items, item, base, (*path, i), out) for i, item in enumerate(value)]
        return new_items if any(a is not b for a, b in zip(new_items, value, strict=True)) else value
    if isinstance(value, str):
        if plan.known is not None:
            out.findings.extend(_word(shape, plan, value, (*base, *path)))
        return value
    return int(value) if plan.whole_number and isinstance(value, float) else value


@cache
def _plan(shape: Shape) -> _Plan | None:
    """None where there is nothing to do at or below a place."""
    schema = shape.schema
    below = {key: s for key, s in shape.properties.items() if _matters(s)}
    rest = shape.additional if isinstance(schema.get("additionalProperties"), Mapping) else None
    known = None
    if "x-known" in schema or "x-typed" in schema:
        known = frozenset((*shape.properties, *schema.get("x-known", ())))
    plan = _Plan(
        defaults=tuple(
            (key, s.schema["default"], f"{shape.pointer}/properties/{key}/default")
            for key, s in shape.properties.items() if "default" in s.schema
        ),
        below=below,
        rest=rest if rest is not None and _matters(rest) else None,
        items=shape.items if shape.items is not None and _matters(shape.items) else None,
        whole_number="integer" in shape.types and "number" not in shape.types,
        known=known,
        typed=schema.get("x-typed", {}),
        shares=schema.get("x-shares"),
        some=tuple(schema.get("x-some", ())),
    )
    own = plan.defaults or plan.whole_number or known is not None or plan.shares or plan.some
    idle = not (own or below or plan.rest or plan.items)
    return None if idle else plan


@cache
def _matters(shape: Shape) -> bool:
    """Whether the walk has anything to do at or below a shape. Schemas of ours do not recurse."""
    if shape.branches:
        return any(_matters(branch) for branch in shape.branches)
    return _plan(shape) is not None


def _open_map(plan: _Plan, value: Mapping[str, Any], path: KeyPath) -> Iterator[Found]:
    assert plan.known is not None
    looked_at = 0
    for key, item in value.items():
        hidden = isinstance(item, str) and credential(item)
        flag = key.lstrip("-").replace("-", "_")
        if flag in plan.typed:
            yield codes.TYPED_IN_OPEN_MAP, Finding(
                f"`{path[-1]}` holds `{key}`, for which there is a field",
                (Label((*path, key), "no check reads it here", primary=True, key_only=not hidden),),
                help=(instead(plan.typed[flag]),), secret=hidden,
            )
        elif flag not in plan.known and looked_at < MOST_NAMES:
            looked_at += 1
            near = _very_near(flag, plan.known)
            if near is None:
                continue
            yield codes.NEAR_MISS, Finding(
                f"`{path[-1]}` holds `{key}`, which is nearly `{near}`",
                (Label((*path, key), f"did you mean `{near}`?", primary=True, key_only=not hidden),),
                fixes=(Fix(f"write `{near}`", (Edit((*path, key), near, key_only=True),)),),
                expected=near, found=key, secret=hidden,
            )


def _none(shape: Shape, some: tuple[str, ...], path: KeyPath) -> Found:
    example = next(iter(shape.schema.get("examples", ())), None)
    return codes.MISSING_FIELD, Finding(
        f"`{path[-1]}` has no `{some[0]}`",
        (Label(path, f"`{some[0]}` is missing", primary=True, key_only=True),),
        help=(f"for example `{plain(example)}`",) if example else (), expected=some[0],
    )


def _shares(field_: bool | str, value: Mapping[str, Any], path: KeyPath) -> Iterator[Found]:
    """Shares of one whole: what is more than all of it was a slip."""
    parts: dict[KeyPath, Any] = {}
    for key, item in value.items():
        at, share = ((*path, key), item) if field_ is True else ((*path, key, field_), item.get(field_))
        if isinstance(share, (int, float)) and not isinstance(share, bool):
            parts[at] = share
    total = math.fsum(parts.values())
    if total > 1 + 1e-9:
        *others, last = parts
        yield codes.OUT_OF_RANGE, Finding(
            f"`{path[-1]}` gives away {total:g} of 1",
            (Label(last, "more than is left", primary=True), *(Label(at, plain(parts[at])) for at in others)),
            help=("make the shares at most 1 together",), expected="at most 1", found=f"{total:g}",
        )


def _word(shape: Shape, plan: _Plan, value: str, path: KeyPath) -> Iterator[Found]:
    assert plan.known is not None
    prefix = shape.flag("x-prefix") or ""
    rest = value.removeprefix(prefix)
    if rest not in plan.known and (near := _very_near(rest, plan.known)):
        wanted = near if rest == value else prefix + near
        yield codes.NEAR_MISS, Finding(
            f"`{path[-1]}` is `{value}`, which is nearly `{wanted}`",
            (Label(path, f"did you mean `{wanted}`?", primary=True),),
            fixes=(Fix(f"write `{wanted}`", (Edit(path, wanted),)),), expected=wanted, found=value,
        )


def _very_near(word: str, known: frozenset[str]) -> str | None:
    """A known name that `word` is a slip of: any name may be meant, so only what is nearly certain counts."""
    limit = 0 if len(word) < 6 else 1 if len(word) < 10 else 2
    if not limit:
        return None
    scored = [(distance(word, name, limit), name) for name in sorted(known)]
    return min(((edits, name) for edits, name in scored if edits <= limit), default=(0, None))[1]
