"""PRM001: a template that names a variable which the prompt does not declare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.places import named_at
from llmops.compiler.derive.prompt import Part, all_parts, variables
from llmops.compiler.derive.template import MalformedError, find, names
from llmops.compiler.diagnostics.suggest import listed, nearest
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.sources import Span
from llmops.compiler.model.view import View
from llmops.schemas.types import PROMPT


def check(scope: Scope) -> Iterator[Finding]:
    for prompt in scope.reader.of(PROMPT):
        declared = variables(prompt)
        syntax = prompt.text("syntax").value
        for part in all_parts(prompt):
            try:
                used = names(part.text, syntax)
            except MalformedError:
                continue
            for name in used:
                if name not in declared:
                    yield _finding(scope, prompt, part, syntax, name, tuple(declared))


def _finding(
    scope: Scope, prompt: View[Any], part: Part, syntax: str, name: str, declared: tuple[str, ...]
) -> Finding:
    close = nearest(name, declared)
    label, notes = place(scope, part, syntax, name, f"did you mean `{close[0]}`?" if close else "not declared")
    if close:
        help_ = f"write `{close[0]}`, or declare it: `variables: {{{name}: string}}`"
    else:
        help_ = f"declare it: `variables: {{{name}: string}}`"
    if declared:
        notes = (*notes, f"declared: {listed(declared)}")
    return Finding(
        f"`{name}` is no variable of `{prompt.address.name}`", (label,), notes=notes, help=(help_,),
        found=name, expected=close[0] if close else None,
    )


def place(scope: Scope, part: Part, syntax: str, name: str, text: str) -> tuple[Label, tuple[str, ...]]:
    """The name inside the text of a message; for a file, the field that names it, and the line in a note."""
    if part.file is None:
        stretch: Span | None = named_at(scope.sources, scope.reader.project.composed, part.at, name, syntax)
        return Label(part.at, text, primary=True, part=stretch), ()
    found = find(name, part.text, syntax)
    line = 1 if found is None else part.text.count("\n", 0, found.start) + 1
    return Label(part.at, text, primary=True), (f"named in {part.file}, line {line}",)


RULE = Rule(
    code=Code(
        code="PRM001",
        name="undeclared-variable",
        severity=Severity.ERROR,
        summary="A template may name only variables that the prompt declares.",
        why="Most runners put nothing in place of a variable that they are not given, and go on: the model answers a "
        "prompt with a hole in it, and the eval passes.",
        bad="messages:\n  - user: \"{{ qestion }}\"\nvariables: {question: string}",
        good="messages:\n  - user: \"{{ question }}\"\nvariables: {question: string}",
    ),
    check=check,
)
