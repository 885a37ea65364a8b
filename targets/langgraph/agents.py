"""An agent, as the runtime reads it."""

from __future__ import annotations

import json
from typing import Any

from llmops.compiler.derive.params import params
from llmops.compiler.derive.prompt import Part, variables
from llmops.compiler.derive.route import reach, route, speaks_openai, unanswered
from llmops.compiler.derive.shots import conversation, sources_of, syntax_of
from llmops.compiler.derive.template import MalformedError, names
from llmops.compiler.derive.texts import content
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import At, Content
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node, View
from llmops.targets.langgraph import guards as guarding
from llmops.targets.langgraph.tools import servers
from llmops.targets.langgraph.work import CONSUMER, Work

ROLES = ("system", "developer", "user", "assistant")


def agent(work: Work, found: View[Any]) -> dict[str, Any] | None:
    """Its entry in app.json; the servers of its tools are added to the work's own list."""
    prompt = found.ref("prompt")
    model = called(work, found, prompt)
    if prompt is None or model is None:
        return None
    made: dict[str, Any] = {}
    description = found.maybe_text("description")
    if description is not None:
        made["description"] = description
    made |= {"model": model, **words(work, prompt, found.value["model"], found.ref_name("prompt"))}
    made["max_steps"] = found.integer("max_steps")
    listed = servers(work, found, work.servers)
    if listed:
        made["servers"] = listed
    handoffs = [found.ref_name("handoffs", n) for n in range(len(found.value.get("handoffs") or ()))]
    if handoffs:
        made["handoffs"] = handoffs
    made |= _memory(work, found)
    timeout = found.maybe_text("timeout")
    if timeout is not None:
        made["timeout"] = timeout.map(seconds)
    approval = found.get("approval")
    if approval is not None and approval.value != "none":
        made["approval"] = approval.map(lambda _: True)
        if isinstance(approval.value, dict):
            work.unsupported(found.at("approval"), "whoever resumes the run agrees: it knows no teams, no conditions",
                             "let the app that resumes it ask the right people")
    if found.has("output_schema"):
        made["structured"] = _structured(work, found)
    guards = guarding.listed(work, found)
    if guards:
        made["guards"] = guards
    return {**made, **guarding.budget(work, found)}


def called(work: Work, found: Node, prompt: View[Any] | None, field: str = "model") -> dict[str, Any] | None:
    """The model that an agent, a step or an index calls, and how it is reached."""
    model = found.ref(field)
    if model is None:
        return None
    way = route(work.lowering.reader, model, found)
    call = reach(work.lowering, way, CONSUMER) if way.reached else None
    if call is None:
        work.error(found.at(field), f"LangGraph cannot reach {model.address}",
                   *unanswered(work.lowering, way))
        return None
    if not speaks_openai(work.lowering, call):
        work.error(found.at(field), f"the runtime speaks to {model.address} in OpenAI's words alone", "",
                   "reach it through a gateway")
        return None
    if call.url is None and call.url_variable is None:
        work.error(found.at(field), f"nothing says where {model.address} answers", "", "give it an `endpoint`")
        return None
    named = found.ref_name(field)
    made: dict[str, Any] = {"name": call.model.because(named)}
    if call.url_variable is not None:
        made["variable"] = call.url_variable.name
    else:
        made["url"] = call.url
    if call.key is not None:
        made["key"] = call.key.name
    work.variables += [read for read in (call.key, call.url_variable) if read is not None]
    work.needs += [view.address for view in (call.route.gateway, call.route.deployment) if view is not None]
    sent = params(model, prompt, found if field == "model" else None)
    sent = {key: one.because(named) if owned(one, model) else one for key, one in sent.items()}
    return {**made, **({"params": sent} if sent else {}), **guarding.prices(work, found, model, field)}


def owned(value: Any, model: View[Any]) -> bool:
    """Whether a parameter is the model's own, which is sent because the model is named."""
    return isinstance(value, Sourced) and any(isinstance(s, At) and s.path[:2] == model.path for s in value.sources)


def words(work: Work, prompt: View[Any], model: str, named: Sourced[str] | None) -> dict[str, Any]:
    """The messages of a prompt for a model, and its variables; `named` is the reference to the prompt."""
    if prompt.written("cache"):
        work.unsupported(prompt.at("cache"), "it asks nobody to keep a part of a prompt")
    syntax = prompt.text("syntax")
    messages = []
    shown, problems = conversation(work.lowering, prompt, model)
    work.problems += problems
    for part in shown:
        if part.medium != "text" or part.role not in ROLES:
            work.error(part.at, "the runtime says texts alone", f"a {part.medium}", "leave it out of an agent's prompt")
            continue
        said = part.words
        text = Sourced(said, sources_of(work.lowering, prompt, part), raw=True)
        own = [] if part.syntax is None else [literal(part.syntax)]
        messages.append([part.role, text.because(named), *own])
        _understood(work, part, syntax_of(prompt, part))
    given = variables(prompt)
    told = {name: Sourced(needed, (prompt.source("variables", name),)) for name, needed in given.items()}
    structured = {"structured": _structured(work, prompt)} if prompt.has("output_schema") else {}
    return {**structured, "messages": messages, "syntax": syntax, "variables": told}


def _understood(work: Work, part: Part, syntax: str) -> None:
    try:
        names(part.text, "jinja2" if syntax == "nunjucks" else syntax)
    except MalformedError:
        work.error(part.at, "the runtime renders this with Jinja2, which does not understand it")


def _memory(work: Work, found: View[Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    short = found.node("memory", "short")
    if short is not None:
        made["short"] = {
            key: value for key in ("window", "tokens", "summarise") if (value := short.get(key)) is not None
        }
    long = found.node("memory", "long")
    if long is not None:
        work.unsupported(long.at("store"), "memories are in the store that the graph is given: its server's own",
                         "start the graph with `build(name, store=…)` to give it another")
        made["long"] = {"scope": long.text("scope")}
        ttl = long.maybe_text("ttl")
        if ttl is not None:
            made["long"]["ttl"] = ttl.map(minutes)
    return {"memory": made} if made else {}


def minutes(duration: str) -> float | int:
    """LangGraph's store counts minutes."""
    value = seconds(duration) / 60
    return int(value) if value == int(value) else value


def _structured(work: Work, found: Node) -> dict[str, Any]:
    """The schema of the last answer, in OpenAI's words."""
    path = found.maybe_text("output_schema")
    schema: Any = found.tree("output_schema")
    if path is not None:
        data = content(found.project, path.value)
        root = work.lowering.root
        sources = (*path.sources, Content(path.value if root == "." else f"{root}/{path.value}"))
        try:
            schema = Sourced(json.loads(data or b"{}"), sources)
        except ValueError:
            work.error(found.at("output_schema"), "the file of the answer's schema is no JSON")
    name = Sourced(found.resource.address.name, (found.source("output_schema"),))
    return {"name": name, "schema": schema}
