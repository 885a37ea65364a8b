"""MOD005: an answer longer than the model, or the way to it, can give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.calls import calls
from llmops.compiler.derive.context import effective_context
from llmops.compiler.derive.model import called, max_output, source_note
from llmops.compiler.derive.params import params
from llmops.compiler.derive.places import config_place
from llmops.compiler.derive.prompt import has_params, place
from llmops.compiler.derive.route import route
from llmops.compiler.model.finding import Code, Edit, Finding, Fix, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import MODEL

NAMES = ("max_tokens", "max_completion_tokens")


def check(scope: Scope) -> Iterator[Finding]:
    for model in scope.reader.of(MODEL):
        seen: set[KeyPath] = set()
        for caller, layers in _requests(scope, model):
            merged = params(*layers)
            for name in NAMES:
                asked = merged.get(name)
                at = place(asked)
                if isinstance(asked, Sourced) and isinstance(asked.value, int) and at is not None and at not in seen:
                    found = _judge(scope, model, caller, name, asked.value, at)
                    if found is not None:
                        seen.add(at)
                        yield found


def _requests(scope: Scope, model: View[Any]) -> Iterator[tuple[Node | None, list[Node | None]]]:
    """The model's own parameters, then those of every call of it."""
    yield None, [model]
    for call in calls(scope.reader, model):
        yield call.caller, [model, call.prompt, call.caller if has_params(call.caller) else None]


def _judge(
    scope: Scope, model: View[Any], caller: Node | None, name: str, asked: int, at: KeyPath
) -> Finding | None:
    answer = max_output(scope.facts, model)
    context = effective_context(scope.reader, scope.facts, route(scope.reader, model, caller))
    limit = min((n for n in (answer, context) if n is not None), key=lambda n: n.value, default=None)
    if limit is None:
        return Finding(
            f"how long an answer of `{called(model)}` may be is unknown", (Label(at, primary=True),), unknown=True
        )
    if asked <= limit.value:
        return None
    what = "answers" if limit is answer else "a request with its answer"
    return Finding(
        f"`{model.address.name}` cannot give an answer of {asked} tokens",
        (
            Label(at, f"{asked} tokens asked for", primary=True),
            Label(config_place(limit.sources) or model.at(), f"{what}: {limit.value} tokens at most"),
        ),
        notes=(f"limit of {called(model)}: {limit.value} tokens {source_note(limit)}",),
        help=(f"`{name}: {limit.value}` is the most",),
        fixes=(Fix(f"ask for {limit.value} tokens", (Edit(at, str(limit.value)),)),),
        found=str(asked), expected=f"at most {limit.value}",
    )


RULE = Rule(
    code=Code(
        code="MOD005",
        name="output-over-limit",
        severity=Severity.ERROR,
        summary="No call may ask for a longer answer than the model gives.",
        why="The provider refuses each such request, or the gateway cuts the number without a word.",
        bad="provider: openai\nid: gpt-4o-mini-2024-07-18\nparams: {max_tokens: 32000}     # it gives 16384 at most",
        good="provider: openai\nid: gpt-4o-mini-2024-07-18\nparams: {max_tokens: 16000}",
    ),
    check=check,
)
