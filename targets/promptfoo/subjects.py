"""What an eval tries, and what its calls go through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.route import Call, Route, outside_variable, reach, route
from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node, View
from llmops.targets.promptfoo.work import Work

CONSUMER = "promptfoo"


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject: `call` and `model` where it is a model, else an endpoint (`http`) or a file (`code`) of one's own.

    `name` is the entry of `subjects`, None where there is only one.
    """

    node: Node
    name: Sourced[str] | None
    prompt: View[Any] | None = None
    model: View[Any] | None = None
    call: Call | None = None
    http: Node | None = None
    code: Sourced[str] | None = None

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


def subjects(work: Work, eval_: View[Any]) -> list[Subject]:
    """The one `subject`, or each of the named `subjects`; those that nothing answers are reported and left out."""
    single = eval_.node("subject")
    nodes: list[tuple[Node, Sourced[str] | None]] = [(single, None)] if single is not None else []
    nodes += [(node, Sourced(node.name, (node.source(),))) for node in eval_.entries("subjects")]
    return [found for node, name in nodes if (found := _subject(work, node, name)) is not None]


def _subject(work: Work, node: Node, name: Sourced[str] | None) -> Subject | None:
    http, code = node.node("http"), node.maybe_text("code")
    if http is not None or code is not None:
        return Subject(node, name, http=http, code=code)
    deployment = node.ref("deployment")
    model = node.ref("model") if deployment is None else deployment.ref("model")
    field = "model" if deployment is None else "deployment"
    if model is None:
        if deployment is not None:
            work.error(node.at(field), f"{deployment.address} serves no model that promptfoo could call",
                       "only a deployed model can be tested by its name", "test an app with `http`")
        return None
    way = route(work.lowering.reader, model, node)
    if deployment is not None:
        way = Route(model, deployment=deployment, why=(node.source("deployment"), deployment.source("model")))
    call = _reach(work, way, node.at(field))
    return None if call is None else Subject(node, name, node.ref("prompt"), model, call)


def _reach(work: Work, way: Route, at: Any) -> Call | None:
    """The call along a way. Without a target that says where it ends, the eval would test something else."""
    call = reach(work.lowering, way, CONSUMER) if way.reached else None
    if call is None:
        through = way.gateway or way.deployment
        why = f"no target says where {through.address} answers" if through is not None else "nothing serves it"
        work.error(at, f"promptfoo cannot reach {way.model.address}", why, "say with `via` which way the call takes")
    return call


def judge(work: Work, node: Node) -> tuple[View[Any], Call] | None:
    """The model that grades an eval or an assertion, and how it is reached."""
    model = node.ref("judge")
    call = None if model is None else _reach(work, route(work.lowering.reader, model), node.at("judge"))
    return None if model is None or call is None else (model, call)


def environment(named: Variable) -> Sourced[str]:
    """promptfoo's way to name an environment variable."""
    return named.name.express(lambda name: "{{ env." + name + " }}")


def headers(http: Node) -> Iterator[tuple[str, Sourced[str] | Variable]]:
    """The headers of a request: texts, or variables that hold them."""
    for header in http.entries("headers"):
        secret = header.ref("secret") if isinstance(header.value, dict) else None
        outside = outside_variable(http, "headers", header.name)
        if secret is not None:
            name = variable(secret, CONSUMER).because(header.ref_name("secret"))
            yield header.name, Variable(name, secret.address)
        elif outside is not None:
            yield header.name, outside
        else:
            yield header.name, http.text("headers", header.name)


def calls(work: Work, eval_: View[Any], tried: list[Subject], judged: list[Node]) -> list[Call]:
    """All calls that a suite makes: its subjects', its judge's, and those of assertions with a judge of their own."""
    graders = [found[1] for node in (eval_, *judged) if (found := judge(work, node)) is not None]
    return [*(subject.call for subject in tried if subject.call is not None), *graders]


def variables(found: list[Call], tried: list[Subject]) -> Iterator[Variable]:
    """Every variable that the suite reads, once."""
    read = [variable for call in found for variable in (call.key, call.url_variable)]
    for subject in tried:
        if subject.http is not None:
            read.append(outside_variable(subject.http, "url"))
            read.extend(value for _, value in headers(subject.http) if isinstance(value, Variable))
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
