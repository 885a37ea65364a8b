"""Subjects and judges as promptfoo's providers. Only ids that are known to call, and files that the config names."""

from __future__ import annotations

import json
import posixpath
from typing import Any

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.model import task
from llmops.compiler.derive.params import params
from llmops.compiler.derive.route import Call, outside_variable
from llmops.compiler.derive.subjects import headers
from llmops.compiler.derive.texts import content
from llmops.compiler.model.exports import App, Variable
from llmops.compiler.model.sourced import Sourced, combine, literal, merge, through
from llmops.compiler.model.sources import At, Content, Fact
from llmops.compiler.model.view import Node, View
from llmops.targets.promptfoo.escapes import provider_part, rendered
from llmops.targets.promptfoo.subjects import CONSUMER, Subject, environment
from llmops.targets.promptfoo.work import Work

CHAT = "openai:chat:"
EMBEDDING = "openai:embedding:"
AZURE = "azure:chat:"
TEXTS = '(one) => (typeof one === "string" ? one : (one?.content ?? one?.text ?? JSON.stringify(one)))'
"""Assertions about passages take texts alone."""
CODE = (".py", ".js", ".mjs", ".cjs")
"""Files that promptfoo runs as a provider."""


def provider(work: Work, subject: Subject, seed: Sourced[int] | None) -> dict[str, Any]:
    if subject.app is not None:
        made = _app(work, subject, subject.app)
    elif subject.http is not None:
        made = _http(work, subject, subject.http)
    elif subject.code is not None:
        made = _code(work, subject)
    else:
        assert subject.model is not None
        assert subject.call is not None
        made = called(work, subject.call, subject.model, *subject.layers, seed=seed, named=subject.named)
    if subject.label is not None:
        made = {"id": made.pop("id"), "label": work.text(subject.label), **made}
    return made


def called(
    work: Work, call: Call, model: View[Any], *layers: Node | None, seed: Sourced[int] | None = None,
    named: Sourced[str] | None = None,
) -> dict[str, Any]:
    """A model as promptfoo calls it; `named` is the reference to it.

    Parameters go through `passthrough`: what is sent is what the config says, no default of promptfoo's own.
    """
    prefix, why = _prefix(work, call, model)
    config: dict[str, Any] = {}
    if call.url_variable is not None:
        config["apiBaseUrl"] = environment(call.url_variable)
    elif call.url is not None and (prefix in (CHAT, EMBEDDING, AZURE) or model.has("endpoint", "url")):
        config["apiBaseUrl"] = work.text(call.url) if not call.url.raw else call.url
    why_key = named.sources if named is not None else ()
    keyed = _key(work, call, model, prefix)
    config.update({name: v if isinstance(v, Sourced) else Sourced(v, why_key, raw=True) for name, v in keyed.items()})
    version = model.maybe_text("endpoint", "api_version")
    if prefix == AZURE and version is not None:
        config["apiVersion"] = work.text(version)
    merged = work.tree(request(work, model, *layers, seed=seed, named=named))
    if prefix in (CHAT, AZURE):
        config["omitDefaults"] = True
    if merged and prefix in (CHAT, EMBEDDING, AZURE):
        config["passthrough"] = merged
    else:
        config.update(merged)
    name = (model.maybe_text("served_name") or call.model) if prefix == AZURE else call.model
    safe = work.text(name, provider_part)
    origins = merge(safe.sources, call.route.why, why, named.sources if named is not None else ())
    return {"id": Sourced(f"{prefix}{safe.value}", origins, raw=True), "config": config}


