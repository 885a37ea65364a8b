"""MOD006: a call that needs something the model cannot do."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.calls import all_calls
from llmops.compiler.derive.model import called, capability, source_note
from llmops.compiler.derive.prompt import needs
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath


def check(scope: Scope) -> Iterator[Finding]:
    seen: set[tuple[KeyPath, str, str]] = set()
    for call in all_calls(scope.reader):
        for need in needs(call.prompt, call.model, call.caller):
            can = capability(scope.facts, call.model, need.capability)
            key = (need.at, need.capability, call.model.address.name)
            if key in seen or (can is not None and can.value):
                continue
            seen.add(key)
            if can is None:
                yield Finding(
                    f"whether `{called(call.model)}` can {need.words} is unknown", (Label(need.at, primary=True),),
                    unknown=True,
                )
                continue
            yield Finding(
                f"`{call.model.address.name}` cannot {need.words}",
                (
                    Label(need.at, "needed here", primary=True),
                    Label(call.at, f"{call.resource} calls {called(call.model)}"),
                ),
                notes=(f"{called(call.model)} lacks {need.capability} {source_note(can)}",),
                help=(
                    "call a model that can, or say that this one does: "
                    f"`facts: {{capabilities: {{{need.capability}: true}}}}`",
                ),
            )


RULE = Rule(
    code=Code(
        code="MOD006",
        name="capability-missing",
        severity=Severity.ERROR,
        summary="A model must be able to do what its callers need: system messages, schemas, images, audio, tools.",
        why="The provider refuses the request, or worse drops what it does not know and answers all the same.",
        bad="messages:\n  - user: [{text: What is this?}, {image: \"{{ picture }}\"}]",
        good="messages:\n  - user: \"{{ question }}\"     # or the same with a model that has `vision`",
    ),
    check=check,
)
