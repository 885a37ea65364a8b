"""MOD007: a model that is called for something it is not made for."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.calls import all_calls
from llmops.compiler.derive.model import called, source_note, task
from llmops.compiler.model.finding import Code, Finding, Label, Severity


def check(scope: Scope) -> Iterator[Finding]:
    for call in all_calls(scope.reader):
        if call.task is None:
            continue
        does = task(scope.facts, call.model)
        if does is None:
            yield Finding(
                f"what `{called(call.model)}` does is unknown", (Label(call.at, primary=True),),
                help=("say it on the model: `task: chat`",), unknown=True,
            )
        elif does.value != call.task:
            yield Finding(
                f"`{call.model.address.name}` does {does.value}, a {call.task} model is needed",
                (Label(call.at, f"a {call.task} model is called here", primary=True),),
                notes=(f"{called(call.model)}: {does.value} {source_note(does)}",),
                help=(f"name a {call.task} model, or set `task: {call.task}` on the model if it is one",),
                found=does.value, expected=call.task,
            )


RULE = Rule(
    code=Code(
        code="MOD007",
        name="wrong-task",
        severity=Severity.ERROR,
        summary="A model must be of the sort that its caller needs: a prompt and a judge need one that chats.",
        why="An embedding model has no chat endpoint: every call is refused.",
        bad="subject: {prompt: answer, model: embedder}",
        good="subject: {prompt: answer, model: answerer}",
    ),
    check=check,
)
