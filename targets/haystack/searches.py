"""Steps that search: retrievers of meanings and of words, and what stands around them."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.flow import Step
from llmops.compiler.derive.index import used
from llmops.compiler.model.exports import Collection
from llmops.compiler.model.sourced import Sourced, combine
from llmops.compiler.model.view import View
from llmops.targets.haystack import jinja
from llmops.targets.haystack.calls import embedder, planner
from llmops.targets.haystack.conditions import into
from llmops.targets.haystack.known import join_modes
from llmops.targets.haystack.pipe import Pipe, component
from llmops.targets.haystack.stores import RETRIEVERS, collection, document_store
from llmops.targets.haystack.values import DATA, Wiring, plain

FUSION = "reciprocal_rank_fusion"


def search(wiring: Wiring, step: Step) -> str | None:
    index, pipe = step.resource, wiring.pipe
    query = step.values.get("query")
    if index is None or query is None:
        return None
    found = collection(pipe, index, step.node.at("index"))
    if found is None:
        return None
    mode = step.node.text("mode").value
    ways = ("vector", "keyword") if mode == "hybrid" else (mode,)
    missing = [way for way in ways if (found.engine, way) not in RETRIEVERS]
    if missing:
        pipe.error(step.node.at("mode"), f"Haystack searches no words in {found.engine}", "", "`mode: vector`")
        return None
    _search_unsupported(pipe, step, found, mode)
    sockets = []
    for way in ways:
        made = _search(wiring, step, index, found, way, mode)
        if made is not None:
            sockets.append(made)
    if len(sockets) < len(ways):
        return None
    return sockets[0] if len(sockets) == 1 else _joined(pipe, step, index, sockets)


def _search(wiring: Wiring, step: Step, index: View[Any], found: Collection, way: str, mode: str) -> str | None:
    """One retriever, fed with the question or with its vector."""
    pipe, named, query = wiring.pipe, step.node.ref_name("index"), step.values["query"]
    name = f"{step.name}-{'words' if way == 'keyword' else 'retriever'}"
    most = step.node.maybe_integer("candidates") if mode == "hybrid" else None
    parameters = {
        "document_store": document_store(pipe, index, found, named),
        "filters": _fixed_filters(step),
        "top_k": most or step.node.maybe_integer("top_k"),
        "score_threshold": step.node.maybe_number("score_threshold") if found.engine == "qdrant" else None,
    }
    if way == "keyword":
        pipe.add(name, RETRIEVERS[found.engine, way], parameters, step.node.get("mode"))
        fed = into(wiring, step, query, _second(pipe, step, index, name) if mode == "hybrid" else f"{name}.query")
    else:
        vector = used(pipe.lowering.facts, index)
        if vector is None:
            pipe.error(step.node.at("index"), f"{index.address} has no vectors to compare with", "", "`mode: keyword`")
            return None
        made = embedder(pipe, "OpenAITextEmbedder", vector.embedder, vector.node, "embedder", vector.query)
        if made is None:
            return None
        if step.node.ref("planner") is not None:
            return _planned(wiring, step, made, RETRIEVERS[found.engine, way], parameters, named)
        pipe.components[f"{step.name}-embedder"] = made
        pipe.add(name, RETRIEVERS[found.engine, way], parameters)
        pipe.connect(f"{step.name}-embedder.embedding", f"{name}.query_embedding")
        fed = into(wiring, step, query, f"{step.name}-embedder.text")
    _live_filters(wiring, step, f"{name}.filters")
    return _scoring(pipe, step, found, f"{name}.documents", way) if fed else None


def _scoring(pipe: Pipe, step: Step, found: Collection, sender: str, way: str) -> str:
    """Where the store's own search knows no least score, what scores less is left out behind it."""
    least = step.node.maybe_number("score_threshold")
    if least is None or way != "vector" or found.engine == "qdrant" or found.metric.value == "l2":
        return sender
    name = pipe.add(f"{step.name}-least", "LeastScore", {"score": least}, least)
    pipe.connect(sender, f"{name}.documents", least)
    return f"{name}.documents"


def _second(pipe: Pipe, step: Step, index: View[Any], name: str) -> str:
    """Where the words' question goes in. A joiner weighs what it is given in the order in which it came: so where
    weights are given, words are searched after meanings."""
    if not index.has("keyword", "weight"):
        return f"{name}.query"
    after = pipe.add(f"{step.name}-query", "OutputAdapter",
                     {"template": "{% set before = documents %}{{ query }}", "output_type": "str"})
    pipe.connect(f"{step.name}-retriever.documents", f"{after}.documents")
    pipe.connect(f"{after}.output", f"{name}.query")
    return f"{after}.query"


