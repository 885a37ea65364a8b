"""What vector stores take, by version; and how embedders may be shortened."""

from __future__ import annotations

import pytest

from llmops.compiler.facts import Facts

FACTS = Facts()


@pytest.mark.parametrize(
    ("asked", "version", "exact"),
    [
        ("0.8", "0.8.6", True),
        ("0.8.1", "0.7.4", False),
        ("0.7", "0.7.4", True),
        ("0.6", "0.5.1", False),
        ("0.4", "0.4.4", True),
        ("1", "0.8.6", False),
        (None, "0.8.6", False),
    ],
)
def test_the_newest_row_of_a_release_answers(asked: str | None, version: str, exact: bool) -> None:
    store = FACTS.store("pgvector", asked)
    assert store is not None
    assert (store.version, store.exact, store.asked, store.fact) == (version, exact, asked, f"store/pgvector/{version}")


@pytest.mark.parametrize(("engine", "version"), [("pgvector", "0.3"), ("pgvector", "latest"), ("nope", None)])
def test_what_no_row_knows_is_unknown(engine: str, version: str | None) -> None:
    assert FACTS.store(engine, version) is None


def test_pgvector_indexes_shorter_vectors_than_it_keeps() -> None:
    store = FACTS.store("pgvector", "0.8")
    assert store is not None
    assert dict(store.metrics) == {"cosine": "<=>", "dot": "<#>", "l2": "<->"}
    full, half, binary = (store.vectors[kind] for kind in ("full", "half", "binary"))
    assert (full.type, full.most, dict(full.indexed)) == ("vector", 16_000, {"hnsw": 2000, "ivfflat": 2000})
    assert (half.type, half.most, dict(half.indexed)) == ("halfvec", 16_000, {"hnsw": 4000, "ivfflat": 4000})
    assert (binary.type, binary.most, binary.indexed["hnsw"]) == ("bit", None, 64_000)
    assert full.operator_classes["hnsw"] == {
        "cosine": "vector_cosine_ops", "dot": "vector_ip_ops", "l2": "vector_l2_ops",
    }
    assert half.operator_classes["ivfflat"]["cosine"] == "halfvec_cosine_ops"


def test_older_pgvector_has_fewer_types_and_indexes() -> None:
    middle, old = FACTS.store("pgvector", "0.5"), FACTS.store("pgvector", "0.4")
    assert middle is not None
    assert old is not None
    assert set(middle.vectors) == {"full"}
    assert set(old.vectors["full"].indexed) == {"ivfflat"}


def test_other_stores_name_their_metrics() -> None:
    qdrant = FACTS.store("qdrant", "1.19")
    assert qdrant is not None
    assert (qdrant.metrics["l2"], qdrant.vectors["full"].most, dict(qdrant.vectors["full"].indexed)) == (
        "Euclid", 65_536, {},
    )
    assert {"chroma", "milvus", "opensearch", "pgvector", "qdrant", "redis", "weaviate"} == set(FACTS.stores())


@pytest.mark.parametrize(
    ("repo", "length", "may"),
    [
        ("nomic-ai/nomic-embed-text-v1.5", 768, True),
        ("nomic-ai/nomic-embed-text-v1.5", 256, True),
        ("nomic-ai/nomic-embed-text-v1.5", 300, False),
        ("nomic-ai/nomic-embed-text-v1.5", 1024, False),
        ("Qwen/Qwen3-Embedding-0.6B", 777, True),
        ("Qwen/Qwen3-Embedding-0.6B", 16, False),
        ("sentence-transformers/all-MiniLM-L6-v2", 384, True),
        ("sentence-transformers/all-MiniLM-L6-v2", 128, None),
    ],
)
def test_shortened_embeddings(repo: str, length: int, may: bool | None) -> None:
    row = FACTS.embedder(repo)
    assert row is not None
    assert row.may_be(length) is may


def test_prefixes_of_embedders_that_tell_queries_from_documents() -> None:
    row = FACTS.embedder("intfloat/e5-base-v2")
    assert row is not None
    assert dict(row.prefixes) == {"query": "query: ", "document": "passage: "}
    plain = FACTS.embedder("sentence-transformers/all-MiniLM-L6-v2")
    assert plain is not None
    assert dict(plain.prefixes) == {}


def test_shortened_lengths_are_below_the_dimension() -> None:
    for repo in FACTS.embedders():
        row = FACTS.embedder(repo)
        assert row is not None
        assert all(length < row.dimension for length in row.shortened or ()), repo
        assert row.shortened_from is None or row.shortened_from < row.dimension, repo
