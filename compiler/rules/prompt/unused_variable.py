"""PRM002: a declared variable that no text of the prompt names."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.prompt import all_parts, variables
from llmops.compiler.derive.template import MalformedError, names
from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.schemas.types import PROMPT


def check(scope: Scope) -> Iterator[Finding]:
    for prompt in scope.reader.of(PROMPT):
        syntax = prompt.text("syntax").value
        if syntax == "none":
            continue
        texts = list(all_parts(prompt))
        try:
            used = {name for part in texts for name in names(part.text, syntax)}
        except MalformedError:
            continue
        if any(path not in {part.file for part in texts} for path in (prompt.value.get("files") or {}).values()):
            continue
        declared = variables(prompt)
        misspelt = {near for name in used - set(declared) for near in nearest(name, declared)}
        for name in declared:
            if name not in used | misspelt:
                yield Finding(
                    f"no message of `{prompt.address.name}` names its variable `{name}`",
                    (Label(prompt.at("variables", name), "never used", primary=True, key_only=True),),
                    help=(f"write `{{{{ {name} }}}}` where it belongs, or take the variable away",),
                    found=name,
                )


RULE = Rule(
    code=Code(
        code="PRM002",
        name="unused-variable",
        severity=Severity.WARNING,
        summary="Each declared variable is named in some message.",
        why="Callers must give it, and the model never sees it: often a passage or a history that was lost in an edit.",
        bad="messages:\n  - user: \"{{ question }}\"\nvariables: {question: string, passages: array}",
        good="messages:\n  - user: \"{{ passages }} {{ question }}\"\nvariables: {question: string, passages: array}",
    ),
    check=check,
)
