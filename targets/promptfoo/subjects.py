"""What an eval tries: each subject as a provider of promptfoo, and its prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.params import params
from llmops.compiler.derive.route import Call, outside_variable, reach, route
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, View

CONSUMER = "promptfoo"


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject: `call` and `model` where it is a model, `http` where it is an endpoint of one's own."""

    node: Node
    label: Sourced[str] | None
    prompt: View[Any] | None
    model: View[Any] | None
    call: Call | None
    http: Node | None


def subjects(lowering: Lowering, eval_: View[Any]) -> Iterator[Subject]:
    """The one `subject`, or each of the named `subjects`."""
    single = eval_.node("subject")
    if single is not None:
        yield _subject(lowering, single, None)
    for node in eval_.entries("subjects"):
        yield _subject(lowering, node, Sourced(node.name, (node.source(),)))


def _subject(lowering: Lowering, node: Node, label: Sourced[str] | None) -> Subject:
    written = node.maybe_text("label")
    model = node.ref("model")
    call = reach(lowering, route(lowering.reader, model, node), CONSUMER) if model is not None else None
    return Subject(node, written or label, node.ref("prompt"), model, call, node.node("http"))


def judge(lowering: Lowering, eval_: Node) -> tuple[View[Any], Call] | None:
    """The model that grades, and how it is reached."""
    model = eval_.ref("judge")
    if model is None:
        return None
    call = reach(lowering, route(lowering.reader, model), CONSUMER)
    return None if call is None else (model, call)


def provider(lowering: Lowering, call: Call, *layers: Node | None) -> dict[str, Any]:
    """A model as promptfoo calls it. Parameters go through `passthrough`: what is sent is what the config says, no
    default of promptfoo's own."""
    merged = params(*layers)
    config: dict[str, Any] = {}
    if call.url_variable is not None:
        config["apiBaseUrl"] = environment(call.url_variable)
    elif call.url is not None:
        config["apiBaseUrl"] = call.url
    if call.key is not None:
        config["apiKeyEnvar"] = call.key.name
    else:
        config["apiKeyRequired"] = False
    prefix = _prefix(lowering, call)
    if prefix == "openai:chat:":
        config["omitDefaults"] = True
        if merged:
            config["passthrough"] = merged
    else:
        config.pop("apiBaseUrl", None)
        config.update(merged)
    sources = merge(call.model.sources, call.provider.sources if call.provider else (), call.route.why)
    return {"id": Sourced(f"{prefix}{call.model.value}", sources, raw=True), "config": config}


def _prefix(lowering: Lowering, call: Call) -> str:
    if call.provider is None or call.url_variable is not None:
        return "openai:chat:"
    row = lowering.facts.provider(call.provider.value)
    if row is None or row.promptfoo_prefix is None or row.protocol == "openai":
        return "openai:chat:"
    return str(row.promptfoo_prefix)


def environment(variable: Variable) -> Sourced[str]:
    """promptfoo's way to name an environment variable."""
    return variable.name.express(lambda name: "{{ env." + name + " }}")


def variables(lowering: Lowering, eval_: View[Any]) -> Iterator[Variable]:
    """Every variable that the suite reads, once."""
    calls = [s.call for s in subjects(lowering, eval_) if s.call is not None]
    graded = judge(lowering, eval_)
    if graded is not None:
        calls.append(graded[1])
    seen: set[str] = set()
    found = [v for call in calls for v in (call.key, call.url_variable)]
    for subject in subjects(lowering, eval_):
        if subject.http is not None:
            found.append(outside_variable(subject.http, "url"))
    for variable in found:
        if variable is not None and variable.name.value not in seen:
            seen.add(variable.name.value)
            yield variable


def services(lowering: Lowering, eval_: View[Any]) -> Iterator[Address]:
    """Gateways and deployments that the suite's calls go through, once each."""
    calls = [s.call for s in subjects(lowering, eval_) if s.call is not None]
    graded = judge(lowering, eval_)
    if graded is not None:
        calls.append(graded[1])
    for address in dict.fromkeys(
        view.address for call in calls for view in (call.route.gateway, call.route.deployment) if view is not None
    ):
        yield address
