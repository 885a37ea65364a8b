"""TOML with the origins of each line."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from llmops.compiler.emit import json
from llmops.compiler.emit.codes import MISREAD, UNWRITABLE_VALUE
from llmops.compiler.emit.sourcemap import Lines
from llmops.compiler.emit.tree import Node, Problem, Unwritable, all_origins
from llmops.compiler.emit.yaml import quote
from llmops.compiler.model.keys import KeyPath

_bare = re.compile(r"[A-Za-z0-9_-]+\Z").match


def write(root: Node) -> Lines:
    """A document: a table's own values first, as the format wants it, then the tables below it."""
    if type(root[0]) is not dict:
        raise Unwritable(Problem(MISREAD, "TOML is made of a map", root[1]))
    out = Lines()
    _table(root[0], (), out)
    return out


def _table(items: dict[str, Node], path: tuple[str, ...], out: Lines) -> None:
    below = []
    for key, node in items.items():
        if _is_table(node) or _is_tables(node):
            below.append((key, node))
        else:
            _entry(key, node, path, out)
    for key, node in below:
        inner = (*path, key)
        name = ".".join(map(_key, inner))
        tables, sign = (node[0], f"[[{name}]]") if type(node[0]) is list else ([node], f"[{name}]")
        for table in tables:
            if out.text:
                out.add("")
            out.add(sign, table[1])
            _table(table[0], inner, out)


def _entry(key: str, node: Node, path: tuple[str, ...], out: Lines) -> None:
    value, origins, _ = node
    where = (*path, key)
    if value and type(value) is list:
        out.add(f"{_key(key)} = [", origins)
        for index, item in enumerate(value):
            out.add(f"  {_inline(item, (*where, index))},", all_origins(item))
        out.add("]", origins)
    else:
        out.add(f"{_key(key)} = {_inline(node, where)}", origins)


def _inline(node: Node, where: KeyPath) -> str:
    value = node[0]
    kind = type(value)
    if kind is str:
        return quote(value)
    if value is None:
        raise Unwritable(Problem(UNWRITABLE_VALUE, "TOML has no null", node[1], where))
    if kind is dict:
        inside = ", ".join(f"{_key(k)} = {_inline(item, (*where, k))}" for k, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if kind is list:
        return "[" + ", ".join(_inline(item, (*where, n)) for n, item in enumerate(value)) + "]"
    return str(value).lower() if kind is bool else repr(value)


def _key(key: str) -> str:
    return key if _bare(key) else quote(key)


def _is_table(node: Node) -> bool:
    return type(node[0]) is dict


def _is_tables(node: Node) -> bool:
    return type(node[0]) is list and bool(node[0]) and all(map(_is_table, node[0]))


def difference(text: str, plain: Any) -> tuple[KeyPath, str] | None:
    """Where a text does not say the same as the data (tables may have moved behind values); None if it does."""
    try:
        read: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return (), str(error)
    return None if json.same(read, plain, ordered=False) else ((), "as other data")
