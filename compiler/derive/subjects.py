"""What an eval tries, and how its calls reach a model or an app."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.assertions import assertions
from llmops.compiler.derive.cases import problem
from llmops.compiler.derive.finetune import made
from llmops.compiler.derive.flow import plan
from llmops.compiler.derive.route import Call, Route, outside_variable, reach, route, unanswered
from llmops.compiler.derive.secrets import variable
from llmops.compiler.derive.serving import app as app_at
from llmops.compiler.derive.serving import foremost, serving
from llmops.compiler.model.exports import App, Variable
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.sourced import Sourced, through
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, View


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject. `call` and `model` where it is a model; `app` where it is a flow or an agent that is served, by
    `served`; else an endpoint (`http`) or a file (`code`) of one's own.

    `name` is the entry of `subjects`, None where there is only one; `named` is the reference that it makes. `step` is
    the one of a flow that does nothing but put a prompt to a model: its parameters count.
    """

    node: Node
    name: Sourced[str] | None
    prompt: View[Any] | None = None
    model: View[Any] | None = None
    call: Call | None = None
    http: Node | None = None
    code: Sourced[str] | None = None
    named: Sourced[str] | None = None
    app: App | None = None
    served: Address | None = None
    step: Node | None = None

    @property
    def layers(self) -> tuple[Node, ...]:
        """What has parameters for its calls beside the model, the later winning."""
        return tuple(layer for layer in (self.prompt, self.step, self.node) if layer is not None)

    @property
    def prompted(self) -> Sourced[str] | None:
        """The reference to its prompt: its own, or that of the flow's one step."""
        flow = self.node.ref_name("flow") if self.step is not None else None
        return self.node.ref_name("prompt") if flow is None or self.step is None else flow.because(
            self.step.ref_name("prompt"))

    @property
    def passages(self) -> Sourced[str] | None:
        """Where its reply holds what was retrieved."""
        if self.app is not None:
            return self.app.passages
        return None if self.http is None else self.http.maybe_text("passages")

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
    for field in ("flow", "agent"):
        app = node.ref(field)
        if app is not None:
            return _served(lowering, node, name, app, consumer)
    model, field = node.ref("model"), "model"
    tuning = node.ref("finetune")
    if tuning is not None:
        field, model = "finetune", next(iter(made(lowering.reader, tuning)), None)
        if model is None:
            return problem(node.at(field), f"no model is made by {tuning.address}", "only a model can be called",
                           f"name it in a model: `weights: {{finetune: {tuning.address.name}}}`")
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


def _served(
    lowering: Lowering, node: Node, name: Sourced[str] | None, tried: View[Any], consumer: str
) -> Subject | Finding:
    """A flow or an agent, over HTTP; a flow that is one prompt put to one model needs nobody who serves it."""
    field = tried.address.kind
    every = serving(lowering.reader, tried) if field == "flow" else ()
    places = foremost(every)
    wanted = node.ref("via", "deployment")
    if wanted is not None:
        places = tuple(place for place in every if place.deployment.address == wanted.address)
    if len({place.deployment.address for place in places}) > 1:
        by = ", ".join(str(place.deployment.address) for place in places)
        return problem(node.at(field), f"{tried.address} is served by several deployments", by,
                       "say which with `via: {deployment: …}`")
    app = app_at(lowering, places[0], consumer) if places else lowering.ask(App, tried)
    if app is not None:
        served = places[0].deployment.address if places else None
        # each place that serves it is asked in its own way
        chosen = node.ref_name("via", "deployment")
        app = through(app, chosen)
        named = node.ref_name(field)
        if named is not None:
            named = named.because(chosen)
        return Subject(node, name, named=named, app=app, served=served)
    one = _asking(lowering, node, name, tried, consumer) if field == "flow" and not places else None
    if one is not None:
        return one
    why = f"no target says how to call it at {places[0].deployment.address}" if places else "nothing serves it"
    return problem(node.at(field), f"{consumer} cannot reach {tried.address}", why,
                   f"serve it: `serves: {{{tried.address.name}: {{path: …}}}}` of a deployment" if field == "flow"
                   else "give it a `framework` that serves agents, or test a flow that calls it")


def _asking(
    lowering: Lowering, node: Node, name: Sourced[str] | None, flow: View[Any], consumer: str
) -> Subject | Finding | None:
    """A flow as its prompt and model, where that is all it does and its inputs are the prompt's variables."""
    followed = plan(lowering.facts, flow)
    step = followed.steps[0] if len(followed.steps) == 1 else None
    if step is None or step.prompt is None or step.model is None or flow.has("guardrails"):
        return None
    if any(step.node.has(field) for field in ("tools", "when", "each", "otherwise")):
        return None
    if any(value.input != variable for variable, value in step.bound.items()):
        return None
    at = node.at("flow")
    call = called(lowering, route(lowering.reader, step.model, step.node), at, consumer)
    if isinstance(call, Finding):
        return call
    named = node.ref_name("flow")
    if named is not None:
        named = named.because(step.node.ref_name("model"))
    return Subject(node, name, step.prompt, step.model, call, named=named, step=step.node)


def called(lowering: Lowering, way: Route, at: KeyPath, consumer: str) -> Call | Finding:
    """The call along a way. Without a target that says where it ends, the eval would test something else."""
    call = reach(lowering, way, consumer) if way.reached else None
    if call is not None:
        return call
    return problem(at, f"{consumer} cannot reach {way.model.address}", *unanswered(lowering, way))


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
        if subject.app is not None:
            read.extend((subject.app.outside, subject.app.key))
    seen: set[str] = set()
    for one in read:
        if one is not None and one.name.value not in seen:
            seen.add(one.name.value)
            yield one


def services(found: list[Call], tried: list[Subject]) -> Iterator[Address]:
    """Gateways and deployments that the calls go through, and those that serve the apps, once each."""
    ways = [view for call in found for view in (call.route.gateway, call.route.deployment)]
    through = [view.address for view in ways if view is not None]
    yield from dict.fromkeys([*through, *(subject.served for subject in tried if subject.served is not None)])
