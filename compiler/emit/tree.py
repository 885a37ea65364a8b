"""A body made ready for writing: checked plain values, each with its origins.

Serialisers walk nodes and never see a `Sourced`, an escape or a limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from llmops.compiler.emit.codes import MISREAD, TOO_LARGE, UNSAFE_TEXT, UNWRITABLE_VALUE
from llmops.compiler.emit.sourcemap import Origins, starts_a_file_text, together
from llmops.compiler.model.finding import Code
from llmops.compiler.model.keys import KeyPath, dotted
from llmops.compiler.model.sourced import Joined, Remark, Sourced
from llmops.compiler.model.sources import At
from llmops.compiler.model.target import Refusal

Node = tuple[Any, Origins, bool | tuple[Origins, ...]]
"""Value, origins, and whether the value is a text whose lines are the lines of a file, from its `Content` on; or, of a
text that was joined from lines, the origins of each.

The value of a map's node is `dict[str, Node]`, of a list's `list[Node]`, else a scalar, or a `Remarked` one. A plain
tuple: a thousand artifacts have some fifty thousand of them.
"""

MAX_DEPTH = 100
MAX_VALUES = 1_000_000
MAX_BYTES = 16 * 1024 * 1024
MAX_KEY = 1000
"""YAML readers take a key only within 1024 characters, as it is written; with all escapes it has no more than these."""

_surrogate = re.compile("[\ud800-\udfff]").search
_SMALLEST, _BIGGEST = -(2**63), 2**64 - 1


@dataclass(frozen=True, slots=True)
class Remarked:
    """A scalar and the comment behind it: YAML writes both, other formats never see one."""

    value: Any
    comment: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an artifact was not made.

    `where` is the place in the artifact, `sources` are the origins of what stands there, innermost last: the last of
    them that is an `At` says where in the config to point (`place`). A problem of a target's own text has none.
    """

    code: Code
    message: str
    sources: Origins = ()
    where: KeyPath = ()
    help: tuple[str, ...] = ()

    @property
    def place(self) -> At | None:
        return next((s for s in reversed(self.sources) if isinstance(s, At)), None)


