"""The records of a dataset: which columns they have, and where in its parts each stands."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.rows import Row, dataset_rows
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Content, Source
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.croissant.parts import TEXT, Part

TYPES = {"string": "sc:Text", "number": "sc:Float", "integer": "sc:Integer", "boolean": "sc:Boolean",
         "array": "sc:Text", "image": "sc:ImageObject", "audio": "sc:AudioObject"}
JSON = "application/json"
LISTS = ("array", "messages")
_INTEGER, _NUMBER = re.compile(r"-?[0-9]{1,15}"), re.compile(r"-?[0-9]+\.[0-9]+")
"""Cells of a table that are numbers to whoever reads it."""
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _seen_in(lowering: Lowering, dataset: View[Any], rows: list[Row]) -> tuple[Source, ...]:
    """The files that show which columns there are; rows in the config tell it by themselves."""
    if not dataset.has("files"):
        return ()
    files = dict.fromkeys(row.file for row in rows if row.file is not None)
    read = (Content(in_repository(lowering, file)) for file in files)
    return (dataset.source("files", whole=True), *read)


class Columns:
    """The columns with their types: as declared, else as the rows show them."""

    def __init__(self, lowering: Lowering, dataset: View[Any]) -> None:
        self.dataset = dataset
        self.declared = dataset.value.get("columns") is not None
        self.kinds: dict[str, Sourced[str]] = {}
        if self.declared:
            self.kinds = {name: dataset.text("columns", name) for name in dataset.value["columns"]}
        else:
            rows = list(dataset_rows(dataset))
            names = dict.fromkeys(name for row in rows for name in row.vars)
            where = _seen_in(lowering, dataset, rows)
            kinds = {str(name): _observed(rows, name) for name in names}
            self.kinds = {name: Sourced(kind, where, raw=True) for name, kind in kinds.items() if kind is not None}

    def unsupported(self) -> Iterator[Unsupported]:
        for name, kind in self.kinds.items():
            if kind.value == "object":
                yield Unsupported(self.dataset.at("columns", name), "a map's own fields would have to be told",
                                  "give its parts as columns")
        if self.dataset.has("acl"):
            yield Unsupported(self.dataset.at("acl"), "who may read a row is not said there")
        if self.dataset.has("max_rows"):
            yield Unsupported(self.dataset.at("max_rows"), "it describes all rows that there are")

    def fields(self, of: str, part: Part | None) -> Iterator[dict[str, Any]]:
        for name, kind in self.kinds.items():
            if kind.value != "object":
                yield self._field(of, name, kind, part)

    def _field(self, of: str, name: str, kind: Sourced[str], part: Part | None) -> dict[str, Any]:
        made: dict[str, Any] = {"@type": "cr:Field", "@id": f"{of}/{quote(name, safe='')}", "name": name}
        meaning = self._meaning(name)
        if meaning is not None:
            made["description"] = meaning
        if kind.value in LISTS:
            made |= {"isArray": kind.express(lambda _: True), "arrayShape": kind.express(lambda _: "-1")}
        if kind.value == "messages":
            below = [self._message(made["@id"], name, word, part) for word in ("role", "content")]
            made["subField"] = Sourced(below, kind.sources, raw=True)
        else:
            made["dataType"] = kind.express(lambda word: TYPES[word])
        if part is not None:
            made["source"] = _source(part, name)
        return made

    def _message(self, of: str, name: str, word: str, part: Part | None) -> dict[str, Any]:
        made: dict[str, Any] = {
            "@type": "cr:Field", "@id": f"{of}/{word}", "name": word, "dataType": "sc:Text",
            "isArray": True, "arrayShape": "-1",
        }  # fmt: skip
        if part is not None:
            made["source"] = {**_source(part, name), "transform": {"jsonPath": word}}
        return made

    def _meaning(self, column: str) -> Sourced[str] | None:
        for meaning, named in (self.dataset.value.get("fields") or {}).items():
            if named == column:
                return Sourced(f"what is called `{meaning}`", (self.dataset.source("fields", meaning),))
        return None


def _observed(rows: list[Row], name: str) -> str | None:
    """A column's type as its values show it; None where they differ or are maps."""
    kinds = {_kind(row.vars[name], row.file) for row in rows if row.vars.get(name) is not None}
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else None