def request(
    work: Work, model: View[Any], *layers: Node | None, seed: Sourced[int] | None = None,
    named: Sourced[str] | None = None,
) -> dict[str, Any]:
    """What is sent beside the messages: parameters, the answer's schema, the seed, and keys of the body."""
    merged = params(model, *(layer for layer in layers if layer is not None))
    # a model's own parameters stand in a suite because the suite names the model
    merged = through(merged, named, of=model.path)
    prompt = next((layer for layer in layers if isinstance(layer, View) and layer.address.kind == "prompt"), None)
    if prompt is not None and "response_format" not in merged and prompt.has("output_schema"):
        merged["response_format"] = _response_format(work, prompt)
    for layer in layers:
        if layer is not None and isinstance(layer.value, dict) and isinstance(layer.value.get("body"), dict):
            merged.update(layer.tree("body"))
    if seed is not None:
        merged.setdefault("seed", seed)
    return merged


def _response_format(work: Work, prompt: View[Any]) -> dict[str, Any]:
    """The answer's schema in OpenAI's words."""
    path = prompt.maybe_text("output_schema")
    schema: Any = prompt.tree("output_schema")
    if path is not None:
        data = content(prompt.project, path.value)
        origin = merge(path.sources, (Content(full_path(work, path.value)),))
        try:
            schema = Sourced(json.loads(data or b"{}"), origin)
        except ValueError:
            work.error(prompt.at("output_schema"), "the file of the answer's schema is no JSON")
    name = Sourced(prompt.address.name, (prompt.source("output_schema"),))
    return {"type": Sourced("json_schema", name.sources, raw=True), "json_schema": {"name": name, "schema": schema}}


def _prefix(work: Work, call: Call, model: View[Any]) -> tuple[str, tuple[Any, ...]]:
    """What stands before the model's name, and the places that decide it."""
    kind = task(work.lowering.facts, model)
    plain = EMBEDDING if kind is not None and kind.value == "embedding" else CHAT
    why = kind.sources if kind is not None and plain == EMBEDDING else ()
    api = model.maybe_text("endpoint", "api")
    direct = call.provider is not None or call.route.level == "provider"
    if not direct or (api is not None and api.value == "openai"):
        return plain, why
    if api is not None and api.value == "azure":
        return AZURE, (*why, *api.sources)
    provider_ = call.provider
    row = None if provider_ is None else work.lowering.facts.provider(provider_.value)
    sources = () if provider_ is None else provider_.sources
    if row is not None and row.protocol == "azure":
        return AZURE, (*why, *sources)
    caller = row.callers.get("promptfoo") if row is not None else None
    if row is None or caller is None or row.protocol == "openai":
        return plain, (*why, *sources)
    return caller.prefix, (*why, *sources, Fact(row.fact, row.source, row.as_of))


def _key(work: Work, call: Call, model: View[Any], prefix: str) -> dict[str, Any]:
    """OpenAI's and Azure's clients are told which variable holds the key; others know their own."""
    if prefix in (CHAT, EMBEDDING):
        return {"apiKeyRequired": False} if call.key is None else {"apiKeyEnvar": call.key.name}
    if prefix == AZURE:
        return {} if call.key is None else {"apiKeyEnvar": call.key.name}
    row = None if call.provider is None else work.lowering.facts.provider(call.provider.value)
    caller = row.callers.get("promptfoo") if row is not None else None
    known = (caller.key_variables if caller is not None else None) or ()
    if call.key is not None and known and call.key.name.value not in known:
        work.unsupported(model.at("provider"), f"it reads this provider's key from {' or '.join(known)} alone",
                         f"say `variables: {{promptfoo: {known[0]}}}` of the secret")
    return {}


def _http(work: Work, subject: Subject, http: Node) -> dict[str, Any]:
    outside = outside_variable(http, "url")
    url = environment(outside) if outside is not None else work.text(http.text("url"), rendered)
    sent = {
        work.text(Sourced(name, (http.source("headers", name),)), rendered).value:
            environment(value) if isinstance(value, Variable) else work.text(value, rendered)
        for name, value in headers(http, CONSUMER)
    }
    made = _request(work, subject, {"url": url, "method": http.text("method")}, sent, work.tree(http.tree("body")))
    return _replied(work, made, http.maybe_text("answer"), http.maybe_text("passages"))


