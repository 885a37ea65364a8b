"""What an index is in Qdrant: a collection, and where it is reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.index import collection, metric, used
from llmops.compiler.derive.placement import platform
from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.secrets import variable
from llmops.compiler.derive.serving import running
from llmops.compiler.model.exports import Collection, Variable
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.schemas.types import INDEX

CONSUMER = "qdrant"
PORT = 6333
BUILD = {"hnsw": ("m", "ef_construction"), "flat": (), "ivfflat": ()}
SEARCH = {"hnsw": ("ef",), "flat": (), "ivfflat": ()}


def in_charge(store: View[Any] | None) -> bool:
    return store is not None and store.address.kind == "store" and store.text("engine").value == "qdrant"


def indexes(lowering: Lowering, store: View[Any] | None = None) -> Iterator[View[Any]]:
    """The indexes that are kept in a store of this engine, or in the given one."""
    for index in lowering.reader.of(INDEX):
        kept = index.ref("store")
        if kept is not None and in_charge(kept) and (store is None or kept.address == store.address):
            yield index


def key(store: View[Any]) -> Variable | None:
    """The variable of the key that the server asks for."""
    secret = store.ref("secret")
    if secret is None:
        return None
    return Variable(variable(secret, CONSUMER).because(store.ref_name("secret")), secret.address)


def address(lowering: Lowering, store: View[Any], near: str | None) -> Sourced[str] | None:
    """Its address where a config says it: as written, of the deployment that runs it, else of this machine."""
    if store.has("endpoint"):
        return store.maybe_text("endpoint")
    host = running(lowering.reader, store)
    if host is None:
        return literal(f"http://127.0.0.1:{PORT}")
    here = platform(lowering.reader, host)
    if near is not None and here is not None and near == here.value:
        port = host.maybe_integer("port") or literal(PORT)
        return port.express(lambda p: f"http://{host.address.name}:{p}")
    return (host.maybe_integer("publish") or literal(PORT)).express(lambda p: f"http://127.0.0.1:{p}")


def of_index(lowering: Lowering, index: View[Any], near: str | None = None) -> Collection | None:
    """The collection of an index; None where another engine keeps it."""
    store = index.ref("store") if index.address.kind == "index" else None
    if store is None or not in_charge(store):
        return None
    vector = used(lowering.facts, index)
    algorithm = index.maybe_text("algorithm", "type") or literal("hnsw")
    half = index.maybe_text("compression", "type")
    build = {name: index.maybe_integer("algorithm", name) for name in BUILD[algorithm.value]}
    search = {name: index.maybe_integer("algorithm", name) for name in SEARCH[algorithm.value]}
    return Collection(
        engine="qdrant",
        store=store.address,
        name=collection(index),
        metric=metric(index),
        algorithm=algorithm,
        element=half if half is not None and half.value == "half" else literal("full"),
        dimension=vector.dimension if vector is not None else None,
        build={name: number for name, number in build.items() if number is not None},
        search={name: number for name, number in search.items() if number is not None},
        language=index.maybe_text("keyword", "language"),
        url=address(lowering, store, near),
        outside=outside_variable(store, "endpoint"),
        key=key(store),
    )