def _kind(value: Any, file: str | None) -> str | None:
    if isinstance(value, str) and file is not None and file.endswith(".csv"):
        return "integer" if _INTEGER.fullmatch(value) else "number" if _NUMBER.fullmatch(value) else "string"
    if isinstance(value, list):
        said = bool(value) and all(isinstance(item, dict) and {"role", "content"} <= item.keys() for item in value)
        return "messages" if said else "array" if all(isinstance(item, str | int | float) for item in value) else None
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return names.get(type(value))


def _source(part: Part, column: str) -> dict[str, Any]:
    where = "fileSet" if part.inside is not None else "fileObject"
    extract = {"jsonPath": f"$[*].{_step(column)}"} if part.format == JSON else {"column": column}
    return {where: {"@id": part.named}, "extract": extract}


def _step(column: str) -> str:
    return column if _WORD.fullmatch(column) else json.dumps(column, ensure_ascii=False)


# --- record sets -------------------------------------------------------------------------------------------------


def record_sets(dataset: View[Any], columns: Columns, found: list[Part]) -> Iterator[Any]:
    splits = _splits(dataset)
    if splits is not None:
        yield splits
    tables = [part for part in found if part.table]
    for part in tables:
        name = _rows_id(part, tables)
        fields: list[Any] = list(columns.fields(name, part))
        if part.split is not None:
            fields.append(_split_field(dataset, name, part.split))
        made = {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}
        if fields:
            # of a source its name alone says that there is a table, and what no config declares the file itself
            yield Sourced(made, part.why, raw=True) if dataset.has("source") or not columns.declared else made
    if any(part.format == TEXT for part in found):
        yield _documents()
    if dataset.has("rows"):
        yield from _inline(dataset, columns)


def _rows_id(part: Part, tables: list[Part]) -> str:
    """`rows`, or with the file's name where there are several."""
    if len(tables) == 1:
        return "rows"
    stems = [posixpath.splitext(posixpath.basename(one.path))[0] for one in tables]
    stem = posixpath.splitext(posixpath.basename(part.path))[0]
    return f"rows-{quote(stem if stems.count(stem) == 1 else part.path, safe='')}"


def _splits(dataset: View[Any]) -> dict[str, Any] | None:
    """The parts by name, each with its share where all are shares."""
    written = dataset.value.get("splits")
    if not written:
        return None
    shares = all(not isinstance(value, str) for value in written.values())
    fields = [{"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"}]
    if shares:
        fields.append({"@type": "cr:Field", "@id": "splits/share", "name": "share", "dataType": "sc:Float"})
    rows = []
    for name in written:
        value = dataset.get("splits", name)
        assert value is not None
        row: dict[str, Any] = {"splits/name": Sourced(name, value.sources)}
        if shares:
            row["splits/share"] = value
        rows.append(row)
    return {
        "@type": "cr:RecordSet", "@id": "splits", "name": "splits", "dataType": ["sc:Enumeration", "cr:Split"],
        "key": {"@id": "splits/name"}, "field": fields, "data": rows,
    }  # fmt: skip


def _split_field(dataset: View[Any], of: str, split: str) -> Sourced[dict[str, Any]]:
    value = Sourced(split, (dataset.source("splits", split),))
    made = {"@type": "cr:Field", "@id": f"{of}/llmops:split", "name": "split", "dataType": ["sc:Text", "cr:Split"],
            "value": value}
    return Sourced(made, value.sources, raw=True)


def _documents() -> dict[str, Any]:
    def field(name: str, file_property: str) -> dict[str, Any]:
        source = {"fileSet": {"@id": "sets/documents"}, "extract": {"fileProperty": file_property}}
        return {"@type": "cr:Field", "@id": f"texts/{name}", "name": name, "dataType": "sc:Text", "source": source}

    fields = [field("text", "content"), field("file", "filename")]
    return {"@type": "cr:RecordSet", "@id": "texts", "name": "texts", "field": fields}


def _inline(dataset: View[Any], columns: Columns) -> Iterator[dict[str, Any]]:
    fields = list(columns.fields("rows", None))
    ids = {str(field["name"]): str(field["@id"]) for field in fields}
    rows = []
    for node in dataset.entries("rows"):
        said = node.tree("vars") or {}
        rows.append({ids[name]: said.get(name) for name in ids})
    if ids:
        yield {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields, "data": rows}
