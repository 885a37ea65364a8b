"""PRM014: a worked case that leaves a variable of its prompt empty, or has no answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.prompt import all_parts, variables
from llmops.compiler.derive.rows import columns
from llmops.compiler.derive.shots import BEFORE
from llmops.compiler.derive.template import MalformedError, names
from llmops.compiler.diagnostics.suggest import listed, nearest
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import PROMPT


def check(scope: Scope) -> Iterator[Finding]:
    for prompt in scope.reader.of(PROMPT):
        if not prompt.has("examples"):
            continue
        asked = _asked(prompt)
        required = [name for name, needed in variables(prompt).items() if needed and name in asked]
        dataset = None if isinstance(prompt.value["examples"], list) else prompt.ref("examples", "dataset")
        if dataset is not None:
            yield from _columns(prompt, dataset, required)
            continue
        if isinstance(prompt.value["examples"], list):
            yield from _listed(prompt, required)


def _asked(prompt: View[Any]) -> set[str]:
    """The variables in the question: a case does not say again what stands before it."""
    syntax = prompt.text("syntax").value
    found: set[str] = set()
    for part in all_parts(prompt):
        if part.role not in BEFORE:
            with suppress(MalformedError):  # another rule says so
                found.update(names(part.text, syntax))
    return found


def _listed(prompt: View[Any], required: list[str]) -> Iterator[Finding]:
    for case in prompt.entries("examples"):
        given = case.value.get("vars") or {}
        for name in required:
            if name not in given:
                close = nearest(name, given)
                yield Finding(
                    f"a worked case does not fill `{name}`",
                    (Label(case.at("vars", close[0]), f"did you mean `{name}`?", primary=True, key_only=True)
                     if close else Label(case.at("vars"), f"no `{name}` here", primary=True),
                     Label(prompt.at("variables", name), "must be given", key_only=True)),
                    help=(f"give it: `vars: {{{name}: …}}`",), found=name,
                )


def _columns(prompt: View[Any], dataset: View[Any], required: list[str]) -> Iterator[Finding]:
    found = columns(dataset)
    if found is None:
        yield Finding(
            f"which columns `{dataset.address.name}` has is unknown",
            (Label(prompt.at("examples", "dataset"), primary=True),),
            help=("say it on the dataset: `columns: {question: string}`",), unknown=True,
        )
        return
    known = {*found, *(dataset.value.get("fields") or {})}
    answer = prompt.text("examples", "answer").value
    written = prompt.written("examples", "answer")
    for name, words in [(name, f"fills `{name}` of the worked cases") for name in required] + [
            (answer, "holds the answers of the worked cases")]:
        if name in known:
            continue
        place = prompt.at("examples", "answer" if name == answer and written else "dataset")
        close = nearest(name, known)
        yield Finding(
            f"no column of `{dataset.address.name}` {words}",
            (Label(place, f"did you mean `{close[0]}`?" if close and name == answer and written else f"no `{name}`",
                   primary=True),),
            notes=(f"columns there: {listed(known)}",),
            help=("name the column: `answer: <column>`" if name == answer else
                  f"say what the column means there: `fields: {{{name}: <column>}}`",), found=name,
        )


RULE = Rule(
    code=Code(
        code="PRM014",
        name="incomplete-example",
        severity=Severity.ERROR,
        summary="A worked case of a prompt fills the variables of the question and has an answer.",
        why="The model would be shown a question with a hole in it, or none at all, and learn that from it.",
        bad="examples:\n  - {vars: {qestion: Is it free?}, answer: Yes}",
        good="examples:\n  - {vars: {question: Is it free?}, answer: Yes}",
    ),
    check=check,
)
