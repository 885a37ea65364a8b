"""Block YAML with the origins of each line, for readers of version 1.1 and of version 1.2 alike.

Own code, since libyaml quotes for 1.1 only, writes anchors for a value used twice, and does not know where its lines
came from.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

import yaml

from llmops.compiler.emit.scalars import read_plain
from llmops.compiler.emit.sourcemap import Lines, Origins, line_of
from llmops.compiler.emit.text import INVISIBLE
from llmops.compiler.emit.tree import Node, Remarked
from llmops.compiler.model.keys import KeyPath

# A text goes without quotes if it starts like a word, an option, a path or a `${{ }}`, holds only ASCII that cannot
# end it, and is no word that YAML knows. What starts with a digit is always quoted. `e15` is a number to npm's yaml.
_starts_plain = re.compile(r"(?!-?[eE][-+]?[0-9_]+\Z)(?:_?[A-Za-z/$]|--?[A-Za-z]|\.{1,2}/)").match
_breaks_plain = re.compile(r"[^ -~]|:(?: |\Z)| (?:[ #:]|\Z)").search
_KNOWN = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))

_invisible = re.compile(f"[{INVISIBLE}]")
# A block starts with a visible character (the reader learns the indentation from it) and does not end in a line of
# blanks (which some readers drop).
_block_text = re.compile(r"[^\s].*\n", re.DOTALL).match
_blank_end = re.compile(r"(?:^|\n)[ \t]+\n*\Z").search


def write(root: Node) -> Lines:
    """A document without `---`, two spaces a level, lists set in below their key."""
    out = Lines()
    value, origins, numbered = root
    if value and type(value) is dict:
        _map(value, "", out)
    elif value and type(value) is list:
        _list(value, "", out)
    else:
        _leaf("", value, origins, numbered, "", out)
    return out


def _map(items: dict[str, Node], pad: str, out: Lines) -> None:
    inner = pad + "  "
    for key, (value, origins, numbered) in items.items():
        kind = type(value)
        if value and kind is dict:
            out.add(f"{pad}{_key(key)}:", origins)
            _map(value, inner, out)
        elif value and kind is list:
            out.add(f"{pad}{_key(key)}:", origins)
            _list(value, inner, out)
        else:
            _leaf(f"{pad}{_key(key)}: ", value, origins, numbered, inner, out)


def _list(items: list[Node], pad: str, out: Lines) -> None:
    inner = pad + "  "
    for value, origins, numbered in items:
        kind = type(value)
        if value and (kind is dict or kind is list):
            # The item's first line moves up beside the dash; its origins include the item's own.
            first = len(out.text)
            (_map if kind is dict else _list)(value, inner, out)
            out.text[first] = f"{pad}- {out.text[first][len(inner):]}"
        else:
            _leaf(f"{pad}- ", value, origins, numbered, inner, out)


def _leaf(
    before: str, value: Any, origins: Origins, numbered: bool | tuple[Origins, ...], inner: str, out: Lines
) -> None:
    if type(value) is Remarked:
        out.add(f"{before}{scalar(value.value)} # {value.comment}", origins)
    elif type(value) is not str:
        out.add(before + scalar(value), origins)
    elif "\n" in value and _fits_block(value):
        _block(before, value, origins, numbered, inner or "  ", out)
    else:
        out.add(before + _text(value), origins)


def scalar(value: Any) -> str:
    """A scalar, or an empty map or list, on one line."""
    if type(value) is str:
        return _text(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is float:
        written = repr(value)
        # 1e-05 is text for version 1.1, which wants a dot.
        return written if "e" not in written or "." in written else written.replace("e", ".0e")
    return repr(value)


def _text(text: str) -> str:
    if _starts_plain(text) and not _breaks_plain(text) and text.lower() not in _KNOWN:
        return text
    return quote(text)


_key = lru_cache(maxsize=4096)(_text)


def quote(text: str) -> str:
    """A string in double quotes, on one line: JSON's escapes are YAML's as well, but for characters beyond U+FFFF."""
    written = encode_basestring(text)
    if written.isascii() and "\x7f" not in written:
        return written
    return _invisible.sub(_escaped, written)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _fits_block(text: str) -> bool:
    return bool(_block_text(text)) and not _invisible.search(text) and not _blank_end(text)


def _block(
    before: str, text: str, origins: Origins, numbered: bool | tuple[Origins, ...], pad: str, out: Lines
) -> None:
    lines = text.split("\n")
    if lines[-1]:
        sign = "|-"
    else:
        lines.pop()
        sign = "|" if lines[-1] else "|+"
    joined = numbered if isinstance(numbered, tuple) else None
    out.add(before + sign, () if joined else origins)
    for index, line in enumerate(lines):
        if joined:
            of_line = joined[index]
        else:
            of_line = line_of(origins, index) if numbered else origins
        out.add(pad + line if line else "", of_line)


# --- reading back --------------------------------------------------------------------------------------------------


def difference(text: str, plain: Any) -> tuple[KeyPath, str] | None:
    """Where a text does not say the same as the data, to the type and the order of keys; None if it does.

    libyaml splits it into events, which is a third of the work of a load; scalars without quotes are then read by both
    versions' rules at once.
    """
    parser = yaml.CSafeLoader(text)
    try:
        following = parser.get_event
        if not isinstance(following(), yaml.StreamStartEvent) or not isinstance(following(), yaml.DocumentStartEvent):
            return (), "no document"
        found = _compare(plain, following, following())
        if found is not None:
            return tuple(reversed(found[0])), found[1]
        if not isinstance(following(), yaml.DocumentEndEvent) or not isinstance(following(), yaml.StreamEndEvent):
            return (), "more than one document"
    except yaml.YAMLError as error:
        return (), str(error)
    finally:
        parser.dispose()
    return None


Mismatch = tuple[list[str | int], str]
"""The path, innermost key first, and what is wrong."""


def _compare(value: Any, following: Callable[[], Any], event: Any) -> Mismatch | None:
    kind = type(event)
    if kind is yaml.ScalarEvent:
        if event.tag is not None or event.anchor is not None:
            return [], "a tag or an anchor"
        read = event.value
        if not event.style:
            read = read_plain(read)
        return None if type(read) is type(value) and read == value else ([], f"{event.value!r}")
    if kind is yaml.MappingStartEvent and type(value) is dict:
        for key, item in value.items():
            mismatch = _compare(key, following, following())
            if mismatch is None:
                mismatch = _compare(item, following, following())
            if mismatch is not None:
                mismatch[0].append(key)
                return mismatch
        return None if type(following()) is yaml.MappingEndEvent else ([], "more keys")
    if kind is yaml.SequenceStartEvent and type(value) is list:
        for index, item in enumerate(value):
            mismatch = _compare(item, following, following())
            if mismatch is not None:
                mismatch[0].append(index)
                return mismatch
        return None if type(following()) is yaml.SequenceEndEvent else ([], "more items")
    return [], kind.__name__
