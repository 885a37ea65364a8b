"""From indexes to SQL that makes their tables, and may be run again."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.exports import Collection
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.sourced import Sourced, combine
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import STORE
from llmops.targets.pgvector import sql
from llmops.targets.pgvector.collections import in_charge, indexes, of_index
from llmops.targets.pgvector.known import image_is_known, known, short_name

Line = str | Sourced[str] | tuple[str | Sourced[str], ...]
TYPES = {"full": "vector", "half": "halfvec"}
BUILD = {"m": "m", "ef_construction": "ef_construction", "lists": "lists"}
CASTS = {"integer": "integer", "number": "real", "boolean": "boolean"}
"""How a filter compares a field's value, which JSON holds as text: as the Haystack store casts it."""


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    made = False
    for index in indexes(lowering):
        problems = list(_problems(lowering, index))
        yield from problems
        collection = of_index(lowering, index)
        if collection is None or any(isinstance(p, Finding) and p.severity == Severity.ERROR for p in problems):
            continue
        made = True
        store = lowering.reader.view(collection.store)
        engine = store.text("engine").sources if store is not None else ()
        about = (Sourced(index.address, engine, raw=True),
                 Sourced(collection.store, (index.source("store"), *engine), raw=True))
        # the whole file is there because of the store's engine
        lines = Sourced(statements(index, collection), engine, raw=True)
        yield Artifact(f"{index.address.name}.sql", lines, about, Format.TEXT, comment="--")
    for store in lowering.reader.of(STORE, engine="pgvector"):
        yield from _store_problems(store)
    if made:
        folder = files(__package__)
        yield Artifact("apply.py", folder.joinpath("templates", "apply.py").read_bytes(), format=Format.VERBATIM,
                       shared=True)
        yield Artifact("requirements.txt", folder.joinpath("lock", "requirements.txt").read_bytes(),
                       format=Format.VERBATIM, shared=True)


# --- statements ---------------------------------------------------------------------------------------------------


def statements(index: View[Any], collection: Collection) -> list[Line]:
    """The whole file, in the order in which it runs."""
    return [
        "CREATE EXTENSION IF NOT EXISTS vector;",
        *_schema(collection),
        "",
        *_table(collection),
        *_same_vectors(collection),
        *_vector_index(collection),
        *_keyword_index(collection),
        *_field_indexes(index, collection),
    ]


def _name(text: Sourced[str]) -> Sourced[str]:
    return text.express(sql.name)


def _in_schema(collection: Collection, name: Sourced[str]) -> Sourced[str]:
    assert collection.schema is not None
    joined = combine(lambda schema, own: f"{sql.name(schema)}.{sql.name(own)}", collection.schema, name)
    return joined.express(str)


def _table_name(collection: Collection) -> Sourced[str]:
    return _in_schema(collection, collection.name)


def _schema(collection: Collection) -> Iterator[Line]:
    assert collection.schema is not None
    if collection.schema.value != "public":
        yield ("CREATE SCHEMA IF NOT EXISTS ", _name(collection.schema), ";")


def _type(collection: Collection) -> Sourced[str] | None:
    """The type of a vector; None where only words are searched: the column is then left empty."""
    if collection.dimension is None:
        return None
    made = combine(lambda element, n: f"{TYPES[element]}({n})", collection.element, collection.dimension)
    return made.express(str)


def _table(collection: Collection) -> Iterator[Line]:
    """The columns are those that the Haystack store makes and reads: it takes this table for its own."""
    yield ("CREATE TABLE IF NOT EXISTS ", _table_name(collection), " (")
    yield "  id varchar(128) PRIMARY KEY,"
    kind = _type(collection)
    yield ("  embedding ", kind, ",") if kind is not None else "  embedding vector,"
    yield "  content text,"
    yield "  blob_data bytea,"
    yield "  blob_meta jsonb,"
    yield "  blob_mime_type varchar(255),"
    yield "  meta jsonb"
    yield ");"


def _same_vectors(collection: Collection) -> Iterator[Line]:
    """A table that is there already keeps its vectors: others, of another embedder, must not be mixed with them."""
    kind = _type(collection)
    if kind is None:
        return
    table = _table_name(collection).express(sql.literal)
    yield ""
    yield "DO $check$ BEGIN"
    yield "  IF (SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
    yield ("      WHERE attrelid = ", table, "::regclass AND attname = 'embedding') <> ", kind.express(sql.literal),
           " THEN")
    yield ("    RAISE EXCEPTION 'the table % holds other vectors: give the index another collection, or drop it', ",
           table, ";")
    yield "  END IF;"
    yield "END $check$;"


def _vector_index(collection: Collection) -> Iterator[Line]:
    named = collection.indexes.get("vector")
    if named is None or collection.dimension is None:
        return
    method = collection.algorithm
    made = combine(_operator_class, method, collection.element, collection.metric).express(str)
    yield ""
    if method.value == "ivfflat":
        note = "-- Its lists are made of the rows that are there: build it again once the table is filled."
        yield method.express(lambda _: note)
    yield ("CREATE INDEX IF NOT EXISTS ", _name(named).because(method), " ON ", _table_name(collection))
    numbers = [(BUILD[key], number.express(str)) for key, number in collection.build.items()]
    using: tuple[str | Sourced[str], ...] = ("  USING ", method.express(str), " (embedding ", made, ")")
    for place, (key, number) in enumerate(numbers):
        using = (*using, " WITH (" if place == 0 else ", ", f"{key} = ", number)
    yield (*using, ");" if numbers else ";")
    yield from _same_index(collection, named, made)


