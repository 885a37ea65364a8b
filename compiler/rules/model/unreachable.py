"""MOD013: a model that is called, and that nothing serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.calls import calls
from llmops.compiler.derive.places import config_place
from llmops.compiler.derive.route import Route, route
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import MODEL


def check(scope: Scope) -> Iterator[Finding]:
    for model in scope.reader.of(MODEL):
        lost = []
        for call in calls(scope.reader, model):
            way = route(scope.reader, model, call.caller)
            if way.reached:
                continue
            if way.why:
                yield _wrong_way(model, way)
            else:
                lost.append(call)
        if lost:
            first, *others = lost
            yield Finding(
                f"nothing serves `{model.address.name}`, which {first.resource} calls",
                (
                    Label(first.at, "this call reaches nobody", primary=True),
                    Label(model.at("weights"), "weights that no deployment runs", key_only=True),
                    *(Label(call.at, f"{call.resource} calls it too") for call in others[:3]),
                ),
                help=(
                    f"write conf/deployment/{model.address.name}.yaml with `model: {model.address.name}`, "
                    "or set `endpoint: {url: …}` on the model if it runs already",
                ),
            )


def _wrong_way(model: View[Any], way: Route) -> Finding:
    at = config_place(way.why) or model.at()
    where = str(way.gateway.address) if way.gateway else str(way.deployment.address) if way.deployment else "provider"
    help_ = {
        True: f"add a route for it: `routes: {{{model.address.name}: {{}}}}`, or take away `via`",
        False: "name a way that serves this model: `via` never changes the model",
    }[way.gateway is not None]
    return Finding(
        f"`{model.address.name}` cannot be reached this way",
        (Label(at, f"{where} does not serve it", primary=True),), help=(help_,),
    )


RULE = Rule(
    code=Code(
        code="MOD013",
        name="unreachable-model",
        severity=Severity.ERROR,
        summary="A model that is called must be served: by a gateway's route, a deployment, or its provider.",
        why="Nothing would answer: the eval, or the app, fails at its first call.",
        bad="weights: {repo: Qwen/Qwen3-8B, revision: …}     # called by an eval; no deployment, no endpoint",
        good="# conf/deployment/answerer.yaml\nmodel: answerer\nengine: vllm\nhardware: {pool: gpu, count: 1}",
    ),
    check=check,
)
