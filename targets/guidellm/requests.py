"""What is sent: to whom, with which parameters, and made of rows or made up."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from llmops.compiler.derive import judging
from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.model import repo, trained
from llmops.compiler.derive.params import params
from llmops.compiler.derive.prompt import variables
from llmops.compiler.derive.route import Call, speaks_openai
from llmops.compiler.derive.shots import conversation, sources_of, syntax_of
from llmops.compiler.derive.subjects import Subject
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.view import Node, View
from llmops.targets.guidellm import known
from llmops.targets.guidellm.work import Work

SYNTAX = {"jinja2": "jinja2", "nunjucks": "jinja2", "f-string": "f-string", "none": "none"}
ANSWERS = ("max_tokens", "max_completion_tokens")
CHAT = "/v1/chat/completions"


def called(work: Work, tried: Subject) -> bool:
    """Whether it is a model behind an API like OpenAI's: GuideLLM calls nothing else."""
    if tried.call is None or tried.model is None:
        field = next((name for name in ("http", "code", "flow", "agent") if tried.node.has(name)), "http")
        work.error(tried.node.at(field), "GuideLLM speaks OpenAI's API alone, with a model",
                   "an app has an address and a body of its own",
                   "test the model that it calls, or the deployment that serves that")
        return False
    if not speaks_openai(work.lowering, tried.call):
        work.error(tried.model.at("provider") if tried.model.has("provider") else tried.model.at(),
                   f"{tried.model.address} does not speak as OpenAI's API", "GuideLLM knows no other",
                   "put a gateway before it, with a route that serves it")
        return False
    return True


def backend(work: Work, load: Node, tried: Subject) -> dict[str, Any]:
    call = tried.call
    assert call is not None
    assert tried.model is not None
    out: dict[str, Any] = {"kind": literal("openai_http")}
    if call.url is not None:
        out["target"] = call.url.because(tried.named)
        if not call.url.value.rstrip("/").endswith("/v1"):
            # GuideLLM would put /v1 behind it
            out["api_routes"] = {CHAT: call.url.express(lambda _: CHAT.removeprefix("/v1/"))}
    elif call.url_variable is None:
        work.error(tried.model.at("provider") if tried.model.has("provider") else tried.model.at(),
                   f"nobody knows where {tried.model.address} answers", "", "say it: `endpoint: {url: …}`")
    out |= {"model": call.model.because(tried.named), "request_format": literal(CHAT)}
    # by default GuideLLM believes any certificate, and asks for a path that not every server has
    out |= {"verify": True, "validate_backend": False}
    body = _body(work, tried, load.has("output_tokens"))
    if body:
        out["extras"] = {"body": _because(body, tried.named)}
    tokens = load.maybe_integer("output_tokens")
    if tokens is not None and not exact(call):
        out["max_tokens"] = tokens
    return out


def _because(made: Any, named: Sourced[str] | None) -> Any:
    """What stands there because of a reference, all of it."""
    return made if named is None else Sourced(made, named.sources, raw=True)


def exact(call: Call) -> bool:
    """Whether an answer can be made to have a number of tokens, and not only at most that many."""
    engine = call.route.deployment.maybe_text("engine") if call.route.deployment is not None else None
    return call.route.level == "deployment" and engine is not None and engine.value in known.IGNORES_END


def _body(work: Work, tried: Subject, limited: bool) -> dict[str, Any]:
    """The parameters of the requests; where the load says how long answers are, that alone counts."""
    prompt = tried.prompt
    sent = params(tried.model, *tried.layers)
    if limited:
        sent = {name: value for name, value in sent.items() if name not in ANSWERS}
    if prompt is not None and prompt.has("output_schema") and "response_format" not in sent:
        work.unsupported(prompt.at("output_schema"), "it asks for no schema by itself",
                         "say it as `params: {response_format: …}` of the prompt")
    for layer in tried.layers:
        if isinstance(layer.value, dict) and isinstance(layer.value.get("body"), dict):
            sent.update(layer.tree("body"))
    return sent


