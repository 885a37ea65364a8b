"""Models as Haystack's OpenAI components call them: chat and embeddings, along the way that a call takes."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.model import task
from llmops.compiler.derive.params import params
from llmops.compiler.derive.route import Call, reach, route, unanswered
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import At
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node, View
from llmops.targets.haystack.pipe import Pipe, because, component
from llmops.targets.haystack.schemas import response_format

CONSUMER = "haystack"
NO_KEY = "LLMOPS_NO_KEY"
"""The client wants a key also where a server asks for none: this variable holds a word in its place."""
ADDRESS = "OPENAI_BASE_URL"
"""Where the client finds an address that no pipeline says."""


def call(pipe: Pipe, model: View[Any], caller: Node, field: str) -> Call | None:
    """How a model is reached from where the pipeline runs; None, and an error, where nothing answers for it."""
    way = route(pipe.lowering.reader, model, caller)
    found = reach(pipe.lowering, way, CONSUMER, pipe.near) if way.reached else None
    if found is None:
        pipe.error(caller.at(field), f"Haystack cannot reach {model.address}", *unanswered(pipe.lowering, way))
        return None
    if not _speaks_openai(pipe, model, found):
        pipe.error(caller.at(field), f"Haystack reaches {model.address} by no API that it speaks",
                   "its components speak OpenAI's", "let a gateway serve the model")
        return None
    return found


def _speaks_openai(pipe: Pipe, model: View[Any], found: Call) -> bool:
    api = model.maybe_text("endpoint", "api")
    if found.route.level != "provider":
        return True
    if api is not None:
        return api.value == "openai"
    row = pipe.lowering.facts.provider(found.provider.value) if found.provider is not None else None
    return row is None or row.protocol == "openai"


def _client(pipe: Pipe, found: Call, caller: Node, field: str) -> dict[str, Any]:
    """The parameters that all its clients share."""
    for view in (found.route.gateway, found.route.deployment):
        if view is not None:
            pipe.must_answer(view.address)
    if found.key is None:
        pipe.settings[NO_KEY] = literal("none")
    if found.url_variable is not None:
        if found.url_variable.name.value != ADDRESS:
            pipe.error(caller.at(field), f"Haystack reads an address that is known only outside from `{ADDRESS}` alone",
                       f"this one stands in `{found.url_variable.name.value}`", f"call the variable `{ADDRESS}`")
        pipe.reads(found.url_variable)
    key = found.key or Variable(literal(NO_KEY))
    return {
        "api_key": pipe.secret(key) if found.key is not None else _no_key(),
        "model": found.model,
        "api_base_url": found.url,
    }


def _named(client: dict[str, Any], found: Call, named: Sourced[str] | None) -> dict[str, Any]:
    """What follows of the reference to a model: its name; where no gateway stands between, address and key too."""
    if found.route.level == "gateway":
        return {**client, "model": because(client["model"], named)}
    key = client["api_key"]
    return {
        "api_key": {**key, "env_vars": because(key["env_vars"], named)},
        "model": because(client["model"], named),
        "api_base_url": because(client["api_base_url"], named) if client["api_base_url"] is not None else None,
    }


def _because(value: Any, model: View[Any] | None, named: Sourced[str] | None) -> Any:
    """The own parameters of a model, or of a prompt, are there because it is named."""
    if model is None:
        return value
    if isinstance(value, dict):
        return {key: _because(item, model, named) for key, item in value.items()}
    if isinstance(value, list):
        return [_because(item, model, named) for item in value]
    own = isinstance(value, Sourced) and any(isinstance(s, At) and s.path[:2] == model.path for s in value.sources)
    return because(value, named) if own else value


def _no_key() -> dict[str, Any]:
    return {"type": "env_var", "env_vars": [NO_KEY], "strict": True}


def _patience(step: Node | None) -> dict[str, Any]:
    """`timeout` and `retries` of a step, as its client takes them."""
    if step is None:
        return {}
    known = step.shape
    out: dict[str, Any] = {}
    if known is not None and isinstance(step.value, dict) and "timeout" in step.value:
        timeout = step.maybe_text("timeout")
        out["timeout"] = timeout.map(seconds) if timeout is not None else None
    if isinstance(step.value, dict) and "retries" in step.value:
        out["max_retries"] = step.maybe_integer("retries")
    return out


def chat(
    pipe: Pipe, model: View[Any], caller: Node, prompt: View[Any] | None = None, field: str = "model",
    extra: dict[str, Any] | None = None,
) -> dict[str, Any] | None:
    """A chat generator: parameters of model, prompt and caller, the last winning."""
    found = call(pipe, model, caller, field)
    if found is None:
        return None
    named = caller.ref_name(field)
    layers = [model, prompt, caller if isinstance(caller.value, dict) and "params" in caller.value else None]
    sent = params(*layers)
    if prompt is not None and "response_format" not in sent and prompt.has("output_schema"):
        sent["response_format"] = response_format(pipe, prompt, "output_schema", prompt.address.name)
    sent = _untyped(pipe, sent, caller, field)
    by_model = {name: _because(value, model, named) for name, value in {**sent, **(extra or {})}.items()}
    said = caller.ref_name("prompt") if prompt is not None else None
    made = {
        **_named(_client(pipe, found, caller, field), found, named),
        **_patience(caller if field == "model" else None),
        "generation_kwargs": {name: _because(value, prompt, said) for name, value in by_model.items()} or None,
    }
    return component("OpenAIChatGenerator", made)


def _untyped(pipe: Pipe, sent: dict[str, Any], caller: Node, field: str) -> dict[str, Any]:
    if "type" in sent:
        pipe.error(caller.at(field), "Haystack would take request parameters with the key `type` for an object",
                   "one of its `params` is called `type`")
    return {name: value for name, value in sent.items() if name != "type"}


def embedder(
    pipe: Pipe, kind: str, model: View[Any], caller: Node, field: str, prefix: Sourced[str] | None,
    patience: Node | None = None,
) -> dict[str, Any] | None:
    """An embedder of questions (`OpenAITextEmbedder`) or of chunks (`OpenAIDocumentEmbedder`)."""
    found = call(pipe, model, caller, field)
    if found is None:
        return None
    what = task(pipe.lowering.facts, model)
    if what is not None and what.value != "embedding":
        pipe.error(caller.at(field), f"{model.address} makes no embeddings", f"its task is {what.value}")
        return None
    named = caller.ref_name(field)
    made = {
        **_named(_client(pipe, found, caller, field), found, named),
        "dimensions": model.maybe_integer("dimension"),
        "prefix": prefix,
        **_patience(patience),
    }
    if kind == "OpenAIDocumentEmbedder":
        # Left to itself it logs what failed, and chunks without vectors are written.
        made |= {"raise_on_failure": True, "progress_bar": False}
    return component(kind, made)


def ranker(pipe: Pipe, model: View[Any], caller: Node, most: Sourced[int] | None) -> dict[str, Any] | None:
    """What sorts passages again, by the API that vLLM, gateways and hosted rerankers share: `/rerank`."""
    found = call(pipe, model, caller, "model")
    if found is None:
        return None
    named = caller.ref_name("model")
    client = _named(_client(pipe, found, caller, "model"), found, named)
    if client["api_base_url"] is None:
        pipe.error(caller.at("model"), f"Haystack sorts by {model.address} only where a config says its address",
                   "this one is known only outside", "let a gateway serve the model")
        return None
    sent = _untyped(pipe, params(model, None, caller), caller, "model")
    patience = _patience(caller)
    if "max_retries" in patience:
        pipe.unsupported(caller.at("retries"), "its ranker asks once")
    made = {
        **client,
        "top_k": most,
        "score_threshold": caller.maybe_number("score_threshold"),
        "http_client_kwargs": {"timeout": patience["timeout"]} if "timeout" in patience else None,
        "extra_parameters": {name: _because(value, model, named) for name, value in sent.items()}
        or None,
    }
    return component("VLLMRanker", made)


def planner(pipe: Pipe, model: View[Any], caller: Node) -> dict[str, Any] | None:
    """The generator that writes queries for a search. Its answers are JSON."""
    asked = {"response_format": {"type": "json_object"}}
    return chat(pipe, model, caller, None, "planner", asked)
