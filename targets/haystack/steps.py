"""Each step of a flow as components, in the order in which the plan runs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llmops.compiler.derive.flow import Condition, Step, Value
from llmops.compiler.derive.index import used
from llmops.compiler.derive.model import task
from llmops.compiler.derive.ports import DOCUMENTS
from llmops.compiler.model.exports import Collection
from llmops.compiler.model.sourced import Sourced, combine
from llmops.compiler.model.view import View
from llmops.targets.haystack import jinja
from llmops.targets.haystack.agents import agent, with_tools
from llmops.targets.haystack.calls import chat, embedder, planner
from llmops.targets.haystack.known import join_modes
from llmops.targets.haystack.pipe import Pipe, component
from llmops.targets.haystack.prompts import builder
from llmops.targets.haystack.stores import RETRIEVERS, collection, document_store
from llmops.targets.haystack.values import DATA, TEXT, Wiring, wanted

MESSAGES = "list[haystack.dataclasses.chat_message.ChatMessage]"
FUSION = "reciprocal_rank_fusion"


def lower_step(wiring: Wiring, step: Step) -> None:
    """The step's components; the socket that gives its value is noted. What it cannot do is reported."""
    _common(wiring.pipe, step)
    made = {
        "prompt": _prompt, "index": _index, "model": _model, "agent": _agent, "tool": _other, "code": _other,
        "flow": _other,
    }[step.verb](wiring, step)
    if made is not None:
        wiring.gives[step.name] = made


def _common(pipe: Pipe, step: Step) -> None:
    node = step.node
    if step.each is not None:
        pipe.error(node.at("each"), "a Haystack pipeline runs a step once for a request", "",
                   "let `langgraph` serve the flow")
    if step.otherwise is not None:
        pipe.unsupported(node.at("otherwise"), "a step that fails ends the request",
                         "give the gateway's route `fallbacks`")
    if step.after:
        pipe.unsupported(node.at("after"), "steps run as soon as they have what they take")
    if node.has("cache"):
        pipe.unsupported(node.at("cache"), "it keeps no results", "use the gateway's `cache`")
    if step.verb not in ("prompt", "model", "agent"):
        for field in ("timeout", "retries"):
            if node.has(field):
                pipe.unsupported(node.at(field), "its searches take no such limit")


def _other(wiring: Wiring, step: Step) -> None:
    words = {
        "tool": "calls tools only where a model asks for them",
        "code": "runs no functions of the project",
        "flow": "has no pipelines in pipelines",
    }
    wiring.pipe.error(step.node.at(step.verb), f"a Haystack pipeline {words[step.verb]}", "",
                      "let `langgraph` serve the flow")


# --- prompts and models -------------------------------------------------------------------------------------------


def _prompt(wiring: Wiring, step: Step) -> str | None:
    prompt, model, pipe = step.prompt, step.model, wiring.pipe
    if prompt is None or model is None:
        return None
    ready = _built(wiring, step, prompt, model.address.name)
    if step.node.value.get("tools"):
        return with_tools(wiring, step, prompt, model, ready)
    if step.node.has("tool_choice"):
        pipe.unsupported(step.node.at("tool_choice"), "the step has no tools")
    made = chat(pipe, model, step.node, prompt)
    if made is None:
        return None
    name = f"{step.name}-model"
    pipe.components[name] = made
    pipe.connect(ready, f"{name}.messages")
    return f"{name}.replies"


def _built(wiring: Wiring, step: Step, prompt: View[Any], model: str) -> str:
    """The builder of the step's messages, behind its condition; the socket that gives them."""
    fixed = {name: _said(value) for name, value in step.bound.items() if value.literal is not None}
    named = step.node.ref_name("prompt") or step.node.ref_name("agent")
    if named is not None and step.verb == "agent" and step.resource is not None:
        named = named.because(step.resource.ref_name("prompt"))
    name = wiring.pipe.add(f"{step.name}-prompt", "ChatPromptBuilder",
                           builder(wiring.pipe, prompt, model, fixed, named))
    types = {key: _type(declared) for key, declared in (prompt.value.get("variables") or {}).items()}
    for key, value in step.bound.items():
        if key in types and key not in fixed:
            wiring.feed(_declared(prompt, key, value), f"{name}.{key}", wanted(types[key]))
    return gate(wiring, step, f"{name}.prompt", MESSAGES)


def _declared(prompt: View[Any], key: str, value: Value) -> Value:
    """A value for a variable, whose type decides in which form passages go there."""
    if value.type != DOCUMENTS:
        return value
    typed = ("type",) if isinstance(prompt.value["variables"][key], dict) else ()
    places = (prompt.source("variables", key, *typed),)
    return replace(value, text=value.text.because(Sourced(0, places)))


def _type(declared: Any) -> str:
    return str(declared.get("type", "any") if isinstance(declared, dict) else declared)


def _said(value: Value) -> Sourced[Any]:
    data = value.literal
    return data if isinstance(data, Sourced) else Sourced(_plain(data), value.text.sources)


def _plain(tree: Any) -> Any:
    if isinstance(tree, Sourced):
        return _plain(tree.value)
    if isinstance(tree, dict):
        return {key: _plain(item) for key, item in tree.items()}
    return [_plain(item) for item in tree] if isinstance(tree, list) else tree