def _operator_class(method: str, element: str, metric: str) -> str:
    return str(known("operator_classes")[method][element][metric])


def _same_index(collection: Collection, named: Sourced[str], wanted: Sourced[str]) -> Iterator[Line]:
    """An index that is there already serves its own metric alone; a search by another one would read every row."""
    place = _in_schema(collection, named).express(sql.literal)
    yield "DO $check$ BEGIN"
    yield "  IF (SELECT c.opcname FROM pg_index i JOIN pg_opclass c ON c.oid = i.indclass[0]"
    yield ("      WHERE i.indexrelid = ", place, "::regclass) <> ", wanted.express(sql.literal), " THEN")
    yield ("    RAISE EXCEPTION 'the index % compares by another metric: drop it, and run this again', ", place, ";")
    yield "  END IF;"
    yield "END $check$;"


def _keyword_index(collection: Collection) -> Iterator[Line]:
    """Also where only vectors are searched: the Haystack store wants it, and makes it if it is not there."""
    assert collection.language is not None
    yield ""
    yield ("CREATE INDEX IF NOT EXISTS ", _name(collection.indexes["keyword"]), " ON ", _table_name(collection))
    yield ("  USING gin (to_tsvector(", collection.language.express(sql.literal), ", content));")


def _field_indexes(index: View[Any], collection: Collection) -> Iterator[Line]:
    """One for each field that searches filter by. Fields stand in `meta`; each is compared as its type."""
    asked = index.get("acl")
    names = asked.value if asked is not None else ()
    acl = {name: index.source("acl", number) for number, name in enumerate(names)}
    for field in index.entries("fields"):
        filtered = field.maybe_flag("filter")
        if (filtered is None or not filtered.value) and field.name not in acl:
            continue
        said = filtered.sources if filtered is not None and filtered.value else (acl[field.name],)
        why = Sourced(field.name, (field.source(), *said))
        named = combine(lambda table, own: short_name(f"{table}.field.{own}"), collection.name, why).express(sql.name)
        text = why.express(lambda name: f"(meta->>{sql.literal(name)})")
        kind = field.text("type")
        cast = CASTS.get(kind.value)
        yield ""
        yield ("CREATE INDEX IF NOT EXISTS ", named, " ON ", _table_name(collection))
        yield ("  ((", text, kind.express(lambda k: f"::{CASTS[k]}));")) if cast is not None else (
            "  (", text, kind.express(lambda _: ");"))


# --- what it cannot say -------------------------------------------------------------------------------------------


def _problems(lowering: Lowering, index: View[Any]) -> Iterator[Unsupported | Finding]:
    collection = of_index(lowering, index)
    assert collection is not None
    searched = index.has("embedder") or index.has("vectors")
    if searched and collection.dimension is None:
        yield Finding(
            "the length of the vectors is not known", (Label(index.at("embedder"), "of this model", primary=True),),
            help=("say it: `facts: {dimension: …}` of the model",), severity=Severity.ERROR,
        )
    language = index.maybe_text("keyword", "language")
    if language is not None and language.value not in known("languages"):
        close = nearest(language.value, known("languages"))
        yield Finding(
            f"PostgreSQL ships no text search for `{language.value}`",
            (Label(index.at("keyword", "language"), f"did you mean `{close[0]}`?" if close else "", primary=True),),
            notes=(f"it ships: {', '.join(known('languages'))}",), found=language.value,
            expected=close[0] if close else None,
        )
    compression = index.maybe_text("compression", "type")
    if compression is not None and compression.value != "half":
        yield Unsupported(index.at("compression", "type"), f"its tables keep no vectors as {compression.value}",
                          "`type: half`, or the engine qdrant")
    for name in ("rescore", "keep_originals"):
        flag = index.maybe_flag("compression", name)
        if flag is not None and flag.value:
            yield Unsupported(index.at("compression", name), "vectors are kept once, as they are compressed")
    if index.has("vectors"):
        yield Unsupported(index.at("vectors"), "a table has one vector for a chunk", "make an index of each")
    for field in index.entries("fields"):
        facet = field.maybe_flag("facet")
        if facet is not None and facet.value:
            yield Unsupported(field.at("facet"), "it keeps no counts of values", "count them with GROUP BY")


def _store_problems(store: View[Any]) -> Iterator[Unsupported]:
    if store.has("endpoint") and isinstance(store.value["endpoint"], str) and not store.has("secret"):
        yield Unsupported(
            store.at("endpoint"), "callers read one variable with all that is needed to connect",
            "give the store a `secret` that holds its connection string, or `endpoint: {variable: …}`",
        )
    auth = store.maybe_text("auth")
    if auth is not None and auth.value == "identity":
        yield Unsupported(store.at("auth"), "the connection string says how callers prove who they are")
    version = store.maybe_text("version")
    if version is not None and not image_is_known(version.value):
        yield Unsupported(store.at("version"), "no image of this version is known", "say the whole version, or `image`")
    for field, why in (
        ("database", "the connection string names the database"),
        ("retention", "tables keep their rows until somebody deletes them"),
        ("encrypted", "whether it encrypts what it keeps is set where it runs"),
        ("sku", "its size is set where it runs"),
        ("region", "where it stands is set where it runs"),
    ):
        if store.has(field):
            yield Unsupported(store.at(field), why)


__all__ = ["in_charge", "lower", "statements"]
