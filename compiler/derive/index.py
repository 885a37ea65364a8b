"""What follows of an index: the length of its vectors, its name in the store, how far its chunks go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive import model as models
from llmops.compiler.facts import Facts
from llmops.compiler.model.sourced import Sourced, combine
from llmops.compiler.model.view import Node, View


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector of a chunk. `name` and `field` are None for the only one, of the chunk's text.

    `dimension` is None where nothing knows it. `query` and `document` are the texts that the embedder wants before.
    """

    embedder: View[Any]
    node: Node
    dimension: Sourced[int] | None
    name: Sourced[str] | None = None
    field: Sourced[str] | None = None
    query: Sourced[str] | None = None
    document: Sourced[str] | None = None


def vectors(facts: Facts, index: View[Any]) -> Iterator[Vector]:
    """The vectors of each chunk; none where only words are searched."""
    single = index.ref("embedder")
    if single is not None:
        yield _vector(facts, index, index, single, None, None)
    for node in index.entries("vectors"):
        embedder = node.ref("embedder")
        if embedder is not None:
            name = Sourced(node.name, (node.source(),))
            yield _vector(facts, index, node, embedder, name, node.maybe_text("field"))


def _vector(
    facts: Facts, index: View[Any], node: Node, embedder: View[Any], name: Sourced[str] | None,
    field: Sourced[str] | None,
) -> Vector:
    known = index.maybe_integer("compression", "dimension") or models.dimension(facts, embedder)
    dimension = known.because(node.ref_name("embedder")) if known is not None else None
    return Vector(
        embedder, node, dimension, name, field, prefix(facts, embedder, "query"), prefix(facts, embedder, "document")
    )


def prefix(facts: Facts, embedder: View[Any], role: str) -> Sourced[str] | None:
    """The text that an embedder wants before a `query` or a `document`; None without one."""
    written = embedder.maybe_text("prefixes", role)
    if written is not None:
        return written
    name = models.repo(embedder)
    row = facts.embedder(name.value) if name is not None else None
    found = row.prefixes.get(role) if row is not None else None
    if not found or row is None or name is None:
        return None
    return Sourced(found, (models.fact_source(row), *name.sources))


def collection(index: View[Any]) -> Sourced[str]:
    """Its name in the store: `collection`, else its own."""
    return index.maybe_text("collection") or index.label


def metric(index: View[Any]) -> Sourced[str]:
    """`cosine`, `dot` or `l2`."""
    return index.text("metric")


def chunk_tokens(facts: Facts, index: View[Any]) -> tuple[Sourced[int] | None, Sourced[int] | None]:
    """The least and the most tokens of a full chunk; None where nothing bounds it.

    Tokens are counted as they are; a sentence or a page has no bound, unless `max_tokens` gives one. How many tokens
    characters make is a matter of the embedder's tokenizer (compiler/derive/tokens.py).
    """
    most = index.maybe_integer("chunking", "max_tokens")
    unit, size = index.maybe_text("chunking", "by"), index.maybe_integer("chunking", "size")
    if unit is None or size is None:
        return None, most
    if unit.value == "tokens":
        return size, combine(min, size, most) if most is not None else size
    return None, most


def used(facts: Facts, index: View[Any]) -> Vector | None:
    """The vector that questions are compared with: the text's, else the first."""
    return next(vectors(facts, index), None)