def _app(work: Work, subject: Subject, app: App) -> dict[str, Any]:
    """A flow or an agent where it is served, as whoever serves it says that it is called."""
    url = app.url if app.url.raw else work.text(app.url, rendered)
    if app.outside is not None:
        url = combine(lambda variable, path: f"{variable}{path}", environment(app.outside), url)
    sent = {} if app.key is None else {"Authorization": environment(app.key).express(lambda key: f"Bearer {key}")}
    to = {"url": url.because(subject.named), "method": literal(app.method)}
    return _replied(work, _request(work, subject, to, sent, dict(app.body)), app.answer, app.passages)


def _request(
    work: Work, subject: Subject, config: dict[str, Any], sent: dict[str, Sourced[str]], body: Any
) -> dict[str, Any]:
    more = work.tree(subject.node.tree("body"))
    if isinstance(body, dict):
        config["headers"] = {"Content-Type": literal("application/json"), **sent}
        config["body"] = {**body, **(more or {})}
    else:
        if sent:
            config["headers"] = sent
        if body is not None:
            config["body"] = body
        if more:
            work.unsupported(subject.node.at("body"), "only keys can be merged, and this request's body is a text")
    if subject.node.has("params"):
        work.unsupported(subject.node.at("params"), "an app takes no request parameters", "use `body`")
    return config


def _replied(
    work: Work, config: dict[str, Any], answer: Sourced[str] | None, passages: Sourced[str] | None
) -> dict[str, Any]:
    """Where the reply holds the answer, as an expression that is made of quoted keys alone."""
    found = [path for path in (answer, passages) if path is not None]
    if found:
        output = "json" if answer is None else _expression(answer.value)
        if passages is not None:
            texts = f"[].concat({_expression(passages.value)} ?? []).map({TEXTS})"
            output = f"(json) => ({{ output: {output}, metadata: {{ passages: {texts} }} }})"
        for path in found:
            # checked as a text: the expression itself is promptfoo's own language
            work.text(path)
        config["transformResponse"] = Sourced(output, merge(*(path.sources for path in found)), raw=True)
    return {"id": literal("http"), "config": config}


def _expression(path: str) -> str:
    keys = (key if key.isdigit() else json.dumps(key) for key in path.split("."))
    return "json" + "".join(f"?.[{key}]" for key in keys)


def _code(work: Work, subject: Subject) -> dict[str, Any]:
    assert subject.code is not None
    if not subject.code.value.endswith(CODE):
        work.error(subject.node.at("code"), "promptfoo runs no such file as a subject", f"it runs {', '.join(CODE)}")
    function = subject.node.maybe_text("function")
    if function is not None and not subject.code.value.endswith(".py"):
        work.unsupported(subject.node.at("function"), "it makes an object of the module's default export")
        function = None
    made: dict[str, Any] = {"id": file_reference(work, subject.code, function)}
    config = work.tree({**params(subject.node), **(subject.node.tree("body") or {})})
    if config:
        made["config"] = config
    return made


def file_reference(work: Work, path: Sourced[str], function: Sourced[str] | None = None) -> Sourced[str]:
    """`file://…`, relative to the suite, for a file that a field names as code."""
    relative = posixpath.relpath(full_path(work, path.value), work.lowering.folder)
    place = next((source.path for source in path.sources if isinstance(source, At)), None)
    if place is not None and any(sign in path.value for sign in (":", "{", "}", "*", "\n", "\\")):
        work.error(place, "promptfoo would misread this path")
    named = "" if function is None else f":{function.value}"
    sources = merge(path.sources, function.sources if function is not None else ())
    return Sourced(f"file://{relative}{named}", sources, raw=True)


def full_path(work: Work, path: str) -> str:
    """A path of the project, from the repository's root."""
    return in_repository(work.lowering, path)