def _agent(wiring: Wiring, step: Step) -> str | None:
    found = step.resource
    prompt = found.ref("prompt") if found is not None else None
    model = found.ref("model") if found is not None else None
    if found is None or prompt is None or model is None:
        return None
    ready = _built(wiring, step, prompt, model.address.name)
    return agent(wiring, step, found, prompt, model, ready)


def _model(wiring: Wiring, step: Step) -> str | None:
    """A model alone: what it does follows from its task."""
    model, pipe = step.model, wiring.pipe
    if model is None:
        return None
    known = task(pipe.lowering.facts, model)
    what = known.value if known is not None else "chat"
    value = step.values.get("input")
    if value is None:
        return None
    if what == "embedding":
        made = embedder(pipe, "OpenAITextEmbedder", model, step.node, "model", None, step.node)
        if made is None:
            return None
        name = f"{step.name}-embedder"
        pipe.components[name] = made
        return f"{name}.embedding" if _into(wiring, step, value, f"{name}.text") else None
    if what == "chat":
        made = chat(pipe, model, step.node)
        if made is None:
            return None
        name = f"{step.name}-model"
        pipe.components[name] = made
        return f"{name}.replies" if _into(wiring, step, value, f"{name}.messages") else None
    pipe.error(step.node.at("model"), f"Haystack has no component for {what} by this API", f"{model.address} does that",
               "sort in the store, or let `langgraph` serve the flow" if what == "rerank" else "")
    return None


def _into(wiring: Wiring, step: Step, value: Value, receiver: str) -> bool:
    """A text into a socket, through the step's condition where it has one."""
    if not step.conditions:
        return wiring.feed(value, receiver, TEXT)
    go = gate(wiring, step, None, "str", value)
    wiring.pipe.connect(go, receiver, value.text)
    return True


# --- searches -----------------------------------------------------------------------------------------------------


def _index(wiring: Wiring, step: Step) -> str | None:
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
        fed = _into(wiring, step, query, _second(pipe, step, index, name) if mode == "hybrid" else f"{name}.query")
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
        fed = _into(wiring, step, query, f"{step.name}-embedder.text")
    _live_filters(wiring, step, f"{name}.filters")
    return f"{name}.documents" if fed else None


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
    return f"{name}.documents" if _into(wiring, step, step.values["query"], f"{asker}.query") else None


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
    if node.has("score_threshold") and found.engine != "qdrant":
        pipe.unsupported(node.at("score_threshold"), "its searches in PostgreSQL take no least score", "lower `top_k`")
    if node.has("candidates") and mode != "hybrid":
        pipe.unsupported(node.at("candidates"), "only a search of both kinds looks at more than it gives",
                         "`algorithm: {ef: …}` of the index")
    if node.has("top_n"):
        pipe.unsupported(node.at("top_n"), "nothing is sorted again", "lower `top_k`")
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
        said = f"by_{field}" if value.literal is None else jinja.value(_plain(value.literal))
        parts.append(f"{{'field': {jinja.value('meta.' + field)}, 'operator': {operator}, 'value': {said}}}")
        sources.append(value.text)
    template = "{{ {'operator': 'AND', 'conditions': [" + ", ".join(parts) + "]} }}"
    made = combine(lambda *_: template, *sources).express(str)
    name = wiring.pipe.add(f"{step.name}-filter", "OutputAdapter",
                           {"template": made, "output_type": "dict[str, typing.Any]"})
    for field in live:
        wiring.feed(step.filters[field], f"{name}.by_{field}", DATA)
    wiring.pipe.connect(f"{name}.output", receiver)


# --- conditions ---------------------------------------------------------------------------------------------------


def gate(wiring: Wiring, step: Step, sender: str | None, kind: str, value: Value | None = None) -> str:
    """What a step is fed, let through only where its conditions hold; else nothing that hangs on it runs.

    The other way gives an empty text: what it gave would be in the app's reply.
    """
    if not step.conditions:
        assert sender is not None
        return sender
    name = f"{step.name}-when"
    test = " and ".join(_test(wiring, step, number, c) for number, c in enumerate(step.conditions))
    sources = tuple(s for c in step.conditions for s in (*c.value.text.sources, step.node.source("when", _key(c))))
    routes = [
        {"condition": Sourced("{{ " + test + " }}", sources, raw=True), "output": "value", "output_name": "go",
         "output_type": kind, "output_passthrough": True},
        {"condition": "{{ True }}", "output": "{{ '' }}", "output_name": "skipped", "output_type": "str"},
    ]
    if name in wiring.pipe.components:
        return f"{name}.go"
    wiring.pipe.add(name, "ConditionalRouter", {"routes": routes}, Sourced(0, sources))
    for number, one in enumerate(step.conditions):
        wiring.feed(one.value, f"{name}.given_{number}", DATA if one.value.type == "array" else TEXT)
    if value is not None:
        wiring.feed(value, f"{name}.value", TEXT)
    elif sender is not None:
        wiring.pipe.connect(sender, f"{name}.value")
    return f"{name}.go"


def _key(one: Condition) -> str:
    return str(one.value.text.value)


def _test(wiring: Wiring, step: Step, number: int, one: Condition) -> str:
    field = one.value.step is not None and one.value.path[:1] == ("output",)
    # a field that was found in a text is a text itself
    equals = tuple(_word(item) if field else item for item in one.equals)
    return jinja.condition(f"given_{number}", equals, one.present)


def _word(item: Any) -> str:
    return str(item).lower() if isinstance(item, bool) else str(item)
