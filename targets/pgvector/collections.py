"""What an index is in PostgreSQL: a table, its vectors' type, and the indexes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.index import collection, metric, used
from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import Collection, Variable
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.schemas.types import INDEX
from llmops.targets.pgvector.known import short_name

CONSUMER = "pgvector"
SCHEMA = "public"
CONNECTION = "PG_CONN_STR"
"""Where nothing else is said: the variable that the Haystack store reads by itself."""
LANGUAGE = "english"
BUILD = {"hnsw": ("m", "ef_construction"), "ivfflat": ("lists",), "flat": ()}
SEARCH = {"hnsw": ("ef",), "ivfflat": ("probes",), "flat": ()}


def in_charge(store: View[Any] | None) -> bool:
    return store is not None and store.address.kind == "store" and store.text("engine").value == "pgvector"


def indexes(lowering: Lowering, store: View[Any] | None = None) -> Iterator[View[Any]]:
    """The indexes that are kept in a store of this engine, or in the given one."""
    for index in lowering.reader.of(INDEX):
        kept = index.ref("store")
        if kept is not None and in_charge(kept) and (store is None or kept.address == store.address):
            yield index


def option(lowering: Lowering, name: str) -> Sourced[str] | None:
    return lowering.options.maybe_text(name) if lowering.options else None


def connection(lowering: Lowering, store: View[Any]) -> Variable:
    """The variable that holds the connection string: the store's secret, else one that is known outside."""
    secret = store.ref("secret")
    if secret is not None:
        return Variable(variable(secret, CONSUMER).because(store.ref_name("secret")), secret.address)
    return outside_variable(store, "endpoint") or Variable(option(lowering, "connection") or literal(CONNECTION))


def of_index(lowering: Lowering, index: View[Any], near: str | None = None) -> Collection | None:
    """The table of an index; None where another engine keeps it."""
    store = index.ref("store") if index.address.kind == "index" else None
    if store is None or not in_charge(store):
        return None
    vector = used(lowering.facts, index)
    name = collection(index)
    algorithm = index.maybe_text("algorithm", "type") or literal("hnsw" if vector is not None else "flat")
    half = index.maybe_text("compression", "type")
    if half is not None and half.value == "half":
        element = half
    else:
        element = literal("full").because(half)
    numbers = {key: index.maybe_integer("algorithm", key) for keys in (BUILD, SEARCH) for key in keys[algorithm.value]}
    # With a dot, which no collection's name has: tables and indexes of a schema share their names.
    beside = {"keyword": name.express(lambda n: short_name(f"{n}.keyword"))}
    if algorithm.value != "flat" and vector is not None:
        beside["vector"] = name.express(lambda n: short_name(f"{n}.vector"))
    return Collection(
        engine="pgvector",
        store=store.address,
        name=name,
        metric=metric(index),
        algorithm=algorithm,
        element=element,
        dimension=vector.dimension if vector is not None else None,
        schema=option(lowering, "schema") or literal(SCHEMA),
        build={key: n for key in BUILD[algorithm.value] if (n := numbers[key]) is not None},
        search={key: n for key in SEARCH[algorithm.value] if (n := numbers[key]) is not None},
        indexes=beside,
        language=index.maybe_text("keyword", "language") or literal(LANGUAGE),
        outside=connection(lowering, store),
    )