def _planned(
    wiring: Wiring, step: Step, made: dict[str, Any], kind: str, parameters: dict[str, Any], named: Sourced[str] | None
) -> str | None:
    """A model writes more queries; what all of them find is put together."""
    pipe, model = wiring.pipe, step.node.ref("planner")
    writer = planner(pipe, model, step.node) if model is not None else None
    if writer is None:
        return None
    if any(value.literal is None for value in step.filters.values()):
        pipe.error(step.node.at("filter"), "Haystack filters planned searches by fixed values alone")
    asker = pipe.add(f"{step.name}-planner", "QueryExpander", {"chat_generator": writer}, step.node.ref_name("planner"))
    name = pipe.add(f"{step.name}-retriever", "MultiQueryEmbeddingRetriever", {
        "retriever": component(kind, parameters, named), "query_embedder": made,
    }, step.node.ref_name("planner"))
    pipe.connect(f"{asker}.queries", f"{name}.queries")
    return f"{name}.documents" if into(wiring, step, step.values["query"], f"{asker}.query") else None


def _joined(pipe: Pipe, step: Step, index: View[Any], sockets: list[str]) -> str:
    """What meanings and words found, in one order."""
    ranker = step.node.maybe_text("ranker")
    weight = index.maybe_number("keyword", "weight")
    weights = None
    if weight is not None:
        weights = [weight.express(lambda w: round(1 - w, 6)), weight]
    name = pipe.add(f"{step.name}-joiner", "DocumentJoiner", {
        "join_mode": ranker if ranker is not None and ranker.value in join_modes() else FUSION,
        "weights": weights,
        "top_k": step.node.maybe_integer("top_k"),
    }, step.node.maybe_text("mode"))
    for socket in sockets:
        pipe.connect(socket, f"{name}.documents", step.node.get("mode"))
    return f"{name}.documents"


def _search_unsupported(pipe: Pipe, step: Step, found: Collection, mode: str) -> None:
    node = step.node
    if node.has("score_threshold") and (mode == "keyword" or (found.engine != "qdrant" and found.metric.value == "l2")):
        pipe.unsupported(node.at("score_threshold"), "only similarities have a least score: not distances, not words",
                         "lower `top_k`")
    index = step.resource
    admits = index.get("acl") if index is not None else None
    for field in admits.value if admits is not None else ():
        if index is not None and field not in step.filters:
            pipe.error(node.at("index"), f"who searches {index.address} must say its `{field}`",
                       "anybody's would be found", f"`filter: {{{field}: …}}`")
    if node.has("candidates") and mode != "hybrid":
        pipe.unsupported(node.at("candidates"), "only a search of both kinds looks at more than it gives",
                         "`algorithm: {ef: …}` of the index")
    if node.has("top_n"):
        pipe.unsupported(node.at("top_n"), "a search sorts nothing again", "add a step of a model whose task is rerank")
    ranker = node.maybe_text("ranker")
    if ranker is not None and (mode != "hybrid" or ranker.value not in join_modes()):
        pipe.unsupported(node.at("ranker"), f"it joins the results of both kinds by {', '.join(join_modes())}")
    if "probes" in found.search:
        pipe.unsupported(step.resource.at("algorithm", "probes") if step.resource is not None else node.at(),
                         "its connections set no such number", "set it for the database's user")
    if step.bound:
        pipe.unsupported(node.at("with"), "a search takes its query and its filter")


def _condition(field: str, value: Any) -> dict[str, Any]:
    several = isinstance(value, list)
    return {"field": f"meta.{field}", "operator": "in" if several else "==", "value": value}


def _fixed_filters(step: Step) -> dict[str, Any] | None:
    """Filters whose values all stand in the config."""
    if not step.filters or any(value.literal is None for value in step.filters.values()):
        return None
    conditions = [_condition(field, value.literal) for field, value in step.filters.items()]
    return {"operator": "AND", "conditions": conditions}


def _live_filters(wiring: Wiring, step: Step, receiver: str) -> None:
    """Filters with values of the request: made for each by a template."""
    live = [field for field, value in step.filters.items() if value.literal is None]
    if not live:
        return
    parts, sources = [], []
    for field, value in step.filters.items():
        operator = "'in'" if value.type == "array" else "'=='"
        said = f"by_{field}" if value.literal is None else jinja.value(plain(value.literal))
        parts.append(f"{{'field': {jinja.value('meta.' + field)}, 'operator': {operator}, 'value': {said}}}")
        sources.append(value.text)
    template = "{{ {'operator': 'AND', 'conditions': [" + ", ".join(parts) + "]} }}"
    made = combine(lambda *_: template, *sources).express(str)
    name = wiring.pipe.add(f"{step.name}-filter", "OutputAdapter",
                           {"template": made, "output_type": "dict[str, typing.Any]"})
    for field in live:
        wiring.feed(step.filters[field], f"{name}.by_{field}", DATA)
    wiring.pipe.connect(f"{name}.output", receiver)
