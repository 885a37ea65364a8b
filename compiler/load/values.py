"""The last step of a composition: interpolations, `null` and `???`, as the schema and the language read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmops.compiler.load import codes, interpolate
from llmops.compiler.load.gate import cut
from llmops.compiler.load.merge import MISSING
from llmops.compiler.load.trace import Trace
from llmops.compiler.model.finding import Code
from llmops.compiler.model.keys import Address, KeyPath, dotted
from llmops.compiler.model.kinds import Kind, Shape

Report = Callable[[Code, KeyPath, str, str], None]
"""Takes a code, a place in the composed config, a message and a cure."""


class Finish:
    """Makes the values of one environment final. Only resources that hold something special are walked."""

    def __init__(
        self,
        root: dict[str, Any],
        kinds: Mapping[str, Kind[Any]],
        trace: Trace,
        broken: set[Address],
        report: Report,
    ) -> None:
        self.root = root
        self._broken = broken
        self._at: Address | None = None
        self._kinds = kinds
        self._trace = trace
        self._tell = report
        self._resolver = interpolate.Resolver(root, strict=True, literal=self._literal)
        self._exhausted = False

    def resource(self, kind: str, name: str) -> Any:
        """The final value of a resource; one with a mistake in its values becomes broken, and the value is left out."""
        self._at = Address(kind, name)
        value = self.root[kind][name]
        shape = self._kinds[kind].shape if kind in self._kinds else None
        done = self._walk(value, (kind, name), shape.of(value) if shape else None)
        return {} if done is MISSING else done

    def environment(self) -> Any:
        """The final value of the root key `env`."""
        self._at = None
        value = self.root["env"]
        shape = self._kinds["env"].shape if "env" in self._kinds else None
        done = self._walk(value, ("env",), shape.of(value) if shape else None)
        return {} if done is MISSING else done

    def _report(self, code: Code, path: KeyPath, message: str, cure: str) -> None:
        if self._at is not None:
            self._broken.add(self._at)
        self._tell(code, path, message, cure)

    def _walk(self, value: Any, path: KeyPath, shape: Shape | None) -> Any:
        if shape is not None and shape.flag("x-text"):
            return value
        if value is None:
            return self._null(path, shape)
        if type(value) is str:
            if value == "???":
                self._report(codes.MISSING, path, f"`{dotted(path)}` is still missing: `???`", "give it a value")
                return MISSING
            return self._text(value, path, shape) if "${" in value else value
        if isinstance(value, dict):
            out = {}
            for key, item in value.items():
                here = (*path, key)
                done = self._walk(item, here, _below(shape, key, item)) if type(item) in _DEEP else item
                if done is not MISSING:
                    out[key] = done
            return out
        if isinstance(value, list):
            items = [self._walk(item, (*path, i), _below(shape, i, item)) for i, item in enumerate(value)]
            return [item for item in items if item is not MISSING]
        return value

    def _null(self, path: KeyPath, shape: Shape | None) -> Any:
        writes = self._trace.writes(path)
        if any(write.value is not None for write in writes[:-1]):
            return MISSING
        if shape is not None and ("null" in shape.types or not shape.types):
            return None
        self._report(
            codes.NULL,
            path,
            f"`{dotted(path)}` has no value, and there is none to take away",
            "write a value, `{}` for an empty entry, or delete the line",
        )
        return MISSING

    def _text(self, text: str, path: KeyPath, shape: Shape | None) -> Any:
        if self._exhausted or shape is None or _is_text(shape):
            return text
        if shape.ref is not None or (shape.has_references and not shape.flag("x-open")):
            self._report(
                codes.NOT_HERE,
                path,
                f"`{dotted(path)}` holds references, and those are never interpolated",
                "write the name itself; let a profile or a choice change it",
            )
            return MISSING
        try:
            value = self._resolver.value(text, path)
        except interpolate.InterpolationError as problem:
            self._exhausted = problem.code is codes.EXPANDS
            if problem.code is codes.NO_VALUE and self._at is not None and self._reads_broken(problem.at or path):
                self._broken.add(self._at)
                return MISSING
            self._report(problem.code, problem.at or path, problem.message, problem.cure)
            return MISSING
        if value is None:
            self._report(codes.NO_VALUE, path, f"`{cut(text)}` reads a value that is null", "give it a value")
            return MISSING
        return self._tidy(value, self._resolver.source(text, path)) if isinstance(value, (dict, list)) else value

    def _reads_broken(self, path: KeyPath) -> bool:
        """Whether the text at a path reads a resource that is broken: that was told already."""
        return any(len(at) > 1 and Address(str(at[0]), str(at[1])) in self._broken for at in self._trace.through(path))

    def _tidy(self, value: Any, at: KeyPath) -> Any:
        """A copied map without the entries that were taken away where it stands."""
        if isinstance(value, dict):
            out = {}
            for key, item in value.items():
                here = (*at, key)
                if item is None and any(write.value is not None for write in self._trace.writes(here)[:-1]):
                    continue
                out[key] = self._tidy(item, here)
            return out
        if isinstance(value, list):
            return [self._tidy(item, (*at, i)) for i, item in enumerate(value)]
        return value

    def _literal(self, path: KeyPath) -> bool:
        """Whether the text at a path is never interpolated, wherever it is read from."""
        kind = self._kinds.get(str(path[0]))
        if kind is None:
            return True
        skip = 1 if path[0] == "env" else 2
        value: Any = self.root
        for key in path[:skip]:
            value = value[key]
        shape: Shape | None = kind.shape.of(value)
        for key in path[skip:]:
            if shape is None or _is_text(shape):
                return True
            value = value[key]
            shape = _below(shape, key, value)
        return shape is None or _is_text(shape) or shape.ref is not None


_DEEP = (str, dict, list, type(None))


def _below(shape: Shape | None, key: str | int, value: Any) -> Shape | None:
    if shape is None:
        return None
    below = shape.child(key)
    if below is None and isinstance(key, int) and not shape.types:
        below = shape  # an open value: its items are as open
    return below.of(value) if below is not None and value is not None else below


def _is_text(shape: Shape) -> bool:
    return bool(shape.flag("x-text") or shape.flag("x-file"))
