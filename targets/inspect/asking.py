"""Who is asked, and how: models by their address, apps by their request, code by its file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from llmops.compiler.derive import judging, subjects
from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.params import params
from llmops.compiler.derive.prompt import Part, variables
from llmops.compiler.derive.route import Call, outside_variable
from llmops.compiler.derive.shots import conversation, sources_of
from llmops.compiler.derive.subjects import Subject, headers
from llmops.compiler.derive.texts import content
from llmops.compiler.model.exports import App, Variable
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal, under
from llmops.compiler.model.view import Node, View
from llmops.targets.inspect.known import CONFIG
from llmops.targets.inspect.work import CONSUMER, Work

SYNTAX = {"jinja2": "jinja2", "nunjucks": "jinja2", "f-string": "f-string", "none": "none"}


def subject(work: Work, tried: Subject, eval_: View[Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"label": tried.label or literal(eval_.address.name)}
    if tried.app is not None:
        return {**out, "app": _app(tried, tried.app)}
    if tried.http is not None:
        return {**out, "app": _http(work, tried, tried.http)}
    if tried.code is not None:
        return {**out, "code": _code(work, tried, tried.code)}
    assert tried.call is not None
    assert tried.model is not None
    out["model"] = under(model(work, tried.call, tried.model, *tried.layers), tried.named)
    if tried.prompt is not None:
        out["messages"] = list(_messages(work, tried.prompt, tried))
        out["syntax"] = tried.prompt.text("syntax").express(lambda name: SYNTAX[name])
        optional = [name for name, needed in variables(tried.prompt).items() if not needed]
        if optional:
            out["optional"] = [Sourced(name, (tried.prompt.source("variables", name),)) for name in optional]
        cache = tried.prompt.maybe_flag("cache")
        if cache is not None and cache.value:
            work.unsupported(tried.prompt.at("cache"), "it asks no provider to keep a part of a prompt")
    return out


def model(work: Work, call: Call, called: View[Any], *layers: Node) -> dict[str, Any]:
    """A model by its OpenAI-compatible address. What Inspect has no name for is sent in the body as it is."""
    out: dict[str, Any] = {"name": call.model}
    if call.url_variable is not None:
        out["url_variable"] = call.url_variable.name
    elif call.url is not None:
        out["url"] = call.url
    _compatible(work, call, called)
    if call.key is not None:
        out["key_variable"] = call.key.name
    sent = params(called, *layers)
    prompt = next((layer for layer in layers if isinstance(layer, View) and layer.address.kind == "prompt"), None)
    if prompt is not None and prompt.has("output_schema") and "response_format" not in sent:
        work.unsupported(prompt.at("output_schema"), "it asks for no schema by itself",
                         "say it as `params: {response_format: …}` of the prompt")
    config = {name: sent[name] for name in sent if name in CONFIG}
    body = {name: value for name, value in sent.items() if name not in CONFIG}
    for layer in layers:
        if isinstance(layer.value, dict) and isinstance(layer.value.get("body"), dict):
            body.update(layer.tree("body"))
    if config:
        out["config"] = config
    if body:
        out["body"] = body
    return out


def _compatible(work: Work, call: Call, called: View[Any]) -> None:
    """Inspect calls here what speaks as OpenAI's API does: a gateway, an engine, most providers."""
    api = called.maybe_text("endpoint", "api")
    direct = call.route.level == "provider"
    row = work.lowering.facts.provider(call.provider.value) if call.provider is not None else None
    if direct and ((api is not None and api.value != "openai") or (api is None and row and row.protocol != "openai")):
        work.error(called.at("endpoint", "api") if api is not None else called.at("provider"),
                   f"{called.address} does not speak as OpenAI's API", "Inspect is told one address for each model",
                   "put a gateway before it, with a route that serves it")
    elif call.url is None and call.url_variable is None:
        work.error(called.at("provider") if called.has("provider") else called.at(),
                   f"nobody knows where {called.address} answers", "", "say it: `endpoint: {url: …}`")


def judge(work: Work, node: Node) -> Any:
    """The model that grades an eval or an assertion."""
    found = subjects.judge(work.lowering, node, CONSUMER)
    if isinstance(found, Finding):
        work.told(found)
        return None
    return None if found is None else under(model(work, found[1], found[0]), node.ref_name("judge"))


