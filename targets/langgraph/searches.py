"""A step that searches an index, as the runtime reads it."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.flow import Step
from llmops.compiler.derive.index import Vector, used
from llmops.compiler.derive.model import task
from llmops.compiler.derive.params import params
from llmops.compiler.model.exports import Collection
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.view import View
from llmops.targets.langgraph.agents import called, owned
from llmops.targets.langgraph.work import Work

ENGINES = {"pgvector": ("vector", "keyword", "hybrid"), "qdrant": ("vector",)}
"""The stores that can be searched, with their modes."""
MOST = 10
"""Chunks where a step says no number: as many as Haystack's retrievers find then."""
RANKERS = ("rrf",)
NOT_SAID = {
    "planner": ("it searches for what it is told alone", ""),
    "top_n": ("nothing is sorted again", "lower `top_k`"),
}


def index(work: Work, step: Step) -> dict[str, Any] | None:
    """Where the collection is, and how it is searched."""
    node, found = step.node, step.resource
    if found is None or "query" not in step.values:
        return None
    kept = work.lowering.ask(Collection, found)
    mode = node.text("mode")
    if kept is None or kept.engine not in ENGINES:
        store = found.ref("store")
        work.error(node.at("index"), f"the runtime cannot search {found.address}",
                   f"it is kept in {store.value.get('engine') if store is not None else 'no store'}",
                   f"stores of {' and '.join(ENGINES)} can be searched")
        return None
    if mode.value not in ENGINES[kept.engine]:
        work.error(node.at("mode"), f"the runtime searches no words in {kept.engine}", "", "`mode: vector`")
        return None
    _unsupported(work, step, found, kept)
    work.needs.append(kept.store)
    work.stores.add(kept.engine)
    made = _collection(work, found, kept, node.ref_name("index"), mode)
    made["mode"] = mode
    made["top_k"] = node.maybe_integer("top_k") or literal(MOST)
    if mode.value == "hybrid":
        candidates, weight = node.maybe_integer("candidates"), found.maybe_number("keyword", "weight")
        made |= {"candidates": candidates} if candidates is not None else {}
        made |= {"weight": weight} if weight is not None else {}
    least = node.maybe_number("score_threshold")
    if least is not None and kept.metric.value != "l2" and mode.value == "vector":
        made["score_threshold"] = least
    if mode.value != "keyword":
        vector = used(work.lowering.facts, found)
        if vector is None:
            work.error(node.at("index"), f"{found.address} has no vectors to compare with", "", "`mode: keyword`")
            return None
        embedder = _embedder(work, vector)
        if embedder is None:
            return None
        made["embedder"] = embedder
        if vector.name is not None and kept.engine == "qdrant":
            made["vector"] = vector.name
    return {"index": made}


def _collection(
    work: Work, found: View[Any], kept: Collection, named: Sourced[str] | None, mode: Sourced[str]
) -> dict[str, Any]:
    store = found.get("store")
    made: dict[str, Any] = {"engine": Sourced(kept.engine, raw=True).because(store)}
    if kept.outside is not None:
        made["variable"] = kept.outside.name.because(store)
        work.variables.append(kept.outside)
    elif kept.url is not None:
        made["url"] = kept.url.because(store)
    if kept.key is not None:
        made["key"] = kept.key.name.because(store)
        work.variables.append(kept.key)
    if kept.schema is not None:
        made["schema"] = _plain(kept.schema)
    made["collection"] = _plain(kept.name) if found.has("collection") else _plain(kept.name).because(named)
    if mode.value != "vector" and kept.language is not None:
        made["language"] = _plain(kept.language).because(mode)
    if mode.value == "keyword":
        return made
    if kept.engine == "pgvector":
        made |= {"metric": kept.metric.because(mode), "element": kept.element.because(mode)}
    elif kept.algorithm.value == "flat":
        made["exact"] = kept.algorithm.map(lambda _: True)
    if kept.search:
        made["search"] = {name: number.because(mode) for name, number in kept.search.items()}
    return made


def _plain(text: Sourced[str]) -> Sourced[str]:
    return Sourced(text.value, text.sources, raw=True)


def _embedder(work: Work, vector: Vector) -> dict[str, Any] | None:
    """The model that makes a question's vector, as it made those of the chunks."""
    what = task(work.lowering.facts, vector.embedder)
    if what is not None and what.value != "embedding":
        work.error(vector.node.at("embedder"), f"{vector.embedder.address} makes no embeddings",
                   f"its task is {what.value}")
        return None
    made = called(work, vector.node, None, "embedder")
    if made is None:
        return None
    named = vector.node.ref_name("embedder")
    sent = {key: one.because(named) if owned(one, vector.embedder) else one
            for key, one in params(vector.embedder).items()}
    dimension = vector.embedder.maybe_integer("dimension")
    if dimension is not None:
        sent["dimensions"] = dimension.because(named)
    made.pop("params", None)
    made |= {"params": sent} if sent else {}
    if vector.query is not None:
        made["prefix"] = vector.query.because(named)
    return made


def _unsupported(work: Work, step: Step, found: View[Any], kept: Collection) -> None:
    node, mode = step.node, step.node.text("mode").value
    for field, (why, cure) in NOT_SAID.items():
        if node.has(field):
            work.unsupported(node.at(field), why, cure)
    ranker = node.maybe_text("ranker")
    if ranker is not None and (mode != "hybrid" or ranker.value not in RANKERS):
        work.unsupported(node.at("ranker"), f"it joins the results of both kinds by {', '.join(RANKERS)}")
    if node.has("candidates") and mode != "hybrid":
        work.unsupported(node.at("candidates"), "only a search of both kinds looks at more than it gives",
                         "`algorithm: {ef: …}` of the index")
    if node.has("score_threshold") and (kept.metric.value == "l2" or mode != "vector"):
        work.unsupported(node.at("score_threshold"), "such scores have no least that means the same everywhere",
                         "lower `top_k`, or search by `mode: vector` with the metric cosine or dot")
    if node.has("with"):
        work.unsupported(node.at("with"), "a search takes its query and its filter")