def data(work: Work, eval_: View[Any], load: Node, tried: Subject, rows: Sourced[str]) -> dict[str, Any]:
    """Where the requests come from: rows, else made up with so many tokens."""
    length, answer = load.maybe_integer("input_tokens"), load.maybe_integer("output_tokens")
    if eval_.has("rows"):
        if length is not None:
            work.error(load.at("input_tokens"), "rows have a length of their own", "", "leave out one of the two")
        return {"data": [{"kind": literal("json_file"), "path": rows}]}
    if length is None:
        work.error(load.at(), "nothing says what the requests are", "", "give the eval `rows`, or say `input_tokens`")
        return {}
    if tried.prompt is not None:
        at = tried.node.at("prompt") if tried.node.has("prompt") else tried.node.at()
        work.error(at, "a prompt is not filled with made-up words", "", "give the eval `rows`, or name the model alone")
    made: dict[str, Any] = {"kind": literal("synthetic_text"), "prompt_tokens": length}
    if answer is not None and tried.call is not None and exact(tried.call):
        made["output_tokens"] = answer
    return {"data": [made], **_tokenizer(work, load, tried)}


def _tokenizer(work: Work, load: Node, tried: Subject) -> dict[str, Any]:
    options = work.lowering.options
    told = options.maybe_text("tokenizer") if options is not None else None
    if told is not None:
        own = told.express(lambda name: in_repository(work.lowering, name[2:]) if name.startswith("./") else name)
        return {"tokenizer": {"kind": literal("huggingface_auto"), "model": own}}
    assert tried.model is not None
    name = repo(tried.model)
    if name is None:
        work.error(load.at("input_tokens"), f"nobody knows how {tried.model.address} counts tokens",
                   "its weights are not known",
                   "name a tokenizer in conf/target/guidellm.yaml: `tokenizer: …`; or give the eval `rows`")
        return {}
    out: dict[str, Any] = {"kind": literal("huggingface_auto"), "model": name}
    revision = tried.model.maybe_text("weights", "revision")
    if revision is None:
        revision = trained(tried.model, lambda base: base.maybe_text("weights", "revision"))
    if revision is not None:
        out["load_kwargs"] = {"revision": revision}
    return {"tokenizer": out}


def filled_in(work: Work, eval_: View[Any], tried: Subject) -> dict[str, Any]:
    """What `run.py` puts into a scenario: variables of the environment, and the rows as messages."""
    call = tried.call
    assert call is not None
    out: dict[str, Any] = {}
    if call.url_variable is not None:
        out["url_variable"] = call.url_variable.name
    if call.key is not None:
        out["key_variable"] = call.key.name
    if not eval_.has("rows"):
        return out
    tokens = eval_.maybe_integer("load", "output_tokens")
    if tokens is not None and exact(call):
        out["output_tokens"] = tokens
    if tried.prompt is not None:
        out["messages"] = list(_messages(work, tried.prompt, tried))
        out["syntax"] = tried.prompt.text("syntax").express(lambda name: SYNTAX[name])
        optional = [name for name, needed in variables(tried.prompt).items() if not needed]
        if optional:
            out["optional"] = [Sourced(name, (tried.prompt.source("variables", name),)) for name in optional]
    return out


def _messages(work: Work, prompt: View[Any], tried: Subject) -> Iterator[dict[str, Any]]:
    """The messages of a prompt: texts, as GuideLLM's rows hold nothing else in one column."""
    name = tried.model.address.name if tried.model is not None and tried.variant is not None else None
    told, problems = conversation(work.lowering, prompt, name)
    for finding in problems:
        work.told(finding)
    for (role, _), group in groupby(told, key=lambda part: (part.role, part.message)):
        said = list(group)
        if said[0].syntax is None and (len(said) > 1 or said[0].medium != "text"):
            work.error(said[0].at, "GuideLLM is sent texts alone", "a message with parts, a picture or a recording",
                       "test it with a prompt of texts")
            continue
        for part in said:
            text = Sourced(part.words, sources_of(work.lowering, prompt, part))
            # a worked case is read as it is
            own = {} if part.syntax is None else {"syntax": literal(syntax_of(prompt, part))}
            yield {"role": role, "content": text, **own}


def prices(work: Work, eval_: View[Any], tried: list[Subject]) -> Iterator[tuple[str, Any]]:
    """US dollars for a token, by the subjects' labels."""
    at = next(eval_.at("budget", name) for name in judging.counted(eval_) if name.startswith("usd"))
    for one in tried:
        rates = judging.prices(work.lowering, at, one.model)
        if isinstance(rates, Finding):
            work.told(rates)
        else:
            yield one.label.value if one.label is not None else eval_.address.name, rates
