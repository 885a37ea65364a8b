"""Who wrote a value: answered on demand from the files in their order, so that nothing is recorded while merging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.compiler.load import interpolate
from llmops.compiler.load.parse import Spot
from llmops.compiler.load.places import Places
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sources import FromFile, FromOverride, SourceFile, Span, Write

_NOTHING = object()
_MAX_HOPS = 64


@dataclass(frozen=True, slots=True)
class Layer:
    """A file's part in a composition: `body` lands at `at`."""

    path: str
    at: KeyPath
    body: Mapping[str, Any]
    layer: str


@dataclass(frozen=True, slots=True)
class Override:
    """An override's part: `op` is one of `=`, `+`, `++` and `~`."""

    op: str
    at: KeyPath
    body: Any
    text: str
    span: Span
    has_value: bool = True


Step = Layer | Override


class Trace:
    """The history of one environment."""

    def __init__(self, steps: Sequence[Step], sources: Mapping[str, SourceFile], places: Places) -> None:
        self._steps = tuple(steps)
        self._sources = sources
        self._places = places
        self._index: dict[tuple[Any, Any], list[int]] | None = None

    # --- what the other passes ask --------------------------------------------------------------------------------

    def writes(self, path: KeyPath) -> tuple[Write, ...]:
        return tuple(Write(self._origin(step, at), value) for step, value, at in self._written(path, 0))

    def key(self, path: KeyPath) -> Span | None:
        found = self._written(path, 0)
        if not found:
            return None
        step, _, path = found[-1]
        if isinstance(step, Override):
            return step.span
        spot = self._spot(step, path)
        if spot is None:
            return None
        if path == step.at:
            # the file as a whole: its first line is enough to show it
            return Span(step.path, spot.value.line, spot.value.column, spot.value.line, spot.value.column)
        return spot.key or spot.value

    def through(self, path: KeyPath) -> tuple[KeyPath, ...]:
        found = self._written(path, 0)
        value = found[-1][1] if found else None
        if type(value) is not str or "${" not in value:
            return ()
        out = []
        for ref in interpolate.references(value):
            if not ref.up:
                out.append(self._typed(ref.keys))
        return tuple(dict.fromkeys(out))

    # --- inside ---------------------------------------------------------------------------------------------------

    def _written(self, path: KeyPath, hops: int) -> list[tuple[Step, Any, KeyPath]]:
        """The steps that wrote at a path, with what they wrote and where (elsewhere, if an interpolation led there);
        only those since the place was last taken away."""
        found: list[tuple[Step, Any, KeyPath]] = []
        follow: KeyPath | None = None
        for step in self._touching(path):
            if isinstance(step, Override) and step.op == "~":
                if path[: len(step.at)] == step.at:
                    found, follow = [], None
                continue
            value, depth = _down(step, path)
            if value is _NOTHING:
                continue
            if depth < len(path):
                # something else stands where the way to the place was
                found, follow = [], None
                if type(value) is str and "${" in value and hops < _MAX_HOPS:
                    refs = interpolate.references(value)
                    if len(refs) == 1 and refs[0].text == value and not refs[0].up:
                        follow = (*self._typed(refs[0].keys), *path[depth:])
                continue
            if value == "???" and found:
                continue
            found.append((step, value, path))
        if not found and follow is not None:
            return self._written(follow, hops + 1)
        return found

    def _touching(self, path: KeyPath) -> Sequence[Step]:
        if len(path) < 2:
            return self._steps
        if self._index is None:
            self._index = {}
            for number, step in enumerate(self._steps):
                for pair in _pairs(step):
                    self._index.setdefault(pair, []).append(number)
        kind, name = path[0], path[1]
        numbers = {
            *self._index.get((kind, name), ()),
            *self._index.get((kind, None), ()),
            *self._index.get((None, None), ()),
        }
        return [self._steps[n] for n in sorted(numbers)]

    def _typed(self, keys: tuple[str, ...]) -> KeyPath:
        """Keys of an interpolation as a path: numbers are indexes where a list stands."""
        path: KeyPath = ()
        for key in keys:
            path = (*path, key)
            if key.isdigit() and not self._written(path, _MAX_HOPS):
                path = (*path[:-1], int(key))
        return path

    def _origin(self, step: Step, path: KeyPath) -> FromFile | FromOverride:
        if isinstance(step, Override):
            return FromOverride(step.text, step.span)
        spot = self._spot(step, path)
        if spot is None:
            return FromFile(Span(step.path, 1, 1, 1, 1), None, step.layer)
        return FromFile(spot.value, spot.key, step.layer)

    def _spot(self, step: Layer, path: KeyPath) -> Spot | None:
        return self._places.of(step.path, self._sources[step.path].data).get(path[len(step.at) :])


def _pairs(step: Step) -> list[tuple[Any, Any]]:
    """The first two keys of all that a step writes; None stands for any."""
    if len(step.at) >= 2:
        return [(step.at[0], step.at[1])]
    if len(step.at) == 1:
        return [(step.at[0], name) for name in step.body] if isinstance(step.body, Mapping) else [(step.at[0], None)]
    return [
        (kind, name) for kind, below in step.body.items() for name in (below if isinstance(below, Mapping) else (None,))
    ]


def _down(step: Step, path: KeyPath) -> tuple[Any, int]:
    """What a step writes at a path, or `_NOTHING`; with less than the path's depth, what it put on the way there."""
    if len(path) < len(step.at):
        return _NOTHING, 0
    if path[: len(step.at)] != step.at:
        return _NOTHING, 0
    value: Any = step.body
    for depth, key in enumerate(path[len(step.at) :], len(step.at)):
        if isinstance(value, Mapping):
            if key not in value:
                return _NOTHING, 0
            value = value[key]
        elif isinstance(value, list):
            if not isinstance(key, int) or not 0 <= key < len(value):
                return value, depth
            value = value[key]
        elif value == "???":
            return _NOTHING, 0
        else:
            return value, depth
    return value, len(path)