class Unwritable(Exception):
    """Stops the making of one artifact."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Tree:
    """Takes a body apart. Problems of single values are collected, so that one run shows them all."""

    __slots__ = ("_comments", "_escape", "_path", "_size", "_target", "_values", "problems")

    def __init__(self, escape: Callable[[str], str], target: str, comments: bool = False) -> None:
        """`comments` says whether the format has them: else the remarks of the body are passed over."""
        self.problems: list[Problem] = []
        self._comments = comments
        self._escape = escape
        self._target = target
        self._path: list[str | int] = []
        self._values = 0
        self._size = 0

    def node(self, value: Any, origins: Origins = (), trusted: bool = True) -> Node:
        """The node of a value. Raises Unwritable where going on makes no sense (a limit, a mistake of a target)."""
        own: Origins = ()
        while isinstance(value, Sourced):
            own = value.sources
            origins = together(origins, own) if origins or len(own) > 1 else own
            trusted = value.raw
            value = value.value
        kind = type(value)
        if kind is str:
            text = self._text(value, origins, trusted)
            return text, origins, bool(own) and "\n" in text and starts_a_file_text(own)
        self._values += 1
        if self._values > MAX_VALUES:
            raise self._stop(TOO_LARGE, f"this file would hold more than {MAX_VALUES:,} values", origins)
        if value is None or kind is bool:
            return value, origins, False
        if isinstance(value, int):
            return self._integer(int(value), origins), origins, False
        if isinstance(value, float):
            return self._number(float(value), origins), origins, False
        if kind is Remark:
            return self._remarked(value, origins, trusted)
        if kind is Joined:
            return self._joined(value, origins, trusted)
        if isinstance(value, str):  # an enum's member
            return self._text(str.__str__(value), origins, trusted), origins, False
        if len(self._path) >= MAX_DEPTH:
            raise self._stop(TOO_LARGE, f"this file would be more than {MAX_DEPTH} levels deep", origins)
        if kind is dict or isinstance(value, Mapping):
            return self._map(value, origins, trusted), origins, False
        if isinstance(value, (list, tuple)):
            path = self._path
            items = []
            path.append(0)
            for index, item in enumerate(value):
                path[-1] = index
                items.append(self.node(item, origins, trusted))
            path.pop()
            return items, origins, False
        raise self._stop(MISREAD, f"the target `{self._target}` made a value of type {kind.__name__}", origins)

    def _remarked(self, remark: Remark, origins: Origins, trusted: bool) -> Node:
        node = self.node(remark.value, origins, trusted)
        if not self._comments:
            return node
        if type(node[0]) in (dict, list) or not remark.comment.isprintable() or not remark.comment:
            raise self._stop(MISREAD, f"the target `{self._target}` made a remark that no line can hold", origins)
        return Remarked(node[0], remark.comment), node[1], False

    def _joined(self, joined: Joined, origins: Origins, trusted: bool) -> Node:
        nodes = [self.node(line, origins, trusted) for line in joined.lines]
        if not all(type(text) is str for text, _, _ in nodes):
            raise self._stop(MISREAD, f"the target `{self._target}` joined lines that are no texts", origins)
        per_line: tuple[Origins, ...] = tuple(
            origins for text, origins, _ in nodes for _ in range(text.count("\n") + 1)
        )
        text = "".join(f"{text}\n" for text, _, _ in nodes)
        return text, together(origins, *per_line), per_line or False

    def _map(self, value: Mapping[Any, Any], origins: Origins, trusted: bool) -> dict[str, Node]:
        path = self._path
        made: dict[str, Node] = {}
        path.append("")
        for key, item in value.items():
            if not isinstance(key, str):
                raise self._stop(MISREAD, f"the target `{self._target}` made a key that is no text", origins)
            path[-1] = key
            name = self._text(str.__str__(key), origins, trusted)
            if len(name) > MAX_KEY // 10 and len(json.dumps(name)) - 2 > MAX_KEY:
                self._problem(TOO_LARGE, f"a key of {len(name)} characters is too long", origins)
            if name in made:
                self._problem(UNSAFE_TEXT, f"two keys become `{name}` in {self._target}'s language", origins)
            made[name] = self.node(item, origins, trusted)
        path.pop()
        return made

    def _text(self, text: str, origins: Origins, trusted: bool) -> str:
        if not trusted:
            try:
                text = self._escape(text)
            except Refusal as refusal:
                self._problem(UNSAFE_TEXT, f"{self._target} cannot take this text: {refusal}", origins)
                return ""
        self._size += len(text) + 1
        if self._size > MAX_BYTES:
            raise self._stop(TOO_LARGE, f"this file would be larger than {MAX_BYTES // 1024 // 1024} MiB", origins)
        if not text.isascii() and _surrogate(text):
            self._problem(UNWRITABLE_VALUE, "this text holds half a character (a lone surrogate)", origins)
            return ""
        return text

    def _integer(self, value: int, origins: Origins) -> int:
        if _SMALLEST <= value <= _BIGGEST:
            return value
        self._problem(UNWRITABLE_VALUE, "this whole number does not fit in 64 bits", origins)
        return 0

    def _number(self, value: float, origins: Origins) -> float:
        if isfinite(value):
            return value
        self._problem(UNWRITABLE_VALUE, f"a file cannot hold the number {value}", origins)
        return 0.0

    def _problem(self, code: Code, message: str, origins: Origins) -> None:
        self.problems.append(Problem(code, message, origins, tuple(self._path)))

    def _stop(self, code: Code, message: str, origins: Origins) -> Unwritable:
        return Unwritable(Problem(code, message, origins, tuple(self._path)))


def data(node: Node) -> Any:
    """A node without its origins."""
    value = node[0]
    if type(value) is dict:
        return {key: data(item) for key, item in value.items()}
    if type(value) is list:
        return [data(item) for item in value]
    return value.value if type(value) is Remarked else value


def all_origins(node: Node) -> Origins:
    """The origins of everything at and below a node, for a value that is written on one line."""
    value, origins, _ = node
    if type(value) is dict:
        return together(origins, *map(all_origins, value.values()))
    if type(value) is list:
        return together(origins, *map(all_origins, value))
    return origins


def misread(path: str, where: KeyPath = (), detail: str = "") -> Problem:
    """The file that was made is not the data that it was made from."""
    at = f" at {dotted(where)}" if where else ""
    said = (f"it reads {detail}",) if detail else ()
    return Problem(MISREAD, f"llmops made a file that does not read back{at}: {path}", (), where, said)
