"""Hydra's merge, replayed on plain data in linear time.

Parsed files are shared by all environments: a map of theirs is copied before the first change to it, and only then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmops.compiler.load import codes
from llmops.compiler.model.finding import Code
from llmops.compiler.model.keys import Key, KeyPath, dotted

Report = Callable[[Code, KeyPath, str], None]
"""Takes a problem and the place in the composed config where it arose; merging goes on, the older value stays."""

MISSING = object()


class Composition:
    """The composed config as it grows."""

    def __init__(self, report: Report) -> None:
        self.root: dict[str, Any] = {}
        self._report = report
        self._own: set[int] = {id(self.root)}

    # --- files ----------------------------------------------------------------------------------------------------

    def add(self, body: Mapping[str, Any], package: KeyPath) -> None:
        """Merge a file's body at its package."""
        value: Any = body
        for key in reversed(package):
            value = {key: value}
            self._own.add(id(value))
        self._merge(self.root, value, (), struct=False)

    def _merge(self, into: dict[str, Any], new: Mapping[str, Any], path: KeyPath, struct: bool) -> None:
        for key, value in new.items():
            if key not in into:
                if struct:
                    self._report(codes.OVERRIDE_UNUSED, (*path, key), f"`{dotted((*path, key))}` does not exist")
                else:
                    into[key] = value
                continue
            old = into[key]
            if type(value) is str:
                if value == "???":
                    if is_interpolation(old):
                        self._onto(path, key)
                    continue
            elif isinstance(value, dict):
                if isinstance(old, dict):
                    self._merge(self._owned(into, key), value, (*path, key), struct)
                    continue
                if isinstance(old, list):
                    self._report(codes.CLASH, (*path, key), f"`{dotted((*path, key))}` is a list, and here a map")
                    continue
                if is_interpolation(old):
                    self._onto(path, key)
                    continue
            elif isinstance(value, list):
                if isinstance(old, dict):
                    self._report(codes.CLASH, (*path, key), f"`{dotted((*path, key))}` is a map, and here a list")
                    continue
                if is_interpolation(old):
                    self._onto(path, key)
                    continue
            into[key] = value

    def _onto(self, path: KeyPath, key: str) -> None:
        where = (*path, key)
        self._report(
            codes.ONTO_INTERPOLATION, where, f"`{dotted(where)}` is an interpolation, and here more is merged onto it"
        )

    def _owned(self, into: Any, key: Key) -> Any:
        """The map or list below, copied first if it belongs to a file."""
        value = into[key]
        if id(value) not in self._own:
            value = into[key] = value.copy()
            self._own.add(id(value))
        return value

    # --- overrides ------------------------------------------------------------------------------------------------

    def change(self, op: str, path: tuple[str, ...], value: Any, has_value: bool = True) -> KeyPath | None:
        """Apply an override to one value: `=`, `+`, `++` or `~`. The path with indexes as numbers; None if refused."""
        old = self._find(path)
        if old is _BLOCKED:
            return None
        if op == "~":
            return self._delete(path, old, value, has_value)
        if op == "+" and not (old is MISSING or old is None or old == "???" or isinstance(value, (dict, list))):
            self._report(codes.OVERRIDE_TAKEN, path, f"`{dotted(path)}` has a value already")
            return None
        if is_interpolation(old) and (op == "+" or isinstance(value, (dict, list))):
            self._onto(path[:-1], path[-1])
            return None
        return self._update(path, old, value, force=op != "=")

    def _find(self, path: tuple[str, ...]) -> Any:
        """What stands at a path; `_BLOCKED` where the way leads through an interpolation (and it was reported)."""
        at: Any = self.root
        for depth, key in enumerate(path):
            if depth and is_interpolation(at):
                self._report(codes.OVERRIDE_WAY, path, f"`{dotted(path[:depth])}` is an interpolation")
                return _BLOCKED
            if isinstance(at, dict):
                if key not in at:
                    return MISSING
                at = at[key]
            elif isinstance(at, list):
                if not _is_index(key) or int(key) >= len(at):
                    self._report(codes.OVERRIDE_UNUSED, path, f"`{dotted(path[:depth])}` has no item `{key}`")
                    return _BLOCKED
                at = at[int(key)]
            else:
                return MISSING
        return at

    def _update(self, path: tuple[str, ...], old: Any, value: Any, force: bool) -> KeyPath | None:
        at: Any = self.root
        typed: list[Key] = []
        for depth, key in enumerate(path[:-1], 1):
            step: Key = int(key) if isinstance(at, list) else key
            below = at[int(key)] if isinstance(at, list) else at.get(key, MISSING)
            if not isinstance(below, (dict, list)):
                if isinstance(at, list):
                    self._report(codes.OVERRIDE_WAY, path, f"`{dotted(path[:depth])}` is a single value")
                    return None
                if not force:
                    if below is MISSING:
                        self._report(codes.OVERRIDE_UNUSED, path, f"`{dotted(path[:depth])}` does not exist")
                    else:
                        self._report(codes.OVERRIDE_WAY, path, f"`{dotted(path[:depth])}` is a single value")
                    return None
                made: dict[str, Any] = {}
                at[step] = made
                self._own.add(id(made))
            at = self._owned(at, step)
            typed.append(step)
        last: Key = path[-1]
        if isinstance(at, list):
            last = int(path[-1])
        if isinstance(old, dict) and isinstance(value, dict):
            self._merge(self._owned(at, last), value, path, struct=not force)
            return (*typed, last)
        if isinstance(old, (dict, list)) and isinstance(value, (dict, list)) and type(old) is not type(value):
            words = ("a map", "a list") if isinstance(old, dict) else ("a list", "a map")
            self._report(codes.CLASH, path, f"`{dotted(path)}` is {words[0]}, and here {words[1]}")
            return None
        if old is MISSING and not force:
            self._report(codes.OVERRIDE_UNUSED, path, f"`{dotted(path)}` does not exist")
            return None
        at[last] = value
        return (*typed, last)

    def _delete(self, path: tuple[str, ...], old: Any, value: Any, has_value: bool) -> KeyPath | None:
        name = dotted(path)
        if old is MISSING or old is None or old == "???":
            self._report(codes.OVERRIDE_UNUSED, path, f"`{name}` does not exist, so it cannot be taken away")
            return None
        if has_value and value is not None and (holds_interpolation(old) or old != value):
            self._report(codes.OVERRIDE_UNUSED, path, f"`{name}` has another value, so it is not taken away")
            return None
        if is_interpolation(old):
            self._report(codes.OVERRIDE_WAY, path, f"`{name}` is an interpolation")
            return None
        at: Any = self.root
        typed: list[Key] = []
        for key in path[:-1]:
            typed.append(int(key) if isinstance(at, list) else key)
            at = self._owned(at, typed[-1])
        if isinstance(at, list):
            self._report(codes.OVERRIDE_WAY, path, f"`{dotted(path[:-1])}` is a list, and items cannot be taken away")
            return None
        del at[path[-1]]
        return (*typed, path[-1])


_BLOCKED = object()


def is_interpolation(value: Any) -> bool:
    return type(value) is str and "${" in value


def holds_interpolation(value: Any) -> bool:
    """Whether an interpolation stands anywhere in a value."""
    if isinstance(value, dict):
        return any(map(holds_interpolation, value.values()))
    if isinstance(value, list):
        return any(map(holds_interpolation, value))
    return is_interpolation(value)


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit()
