"""IDX001: embeddings of a length that their model does not make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.model import called, hosted, repo
from llmops.compiler.facts import Embedder, ModelFacts
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.view import View
from llmops.schemas.types import INDEX, MODEL


def check(scope: Scope) -> Iterator[Finding]:
    for model in scope.reader.of(MODEL):
        shortened = model.maybe_integer("dimension")
        if shortened is not None:
            yield from _shortened(scope, model, shortened.value, model.at("dimension"), "dimension")
        row = _row(scope, model)
        own = model.maybe_integer("facts", "dimension")
        if own is not None and row is not None and own.value != row.dimension:
            at = model.at("facts", "dimension")
            yield Finding(
                f"{called(model)} makes {row.dimension} numbers, `facts` say {own.value}",
                (Label(at, f"expected {row.dimension}", primary=True),), notes=(_note(row),),
                help=("drop `dimension` from `facts`: the catalogue knows it", "a shortened one is `dimension`"),
                found=str(own.value), expected=str(row.dimension),
            )
    for index in scope.reader.of(INDEX):
        cut = index.maybe_integer("compression", "dimension")
        embedder = index.ref("embedder")
        if cut is not None and embedder is not None:
            at = index.at("compression", "dimension")
            yield from _shortened(scope, embedder, cut.value, at, "dimension")


def _row(scope: Scope, model: View[Any]) -> Embedder | None:
    name = repo(model)
    return scope.facts.embedder(name.value) if name is not None and model.has("weights", "repo") else None


def _shortened(scope: Scope, model: View[Any], length: int, at: KeyPath, key: str) -> Iterator[Finding]:
    """Whether embeddings of a model may have a length."""
    row = _row(scope, model)
    api = hosted(scope.facts, model)
    whole = row.dimension if row is not None else api.dimension if api is not None else None
    if whole is None:
        yield Finding(
            f"how many numbers {called(model)} makes is unknown", (Label(at, primary=True),),
            help=("say it on the model: `facts: {dimension: 768}`",), unknown=True,
        )
        return
    may = row.may_be(length) if row is not None else _by_provider(api, length, whole)
    if may:
        return
    if may is None:
        yield Finding(
            f"whether {called(model)} may be shortened to {length} numbers is unknown", (Label(at, primary=True),),
            unknown=True,
        )
        return
    sizes = "" if row is None else _sizes(row)
    fact = row.fact if row is not None else api.fact if api is not None else ""
    longer = length > whole
    yield Finding(
        f"{called(model)} makes {whole} numbers, not {length}" if longer
        else f"`{called(model)}` cannot be shortened to {length} numbers",
        (Label(at, "more than it makes" if longer else "no length that it was trained for", primary=True),),
        notes=(f"{called(model)}: {whole} numbers{f', or {sizes}' if sizes else ''} (facts: {fact})",),
        help=(f"leave `{key}` out for {whole} numbers{f', or write {sizes}' if sizes else ''}",),
        found=str(length), expected=f"{whole}{f', or {sizes}' if sizes else ''}",
    )


def _by_provider(api: ModelFacts | None, length: int, whole: int) -> bool | None:
    """Whether a provider's API gives embeddings of a length."""
    if length >= whole:
        return length == whole
    return None if api is None else api.shortens


def _sizes(row: Embedder) -> str:
    if row.shortened_from is not None:
        return f"any from {row.shortened_from} on"
    return " or ".join(map(str, reversed(row.shortened or ())))


def _note(row: Embedder) -> str:
    return f"{row.repo}: {row.dimension} numbers (facts: {row.fact}, {row.as_of[:7]})"


RULE = Rule(
    code=Code(
        code="IDX001",
        name="dimension-mismatch",
        severity=Severity.ERROR,
        summary="Embeddings must have a length that their model makes, or may be shortened to.",
        why=(
            "The store refuses vectors of another length; cut at a length that the model was not trained for, they are"
            " compared, and the wrong passages are found."
        ),
        bad="weights: {repo: nomic-ai/nomic-embed-text-v1.5}\ntask: embedding\ndimension: 300      # 768, 512, 256 …",
        good="weights: {repo: nomic-ai/nomic-embed-text-v1.5}\ntask: embedding\ndimension: 256",
    ),
    check=check,
)
