"""The escape hatch: a JSON merge patch (RFC 7386) over what a target made, before it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, plain
from llmops.compiler.model.sources import Source

_ABSENT = object()


def apply(tree: Any, patch: Any) -> tuple[Any, bool, tuple[KeyPath, ...]]:
    """The patched tree, whether it differs, and the places of the patch that changed nothing.

    Null removes a key, a map is merged, anything else takes the place of what stands there. The given tree is left as
    it is. What the patch leaves alone keeps its origins, also where they stand around a map that it reaches into; what
    it brings has the patch's own. A key that the patch adds is not escaped later: keys are the target's language.
    """
    unused: list[KeyPath] = []
    changed, made = _merge(tree, patch, (), unused)
    return made, changed, tuple(unused)


def _merge(tree: Any, patch: Any, path: KeyPath, unused: list[KeyPath]) -> tuple[bool, Any]:
    given = _open(patch)
    if not isinstance(given, Mapping):
        if tree is not _ABSENT and _same(tree, patch):
            unused.append(path)
            return False, tree
        return True, patch
    below = _open(tree)
    if not isinstance(below, Mapping):
        # The patch brings a map; its nulls have nothing to remove.
        return True, _outside(patch, _merge({}, given, path, unused)[1] if given else {})
    if not given:
        unused.append(path)
        return False, tree
    merged, changed = dict(below), False
    for key, part in given.items():
        place = (*path, key)
        if plain(part) is None:
            if merged.pop(key, _ABSENT) is _ABSENT:
                unused.append(place)
            else:
                changed = True
            continue
        differs, made = _merge(merged.get(key, _ABSENT), part, place, unused)
        if differs:
            merged[key] = made
            changed = True
    return (True, _outside(tree, merged)) if changed else (False, tree)


def _open(tree: Any) -> Any:
    """A value whose outer `Sourced` have moved onto the parts of the map in it."""
    if not isinstance(tree, Sourced):
        return tree
    inner = _open(tree.value)
    if isinstance(inner, Mapping):
        return {key: _around(item, tree.sources, tree.raw) for key, item in inner.items()}
    return inner


def _around(item: Any, sources: tuple[Source, ...], raw: bool) -> Any:
    return Sourced(item, sources, raw)


def _outside(tree: Any, merged: dict[str, Any]) -> Any:
    """A merged map under the same rule of escape as before; the origins stand inside now."""
    trust = None
    while isinstance(tree, Sourced):
        trust, tree = tree.raw, tree.value
    return merged if trust is None else Sourced(merged, (), trust)


def _same(left: Any, right: Any) -> bool:
    """Equal to the type: 1, 1.0 and True are three values."""
    return json.dumps(plain(left), default=_other) == json.dumps(plain(right), default=_other)


def _other(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else repr(value)
