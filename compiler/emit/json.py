"""JSON and JSONL with the origins of each line."""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring
from typing import Any

from llmops.compiler.emit.sourcemap import Lines
from llmops.compiler.emit.text import INVISIBLE
from llmops.compiler.emit.tree import Node, all_origins, data
from llmops.compiler.model.keys import KeyPath

_invisible = re.compile(f"[{INVISIBLE}]").sub


def quote(text: str) -> str:
    """A JSON string; what the eye does not see is escaped, U+2028 and U+2029 (line ends in old JavaScript) with it."""
    return _show(encode_basestring(text))


def _show(written: str) -> str:
    return written if written.isascii() and "\x7f" not in written else _invisible(_escaped, written)


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"


def write(root: Node) -> Lines:
    """A document, two spaces a level."""
    out = Lines()
    _value(root, "", "", "", out)
    return out


def _value(node: Node, pad: str, before: str, after: str, out: Lines) -> None:
    value, origins, _ = node
    if not value or type(value) not in (dict, list):
        out.add(f"{before}{_scalar(value)}{after}", origins)
        return
    inner = pad + "  "
    last = len(value) - 1
    if type(value) is dict:
        out.add(before + "{", origins)
        for n, (key, item) in enumerate(value.items()):
            _value(item, inner, f"{inner}{quote(key)}: ", "," if n < last else "", out)
        out.add(f"{pad}}}{after}", origins)
    else:
        out.add(before + "[", origins)
        for n, item in enumerate(value):
            _value(item, inner, inner, "," if n < last else "", out)
        out.add(f"{pad}]{after}", origins)


def _scalar(value: Any) -> str:
    return quote(value) if type(value) is str else json.dumps(value, allow_nan=False)


def write_lines(root: Node) -> Lines:
    """JSONL: each item of a list on a line of its own, which has all origins of the item."""
    out = Lines()
    for item in root[0]:
        written = json.dumps(data(item), ensure_ascii=False, allow_nan=False)
        out.add(_show(written), all_origins(item))
    return out


def same(left: Any, right: Any, *, ordered: bool = True) -> bool:
    """Whether two values of plain data are equal to the type: 1, 1.0 and True are three values."""
    return json.dumps(left, sort_keys=not ordered) == json.dumps(right, sort_keys=not ordered)


def difference(text: str, plain: Any) -> tuple[KeyPath, str] | None:
    """Where a text does not say the same as the data; None if it does."""
    return _difference([text], [plain])


def lines_difference(text: str, plain: Any) -> tuple[KeyPath, str] | None:
    return _difference(text.split("\n")[:-1], plain)


def _difference(documents: list[str], plain: Any) -> tuple[KeyPath, str] | None:
    try:
        return None if same([json.loads(document) for document in documents], plain) else ((), "as other data")
    except ValueError as error:
        return (), str(error)
