"""IDX003: chunks that are longer than what their embedder reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.index import chunk_tokens, vectors
from llmops.compiler.derive.model import called, context_tokens, source_note
from llmops.compiler.model.finding import Code, Edit, Finding, Fix, Label, Severity
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import View
from llmops.schemas.types import INDEX


def check(scope: Scope) -> Iterator[Finding]:
    for index in scope.reader.of(INDEX):
        if index.node("chunking") is None:
            continue
        least, most = chunk_tokens(scope.facts, index)
        for vector in vectors(scope.facts, index):
            if vector.field is not None:
                continue
            limit = context_tokens(scope.facts, vector.embedder)
            place = index.at("chunking", "size")
            if limit is None:
                yield Finding(
                    f"how much {called(vector.embedder)} reads is unknown", (Label(place, primary=True),),
                    help=("say it on the model: `facts: {context: 512}`",), unknown=True,
                )
            elif least is not None and most is not None and most.value > limit.value:
                yield _too_long(index, vector.embedder, most, limit)
            elif most is not None and most.value > limit.value:
                yield _too_long(index, vector.embedder, most, limit, capped=True)
            elif most is None:
                unit = index.text("chunking", "by").value
                yield Finding(
                    f"how many tokens a chunk of {index.address} has is unknown: it counts {unit}",
                    (Label(place, primary=True),), unknown=True,
                    help=(f"give a limit: `max_tokens: {limit.value}` in `chunking`",),
                )


def _too_long(
    index: View[Any], embedder: View[Any], most: Sourced[int], limit: Sourced[int], capped: bool = False
) -> Finding:
    key = "max_tokens" if capped else "size"
    at = index.at("chunking", key)
    name, reader = index.address.name, embedder.address.name
    return Finding(
        f"a chunk of `{name}` may have {most.value} tokens, `{reader}` reads {limit.value}",
        (Label(at, f"{most.value} tokens", primary=True), Label(index.at("embedder"), f"reads {limit.value}"))
        if index.has("embedder") else (Label(at, f"{most.value} tokens", primary=True),),
        notes=(f"{called(embedder)}: {limit.value} tokens {source_note(limit)}",),
        help=(f"`{key}: {limit.value}` is the most", "or take an embedder that reads more"),
        fixes=(Fix(f"cut at {limit.value} tokens", (Edit(at, str(limit.value)),)),),
        severity=Severity.WARNING if capped else None, found=str(most.value), expected=f"at most {limit.value}",
    )


RULE = Rule(
    code=Code(
        code="IDX003",
        name="chunk-over-embedder",
        severity=Severity.ERROR,
        summary="A chunk must not be longer than its embedder reads.",
        why="The embedder drops the rest without a word: what stands there is never found.",
        bad="embedder: embedder     # all-MiniLM-L6-v2 reads 256 tokens\nchunking: {by: tokens, size: 512}",
        good="embedder: embedder\nchunking: {by: tokens, size: 250, overlap: 20}",
    ),
    check=check,
)
