"""YAML text to plain data, and on demand to the places of its keys and values.

The events of the parser go straight to dicts and lists, through the gate. A clean file is read without marks; where
something is wrong, or someone asks for places, it is read again with them: that is rare, and keeps memory low.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from llmops.compiler.load import codes, gate
from llmops.compiler.load.events import Parser, dispose, mistake
from llmops.compiler.model.finding import Code, Diagnostic, Place, diagnose
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sources import Span


class Spot(NamedTuple):
    """Where an entry stands: its key (None for list items and the root) and its value."""

    key: Span | None
    value: Span


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file as data. `value` is None where it cannot be read at all; with problems it may be there in part.

    `special` says that a null, a `???` or a `${` stands somewhere in it, so that later steps look at few files.
    """

    path: str
    value: dict[str, Any] | None
    special: bool = False
    problems: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    nodes: int = 0

    @property
    def sound(self) -> bool:
        return not self.problems


class _CarefulError(Exception):
    """Something is wrong: read again, with marks."""


class _StopError(Exception):
    """The rest of the file is not worth reading."""


_MISSING = object()


class Memo(dict[str, Any]):
    """Plain scalars already read, by their text: a config repeats itself."""

    LIMIT = 200_000


class _Loop:
    """One reading of one text."""

    def __init__(self, path: str, text: str, memo: Memo, careful: bool) -> None:
        self.path = path
        self.parser = Parser(text)
        self.get = self.parser.get_event
        self.memo = memo
        self.nodes = 0
        self.special = False
        self.places: dict[KeyPath, Spot] | None = {} if careful else None
        self.problems: list[Diagnostic] = []

    def document(self) -> Any:
        """The value of the only document; an empty text is an empty map."""
        get = self.get
        get()  # the start of the stream
        event = get()
        if type(event) is not DocumentStartEvent:
            return {}
        if event.version or event.tags:
            self.problem(codes.DIRECTIVE, "a `%` directive is not allowed", event, "", ["delete the line"])
        event = get()
        if (
            type(event) is ScalarEvent
            and event.implicit[0]
            and event.value == ""
            and not event.tag
            and not event.anchor
        ):
            value: Any = {}
            if self.places is not None:
                self.places[()] = Spot(None, Span(self.path, 1, 1, 1, 1))
        else:
            if type(event) is not MappingStartEvent:
                self.problem(
                    codes.ROOT, "a config must be a map of keys to values", event, "", ["write `key: value` lines"]
                )
            value, end = self.node(event, (), 1)
            if self.places is not None:
                self.places[()] = Spot(None, self.span(event.start_mark, end))
        get()  # the end of the document
        event = get()
        if type(event) is not StreamEndEvent:
            self.problem(
                codes.DOCUMENTS, "a second document starts here", event, "", ["a config file holds one document"]
            )
        return value if isinstance(value, dict) else {}

    # --- nodes: each gives its value and its end mark -------------------------------------------------------------

    def node(self, event: Any, path: KeyPath, depth: int) -> tuple[Any, Any]:
        kind = type(event)
        if kind is ScalarEvent:
            return self.scalar(event), event.end_mark
        self.count(event)
        if kind is AliasEvent:
            self.problem(
                codes.ANCHOR,
                "an alias `*` is not allowed",
                event,
                "",
                ["write the value out, or use `${kind.name.field}`"],
            )
            return None, event.end_mark
        if event.tag is not None:
            self.tagged(event)
        if event.anchor is not None:
            self.anchored(event)
        if depth > gate.MAX_DEPTH:
            self.problem(codes.DEPTH, f"values are nested more than {gate.MAX_DEPTH} deep", event, "", ["flatten it"])
            raise _StopError
        return self.mapping(event, path, depth) if kind is MappingStartEvent else self.sequence(event, path, depth)

    def mapping(self, start: Any, path: KeyPath, depth: int) -> tuple[dict[str, Any], Any]:
        get, places, block = self.get, self.places, not start.flow_style
        out: dict[str, Any] = {}
        folded: dict[str, str] = {}
        end = start.end_mark
        while True:
            event = get()
            if type(event) is MappingEndEvent:
                return out, end if block else event.end_mark
            key = self.key(event)
            twice = key is not None and (key in out or self.folds(key, out, folded))
            if twice:
                self.twice(event, key or "", path, folded)
            value_event = get()
            if key is None or twice:
                # the value is read for its own mistakes; its place is nobody's
                _, end = self.node(value_event, (*path, ""), depth + 1)
                continue
            if places is None:
                # written out here since most values of a config pass through it
                out[key] = (
                    self.scalar(value_event)
                    if type(value_event) is ScalarEvent
                    else self.node(value_event, (), depth + 1)[0]
                )
                continue
            here = (*path, key)
            out[key], end = self.node(value_event, here, depth + 1)
            places[here] = Spot(self.span(event.start_mark, event.end_mark), self.span(value_event.start_mark, end))

    def sequence(self, start: Any, path: KeyPath, depth: int) -> tuple[list[Any], Any]:
        get, places = self.get, self.places
        out: list[Any] = []
        end = start.end_mark
        while True:
            event = get()
            if type(event) is SequenceEndEvent:
                return out, event.end_mark if start.flow_style else end
            here = (*path, len(out)) if places is not None else ()
            value, end = self.node(event, here, depth + 1)
            out.append(value)
            if places is not None:
                places[here] = Spot(None, self.span(event.start_mark, end))

    def count(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > gate.MAX_NODES:
            self.problem(
                codes.NODES,
                f"a config may hold {gate.MAX_NODES:,} keys and values",
                event,
                "",
                ["move data to a file of its own"],
            )
            raise _StopError

    def scalar(self, event: Any) -> Any:
        self.nodes += 1
        if self.nodes > gate.MAX_NODES:
            self.count(event)
        if event.tag is not None:
            self.tagged(event)
        if event.anchor is not None:
            self.anchored(event)
        text: str = event.value
        if not event.implicit[0] or event.style in ("'", '"', "|", ">"):
            return self.text(event, text)
        value = self.memo.get(text, _MISSING)
        if value is not _MISSING:
            return value
        try:
            value = gate.plain(text)
        except gate.UnclearError as unclear:
            self.problem(unclear.code, unclear.message, event, "", [unclear.cure])
            return text
        if value is None or (type(value) is str and ("${" in value or value == "???")):
            self.special = True
            return self.text(event, value) if value is not None else None
        if len(text) > 100:
            return self.text(event, value) if type(value) is str else value
        if len(self.memo) < Memo.LIMIT:
            self.memo[text] = value
        return value

    def text(self, event: Any, text: str) -> str:
        if len(text) > gate.MAX_TEXT:
            self.problem(
                codes.TEXT_LENGTH,
                f"a text may have {gate.MAX_TEXT:,} characters",
                event,
                f"{len(text):,}",
                ["put it in a file and name that"],
            )
            return ""
        if event.style == '"':
            bad = gate.FORBIDDEN.search(text)
            if bad:
                self.problem(
                    codes.CONTROL,
                    f"the character U+{ord(bad[0]):04X} is not allowed",
                    event,
                    "written as an escape",
                    ["delete it, or describe it in words"],
                )
                return ""
        if "${" in text or text == "???":
            self.special = True
        return text

    # --- keys -----------------------------------------------------------------------------------------------------

    def key(self, event: Any) -> str | None:
        """A key's text; None where it is refused (then its value is still read)."""
        if type(event) is not ScalarEvent:
            if type(event) is AliasEvent:
                self.problem(codes.ANCHOR, "an alias `*` is not allowed", event, "", ["write the key out"])
                return None
            self.problem(
                codes.KEY, "a key must be a name, not a map or a list", event, "", ["quote text that holds braces"]
            )
            self.node(event, ("",), gate.MAX_DEPTH)
            return None
        self.nodes += 1
        text: str = event.value
        if event.tag is not None:
            self.tagged(event)
        if event.anchor is not None:
            self.anchored(event)
        if len(text) > gate.MAX_KEY:
            self.problem(codes.TEXT_LENGTH, f"a key may have {gate.MAX_KEY:,} characters", event, f"{len(text):,}", [])
            return None
        if event.implicit[0] and not event.style:
            value = self.memo.get(text, _MISSING)
            if value is _MISSING:
                try:
                    value = gate.plain(text)
                except gate.UnclearError as unclear:
                    if unclear.code is codes.MERGE_KEY:
                        self.problem(unclear.code, unclear.message, event, "", [unclear.cure])
                        return None
                    value = None
                else:
                    if value is not None:
                        self.memo[text] = value
            if type(value) is not str:
                shown = f"`{gate.cut(text)}`" if text else "an empty key"
                self.problem(
                    codes.KEY, f"{shown} is no text, and keys must be", event, "", [f'quote it: "{gate.cut(text)}"']
                )
                return None
            return value
        if event.style == '"' and gate.FORBIDDEN.search(text):
            self.text(event, text)
            return None
        return text

    def folds(self, key: str, out: dict[str, Any], folded: dict[str, str]) -> bool:
        """Whether another key looks the same after NFKC: few readers tell them apart."""
        if key.isascii():
            return bool(folded) and key in folded
        same = unicodedata.normalize("NFKC", key)
        if same in out or same in folded:
            folded.setdefault(key, folded.get(same, same))
            return True
        folded[same] = key
        return False

    # --- what is refused ------------------------------------------------------------------------------------------

    def twice(self, event: Any, key: str, path: KeyPath, folded: Mapping[str, str]) -> None:
        if self.places is None:
            raise _CarefulError
        first = self.places.get((*path, key)) or self.places.get((*path, folded.get(key, key)))
        more = [Place(first.key, "first here")] if first and first.key else []
        help_ = (
            ["delete one of them"]
            if first and (*path, key) in self.places
            else ["two keys that look the same: rename one"]
        )
        self.problem(codes.DUPLICATE, f"the key `{gate.cut(key)}` stands here twice", event, "again", help_, more)

    def tagged(self, event: Any) -> None:
        self.problem(
            codes.TAG,
            f"the tag `{gate.cut(str(event.tag))}` is not allowed",
            event,
            "",
            ["delete it; quote a value that is text"],
        )

    def anchored(self, event: Any) -> None:
        self.problem(
            codes.ANCHOR,
            f"an anchor `&{gate.cut(str(event.anchor))}` is not allowed",
            event,
            "",
            ["write the value out, or use `${kind.name.field}`"],
        )

    def problem(
        self, code: Code, message: str, event: Any, text: str, cures: list[str], more: list[Place] | None = None
    ) -> None:
        if self.places is None:
            raise _CarefulError
        self.problems.append(
            diagnose(code, message, self.span(event.start_mark, event.end_mark), text, more=more or (), help=cures)
        )
        if len(self.problems) >= gate.MAX_PROBLEMS:
            raise _StopError

    def span(self, start: Any, end: Any) -> Span:
        if (end.line, end.column) <= (start.line, start.column):
            return Span(self.path, start.line + 1, start.column + 1, start.line + 1, start.column + 1)
        return Span(self.path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def parse(path: str, data: bytes, memo: Memo | None = None) -> Parsed:
    """A config file as data, with all that is wrong with it."""
    text, found = gate.decode(path, data)
    if text is None:
        return Parsed(path, None, problems=tuple(found))
    memo = Memo() if memo is None else memo
    quick = _Loop(path, text, memo, careful=False)
    try:
        return Parsed(path, quick.document(), quick.special, (), tuple(found), quick.nodes)
    except (_CarefulError, _StopError, yaml.YAMLError):
        pass
    finally:
        dispose(quick.parser)
    value, loop = _careful(path, text, memo)
    return Parsed(path, value, loop.special, tuple(loop.problems), tuple(found), loop.nodes)


def _careful(path: str, text: str, memo: Memo) -> tuple[dict[str, Any] | None, _Loop]:
    loop = _Loop(path, text, memo, careful=True)
    value = None
    try:
        value = loop.document()
    except _StopError:
        pass
    except yaml.YAMLError as error:
        loop.problems.append(mistake(path, text, error))
    finally:
        dispose(loop.parser)
    return value, loop


def read_places(path: str, text: str, memo: Memo) -> Mapping[KeyPath, Spot]:
    """Where each key and value of a text stands; up to its first mistake in syntax."""
    return _careful(path, text, memo)[1].places or {}