def prices(work: Work, eval_: View[Any], tried: list[Subject]) -> Iterator[tuple[str, Any]]:
    """US dollars for a token, by the names under which models are called."""
    at = next(eval_.at("budget", name) for name in judging.counted(eval_) if name.startswith("usd"))
    grader = subjects.judge(work.lowering, eval_, CONSUMER)
    called = [(one.model, one.call) for one in tried]
    called += [grader] if isinstance(grader, tuple) else []
    for view, call in called:
        rates = judging.prices(work.lowering, at, view)
        if isinstance(rates, Finding):
            work.told(rates)
        elif call is not None:
            yield call.model.value, rates


# --- prompts -------------------------------------------------------------------------------------------------------


def _messages(work: Work, prompt: View[Any], tried: Subject) -> Iterator[dict[str, Any]]:
    name = tried.model.address.name if tried.model is not None and tried.variant is not None else None
    told, problems = conversation(work.lowering, prompt, name)
    for problem in problems:
        work.told(problem)
    for (role, _), group in groupby(told, key=lambda part: (part.role, part.message)):
        said = list(group)
        if said[0].syntax is not None:
            yield from ({"role": role, "content": _text(work, prompt, part), "syntax": literal(part.syntax)}
                        for part in said)
            continue
        whole = len(said) == 1 and said[0].medium == "text" and not said[0].listed
        yield {"role": role, "content": _text(work, prompt, said[0]) if whole
               else [{part.medium: _text(work, prompt, part)} for part in said]}


def _text(work: Work, prompt: View[Any], part: Part) -> Sourced[str]:
    text = part.words
    sources = sources_of(work.lowering, prompt, part)
    if part.medium != "text" and not text.lstrip().startswith(("{{", "data:", "http://", "https://")):
        work.error(part.at, "Inspect is sent no file of the project in a message", "an address, or a variable",
                   "give the row a `data:` address")
    return Sourced(text, sources)


# --- apps and code -------------------------------------------------------------------------------------------------


def _app(tried: Subject, app: App) -> dict[str, Any]:
    """A flow or an agent where it is served."""
    out: dict[str, Any] = {"method": literal(app.method)}
    if app.outside is not None:
        out |= {"url_variable": app.outside.name, "path": app.url}
    else:
        out["url"] = app.url.because(tried.named)
    if app.key is not None:
        out["key_variable"] = app.key.name
    out["body"] = {**app.body, **(tried.node.tree("body") or {})}
    return out | _reply(app.answer, app.passages)


def _http(work: Work, tried: Subject, http: Node) -> dict[str, Any]:
    out: dict[str, Any] = {"method": http.text("method")}
    outside = outside_variable(http, "url")
    if outside is not None:
        out["url_variable"] = outside.name
    else:
        out["url"] = http.text("url")
    sent = {
        name: {"variable": value.name} if isinstance(value, Variable) else value
        for name, value in headers(http, CONSUMER)
    }
    if sent:
        out["headers"] = sent
    body, more = http.tree("body"), tried.node.tree("body")
    if isinstance(body, dict):
        body = {**body, **(more or {})}
    elif more:
        work.unsupported(tried.node.at("body"), "only keys can be merged, and this request's body is a text")
    if body is not None:
        out["body"] = body
    if tried.node.has("params"):
        work.unsupported(tried.node.at("params"), "an app takes no request parameters", "use `body`")
    return out | _reply(http.maybe_text("answer"), http.maybe_text("passages"))


def _reply(answer: Sourced[str] | None, passages: Sourced[str] | None) -> dict[str, Any]:
    return {name: path for name, path in (("answer", answer), ("passages", passages)) if path is not None}


def _code(work: Work, tried: Subject, file: Sourced[str]) -> dict[str, Any]:
    if not file.value.endswith(".py") or content(tried.node.project, file.value) is None:
        work.error(tried.node.at("code"), "Inspect runs no such file as a subject", "it runs Python")
    for field in ("params", "body"):
        if tried.node.has(field):
            work.unsupported(tried.node.at(field), "code is given the row's variables alone")
    function = tried.node.maybe_text("function")
    return {
        "file": file.express(lambda path: in_repository(work.lowering, path)),
        "function": function if function is not None else literal("answer"),
    }
