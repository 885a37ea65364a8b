"""Document stores: how a component finds the collection of an index."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.exports import Collection
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import View
from llmops.targets.haystack.pipe import Pipe, because, component

FUNCTIONS = {"cosine": "cosine_similarity", "dot": "inner_product", "l2": "l2_distance"}
SIMILARITIES = {"cosine": "cosine", "dot": "dot_product", "l2": "l2"}
TYPES = {"full": "vector", "half": "halfvec"}
RETRIEVERS = {
    ("pgvector", "vector"): "PgvectorEmbeddingRetriever",
    ("pgvector", "keyword"): "PgvectorKeywordRetriever",
    ("qdrant", "vector"): "QdrantEmbeddingRetriever",
}
"""By the engine of the store and the way of searching."""


def collection(pipe: Pipe, index: View[Any], at: KeyPath) -> Collection | None:
    """Where an index is kept; an error at the place that needs it where no target knows, or Haystack cannot get in."""
    found = pipe.lowering.ask(Collection, index, pipe.near)
    if found is None or (found.engine, "vector") not in RETRIEVERS:
        engine = index.ref("store")
        named = engine.value.get("engine") if engine is not None else None
        pipe.error(at, f"Haystack cannot search {index.address}", f"it is kept in {named}",
                   "stores of pgvector and qdrant can be searched")
        return None
    pipe.must_answer(found.store)
    return found


def document_store(pipe: Pipe, index: View[Any], found: Collection, why: Sourced[Any] | None) -> dict[str, Any]:
    made = _pgvector(pipe, found) if found.engine == "pgvector" else _qdrant(pipe, found)
    kind = "PgvectorDocumentStore" if found.engine == "pgvector" else "QdrantDocumentStore"
    reference = Sourced(0, (index.source("store"),))
    if "url" in made:
        made["url"] = because(made["url"], reference)
    for name in ("connection_string", "api_key"):
        if name in made:
            made[name] = {**made[name], "env_vars": because(made[name]["env_vars"], reference)}
    if not index.has("collection"):
        # the names follow from the index's own, which the step says
        for name in ("table_name", "hnsw_index_name", "keyword_index_name", "index"):
            if name in made:
                made[name] = because(made[name], why)
    return component(kind, made)


def _pgvector(pipe: Pipe, found: Collection) -> dict[str, Any]:
    """Its two indexes have one default name each, which a second table in the schema could not have."""
    made: dict[str, Any] = {}
    if found.outside is not None:
        made["connection_string"] = pipe.secret(found.outside)
    if found.schema is not None:
        made["schema_name"] = _plain(found.schema)
    made["table_name"] = _plain(found.name)
    if found.dimension is not None:
        made["embedding_dimension"] = found.dimension
    made["vector_type"] = found.element.express(lambda e: TYPES[e])
    made["vector_function"] = found.metric.express(lambda m: FUNCTIONS[m])
    graph = found.algorithm.value == "hnsw" and "vector" in found.indexes
    made["search_strategy"] = found.algorithm.express(lambda _: "hnsw" if graph else "exact_nearest_neighbor")
    if graph:
        made["hnsw_index_name"] = _plain(found.indexes["vector"]).because(found.algorithm)
        if found.build:
            made["hnsw_index_creation_kwargs"] = dict(found.build)
        if "ef" in found.search:
            made["hnsw_ef_search"] = found.search["ef"]
    made["keyword_index_name"] = _plain(found.indexes["keyword"])
    if found.language is not None:
        made["language"] = _plain(found.language)
    return made


def _qdrant(pipe: Pipe, found: Collection) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if found.url is not None:
        made["url"] = found.url
    if found.key is not None:
        made["api_key"] = pipe.secret(found.key)
    made["index"] = _plain(found.name)
    if found.dimension is not None:
        made["embedding_dim"] = found.dimension
    made["similarity"] = found.metric.express(lambda m: SIMILARITIES[m])
    # what is there already is taken as it is: a collection of others would be dropped otherwise
    made["recreate_index"] = False
    return made


def _plain(text: Sourced[str]) -> Sourced[str]:
    return Sourced(text.value, text.sources, raw=True)
