"""Searches of an index, in the collection that its store keeps: by meaning, by words, or both.

A passage is a map of `content`, `score` and `meta`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from openai import AsyncOpenAI

from agent_graphs.budgets import cost, pay

FUSION = 60
"""What a rank is added to where two orders are made one, so that the first of one order does not outweigh all."""
OPERATORS = {"cosine": "<=>", "dot": "<#>", "l2": "<->"}
SCORES = {"cosine": "1 - ({})", "dot": "-1 * ({})", "l2": "{}"}


async def search(index: Mapping[str, Any], query: str, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The passages, best first."""
    mode, most = index["mode"], index["top_k"]
    find = _qdrant if index["engine"] == "qdrant" else _pgvector
    wanted = index.get("candidates", most) if mode == "hybrid" else most
    orders = []
    for way in ("vector", "keyword") if mode == "hybrid" else (mode,):
        orders.append(await find(index, way, query, filters, wanted))
    found = orders[0] if len(orders) == 1 else fused(orders, index.get("weight"))
    if "score_threshold" in index:
        found = [one for one in found if one["score"] >= index["score_threshold"]]
    return found[:most]


def fused(orders: list[list[dict[str, Any]]], weight: float | None) -> list[dict[str, Any]]:
    """One order of several, by the ranks in each; `weight` is that of the words."""
    shares = [1.0] * len(orders) if weight is None else [1 - weight, weight]
    scores: dict[str, float] = {}
    passages: dict[str, dict[str, Any]] = {}
    for order, share in zip(orders, shares, strict=True):
        for rank, one in enumerate(order, 1):
            passages.setdefault(one["id"], one)
            scores[one["id"]] = scores.get(one["id"], 0.0) + share / (FUSION + rank)
    best = sorted(scores, key=lambda key: -scores[key])
    return [{**passages[key], "score": scores[key]} for key in best]


async def embedded(told: Mapping[str, Any], query: str) -> list[float]:
    """The vector of a question, with the words that its model wants before it."""
    client = AsyncOpenAI(
        base_url=os.environ[told["variable"]] if "variable" in told else told["url"],
        api_key=os.environ[told["key"]] if "key" in told else "none",
    )
    async with client:
        made = await client.embeddings.create(
            model=told["name"], input=told.get("prefix", "") + query, encoding_format="float",
            extra_body=told.get("params"),
        )  # fmt: skip
    pay(cost(told.get("price", {}), made.usage.prompt_tokens if made.usage else 0, 0))
    return list(made.data[0].embedding)


# --- PostgreSQL ----------------------------------------------------------------------------------------------------


async def _pgvector(
    index: Mapping[str, Any], way: str, query: str, filters: Mapping[str, Any], most: int
) -> list[dict[str, Any]]:
    import psycopg
    from psycopg import sql

    conditions: list[Any] = [_condition(field, value) for field, value in filters.items()]
    given: dict[str, Any] = {"most": most}
    if way == "vector":
        given["vector"] = "[" + ",".join(map(str, await embedded(index["embedder"], query))) + "]"
        kind = sql.SQL("halfvec" if index["element"] == "half" else "vector")
        apart = sql.SQL("embedding {} %(vector)s::{}").format(sql.SQL(OPERATORS[index["metric"]]), kind)
        before, after = SCORES[index["metric"]].split("{}")
        score, order = sql.SQL(before) + apart + sql.SQL(after), apart
        conditions.append(sql.SQL("embedding IS NOT NULL"))
    else:
        given["query"] = query
        language = sql.Literal(index["language"])
        words = sql.SQL("to_tsvector({}, content)").format(language)
        asked = sql.SQL("plainto_tsquery({}, %(query)s)").format(language)
        score = sql.SQL("ts_rank_cd({}, {})").format(words, asked)
        order = score + sql.SQL(" DESC")
        conditions.append(sql.SQL("{} @@ {}").format(words, asked))
    statement = sql.SQL("SELECT id, content, meta, {} AS score FROM {} WHERE {} ORDER BY {} LIMIT %(most)s").format(
        score, sql.Identifier(index["schema"], index["collection"]), sql.SQL(" AND ").join(conditions), order
    )
    address = os.environ[index["variable"]]
    async with await psycopg.AsyncConnection.connect(address) as connection, connection.transaction():
        for name, number in index.get("search", {}).items():
            await connection.execute(sql.SQL("SET LOCAL {} = {}").format(sql.SQL(_SETTINGS[name]), int(number)))
        rows = await (await connection.execute(statement, given)).fetchall()
    return [{"id": i, "content": c or "", "score": float(s), "meta": m or {}} for i, c, m, s in rows]


_SETTINGS = {"ef": "hnsw.ef_search", "probes": "ivfflat.probes"}


def _condition(field: str, value: Any) -> Any:
    """A field of a passage's `meta`, compared as the index beside the table does: as text, number or truth."""
    from psycopg import sql

    several = value if isinstance(value, list) else [value]
    first = several[0] if several else ""
    cast = "::boolean" if isinstance(first, bool) else "::numeric" if isinstance(first, (int, float)) else ""
    text = sql.SQL("(meta->>{})" + cast).format(sql.Literal(field))
    if not several:
        return sql.SQL("false")
    return text + sql.SQL(" IN (") + sql.SQL(", ").join(map(sql.Literal, several)) + sql.SQL(")")


# --- Qdrant --------------------------------------------------------------------------------------------------------


async def _qdrant(
    index: Mapping[str, Any], way: str, query: str, filters: Mapping[str, Any], most: int
) -> list[dict[str, Any]]:
    from qdrant_client import AsyncQdrantClient, models

    address = os.environ[index["variable"]] if "variable" in index else index["url"]
    # An address that is none is a folder: the client's own database, which needs no server.
    where = {"url": address} if address.startswith(("http://", "https://")) else {"path": address}
    client = AsyncQdrantClient(**where, api_key=os.environ[index["key"]] if "key" in index else None)
    wanted: list[Any] = []
    for field, value in filters.items():
        match: Any = models.MatchAny(any=value) if isinstance(value, list) else models.MatchValue(value=value)
        if isinstance(value, float):
            wanted.append(models.FieldCondition(key=f"meta.{field}", range=models.Range(gte=value, lte=value)))
        else:
            wanted.append(models.FieldCondition(key=f"meta.{field}", match=match))
    try:
        found = await client.query_points(
            index["collection"], query=await embedded(index["embedder"], query), using=index.get("vector"), limit=most,
            query_filter=models.Filter(must=wanted) if wanted else None,
            search_params=models.SearchParams(hnsw_ef=index.get("search", {}).get("ef"), exact=index.get("exact")),
        )  # fmt: skip
    finally:
        await client.close()
    return [
        {"id": str(one.id), "content": (one.payload or {}).get("content") or "", "score": one.score,
         "meta": (one.payload or {}).get("meta") or {}}
        for one in found.points
    ]  # fmt: skip
