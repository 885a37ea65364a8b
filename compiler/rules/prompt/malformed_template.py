"""PRM013: a text that is no template of the prompt's syntax."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.prompt import all_parts
from llmops.compiler.derive.template import MalformedError, names
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.schemas.types import PROMPT


def check(scope: Scope) -> Iterator[Finding]:
    for prompt in scope.reader.of(PROMPT):
        syntax = prompt.text("syntax").value
        for part in all_parts(prompt):
            try:
                names(part.text, syntax)
            except MalformedError as error:
                where = f"line {error.line} of {part.file or 'the text'}"
                yield Finding(
                    f"the {part.role} message of `{prompt.address.name}` is no {syntax} template",
                    (Label(part.at, error.why, primary=True),), notes=(where,),
                    help=("close the tag, or say `syntax: none` if nothing is filled in",),
                    unknown=syntax == "nunjucks",
                )


RULE = Rule(
    code=Code(
        code="PRM013",
        name="malformed-template",
        severity=Severity.ERROR,
        summary="A message must be a template of the prompt's syntax.",
        why="It fails when it is first rendered, or is sent with its braces to the model. What nunjucks alone "
        "understands is counted as unknown: it is read by the parser of jinja2.",
        bad="messages:\n  - user: \"{% if formal %}Good day.\"\nvariables: {formal: boolean}",
        good="messages:\n  - user: \"{% if formal %}Good day.{% endif %}\"\nvariables: {formal: boolean}",
    ),
    check=check,
)
