"""What an eval tries, and how its calls reach a model or an app."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.assertions import assertions
from llmops.compiler.derive.cases import problem
from llmops.compiler.derive.route import Call, Route, outside_variable, reach, route
from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import MODEL


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject: `call` and `model` where it is a model, else an endpoint (`http`) or a file (`code`) of one's own.

    `name` is the entry of `subjects`, None where there is only one; `named` is the reference that it makes.
    """

    node: Node
    name: Sourced[str] | None
    prompt: View[Any] | None = None
    model: View[Any] | None = None
    call: Call | None = None
    http: Node | None = None
    code: Sourced[str] | None = None
    named: Sourced[str] | None = None

    @property
    def label(self) -> Sourced[str] | None:
        """What reports call it."""
        return self.node.maybe_text("label") or self.name

    @property
    def variant(self) -> Node | None:
        """The messages that the prompt has for this model, if it has some of their own."""
        if self.prompt is None or self.model is None:
            return None
        name = self.model.address.name
        return self.prompt.node("variants", name) if name in (self.prompt.value.get("variants") or {}) else None


def subjects(lowering: Lowering, eval_: View[Any], consumer: str) -> tuple[list[Subject], list[Finding]]:
    """The one `subject`, or each of the named `subjects`; those that nothing answers are findings."""
    single = eval_.node("subject")
    nodes: list[tuple[Node, Sourced[str] | None]] = [(single, None)] if single is not None else []
    nodes += [(node, Sourced(node.name, (node.source(),))) for node in eval_.entries("subjects")]
    found: list[Subject] = []
    problems: list[Finding] = []
    for node, name in nodes:
        one = _subject(lowering, node, name, consumer)
        if isinstance(one, Finding):
            problems.append(one)
        elif one is not None:
            found.append(one)
    return found, problems


def _subject(lowering: Lowering, node: Node, name: Sourced[str] | None, consumer: str) -> Subject | Finding | None:
    http, code = node.node("http"), node.maybe_text("code")
    if http is not None or code is not None:
        return Subject(node, name, http=http, code=code)
    deployment = node.ref("deployment")
    if deployment is not None:
        return _deployed(lowering, node, name, deployment, consumer)
    model, field = node.ref("model"), "model"
    if node.has("finetune"):
        model, field = _trained(lowering, node), "finetune"
        if model is None:
            return problem(node.at(field), f"no model is the outcome of finetune.{node.text(field).value}",
                           "only a model can be called", "name it in a model: `weights: {finetune: …}`")
    if model is None:
        return None
    call = called(lowering, route(lowering.reader, model, node), node.at(field), consumer)
    named = node.ref_name(field)
    return call if isinstance(call, Finding) else Subject(node, name, node.ref("prompt"), model, call, named=named)


def _deployed(
    lowering: Lowering, node: Node, name: Sourced[str] | None, deployment: View[Any], consumer: str
) -> Subject | Finding:
    model = deployment.ref("model")
    if model is None:
        return problem(node.at("deployment"), f"{deployment.address} serves no model that {consumer} could call",
                       "only a deployed model can be tested by its name", "test an app with `flow` or `http`")
    way = Route(model, deployment=deployment, why=(node.source("deployment"), deployment.source("model")))
    call = called(lowering, way, node.at("deployment"), consumer)
    if isinstance(call, Finding):
        return call
    return Subject(node, name, node.ref("prompt"), model, call, named=node.ref_name("deployment"))


def _trained(lowering: Lowering, node: Node) -> View[Any] | None:
    """The model that a fine-tuning makes."""
    for model in lowering.reader.of(MODEL):
        name = model.maybe_text("weights", "finetune")
        if name is not None and name.value == node.value.get("finetune"):
            return model
    return None


def called(lowering: Lowering, way: Route, at: KeyPath, consumer: str) -> Call | Finding:
    """The call along a way. Without a target that says where it ends, the eval would test something else."""
    call = reach(lowering, way, consumer) if way.reached else None
    if call is not None:
        return call
    through = way.gateway or way.deployment
    why = f"no target says where {through.address} answers" if through is not None else "nothing serves it"
    return problem(at, f"{consumer} cannot reach {way.model.address}", why, "say with `via` which way the call takes")


def judge(lowering: Lowering, node: Node, consumer: str) -> tuple[View[Any], Call] | Finding | None:
    """The model that grades an eval or an assertion, and how it is reached."""
    model = node.ref("judge")
    if model is None:
        return None
    call = called(lowering, route(lowering.reader, model), node.at("judge"), consumer)
    return call if isinstance(call, Finding) else (model, call)


def headers(http: Node, consumer: str) -> Iterator[tuple[str, Sourced[str] | Variable]]:
    """The headers of a request: texts, or variables that hold them."""
    for header in http.entries("headers"):
        secret = header.ref("secret") if isinstance(header.value, dict) else None
        outside = outside_variable(http, "headers", header.name)
        if secret is not None:
            name = variable(secret, consumer).because(header.ref_name("secret"))
            yield header.name, Variable(name, secret.address)
        elif outside is not None:
            yield header.name, outside
        else:
            yield header.name, http.text("headers", header.name)


def calls(lowering: Lowering, eval_: View[Any], tried: list[Subject], consumer: str) -> list[Call]:
    """All calls that a run makes: its subjects', its judge's, and those of assertions with a judge of their own."""
    judging = [eval_, *(node for node in assertions(eval_) if node.has("judge"))]
    graded = [judge(lowering, node, consumer) for node in judging]
    return [
        *(subject.call for subject in tried if subject.call is not None),
        *(found[1] for found in graded if isinstance(found, tuple)),
    ]


def variables(found: list[Call], tried: list[Subject], consumer: str) -> Iterator[Variable]:
    """Every variable that a run reads, once."""
    read = [variable for call in found for variable in (call.key, call.url_variable)]
    for subject in tried:
        if subject.http is not None:
            read.append(outside_variable(subject.http, "url"))
            read.extend(value for _, value in headers(subject.http, consumer) if isinstance(value, Variable))
    seen: set[str] = set()
    for one in read:
        if one is not None and one.name.value not in seen:
            seen.add(one.name.value)
            yield one


def services(found: list[Call]) -> Iterator[Address]:
    """Gateways and deployments that the calls go through, once each."""
    yield from dict.fromkeys(
        view.address for call in found for view in (call.route.gateway, call.route.deployment) if view is not None
    )
