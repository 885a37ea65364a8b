"""IDX006: an embedder that tells questions from passages, and is told otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.index import vectors
from llmops.compiler.derive.model import called, repo
from llmops.compiler.facts import Embedder
from llmops.compiler.model.finding import Code, Edit, Finding, Fix, Label, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.view import View
from llmops.schemas.types import INDEX

ROLES = ("query", "document")


def check(scope: Scope) -> Iterator[Finding]:
    seen: set[Address] = set()
    for index in scope.reader.of(INDEX):
        for vector in vectors(scope.facts, index):
            model = vector.embedder
            name = repo(model)
            row = None if name is None else scope.facts.embedder(name.value)
            if row is not None and row.prefixes and model.address not in seen:
                seen.add(model.address)
                yield from _roles(model, row)


def _roles(model: View[Any], row: Embedder) -> Iterator[Finding]:
    """What a config leaves out is the catalogue's; only what it says otherwise can be wrong."""
    for role in ROLES:
        written = model.maybe_text("prefixes", role)
        wanted = row.prefixes.get(role, "")
        if written is None or written.value == wanted:
            continue
        at = model.at("prefixes", role)
        yield Finding(
            f"{called(model)} was made for another text before a {role}",
            (Label(at, f"expected {wanted!r}", primary=True),),
            notes=(f"{row.repo}: {wanted!r} (facts: {row.fact}, {row.as_of[:7]})",),
            help=("drop `prefixes`: the catalogue knows them",),
            fixes=(Fix(f"put {wanted!r} there", (Edit(at, f'"{wanted}"'),)),) if '"' not in wanted else (),
            found=repr(written.value), expected=repr(wanted),
        )


RULE = Rule(
    code=Code(
        code="IDX006",
        name="role-prefix-missing",
        severity=Severity.WARNING,
        summary="An embedder that tells questions from passages needs the texts before them that it was made for.",
        why="Without them, or with others, it still gives vectors, and finds fewer of the right passages.",
        bad='weights: {repo: intfloat/e5-base-v2}\nprefixes: {query: ""}      # it wants "query: "',
        good="weights: {repo: intfloat/e5-base-v2}     # what it wants is in the catalogue",
    ),
    check=check,
)
