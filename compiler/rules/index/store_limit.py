"""IDX002: vectors that their store does not keep, or does not index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.index import Vector, metric, vectors
from llmops.compiler.derive.model import called
from llmops.compiler.derive.places import config_place
from llmops.compiler.facts import StoreFacts, VectorType
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import INDEX

KINDS = {None: "full", "half": "half", "binary": "binary"}
"""From how vectors are made smaller to the catalogue's word; other ways keep the whole vectors too."""
GRAPH = "hnsw"
"""What a store builds where a config does not choose."""


def check(scope: Scope) -> Iterator[Finding]:
    for index in scope.reader.of(INDEX):
        store = index.ref("store")
        found = list(vectors(scope.facts, index))
        if store is None or not found:
            continue
        engine, version = store.text("engine"), store.maybe_text("version")
        facts = scope.facts.store(engine.value, None if version is None else version.value)
        if facts is None:
            yield Finding(
                f"what {store.address} takes is unknown", (Label(index.at("store"), primary=True),),
                notes=(f"the catalogue does not know {engine.value} {version.value if version else ''}".rstrip(),),
                unknown=True,
            )
            continue
        yield from _metric(index, store, facts)
        for vector in found:
            yield from _length(index, store, facts, vector)


def _metric(index: View[Any], store: View[Any], facts: StoreFacts) -> Iterator[Finding]:
    wanted = metric(index)
    if facts.metrics and wanted.value not in facts.metrics:
        yield Finding(
            f"{facts.engine} does not compare by `{wanted.value}`",
            (Label(index.at("metric"), primary=True), Label(store.at("engine"), f"{facts.engine} {facts.version}")),
            help=(f"it compares by: {', '.join(sorted(facts.metrics))}",), notes=(_note(facts),),
        )


def _length(index: View[Any], store: View[Any], facts: StoreFacts, vector: Vector) -> Iterator[Finding]:
    squeezed = index.maybe_text("compression", "type")
    kind = KINDS.get(squeezed.value if squeezed is not None else None, "full")
    kept = facts.vectors.get(kind)
    if kept is None:
        if squeezed is not None and facts.vectors and kind != "full" and facts.vectors["full"].type is not None:
            yield Finding(
                f"{facts.engine} {facts.version} keeps no vectors of type `{squeezed.value}`",
                (Label(index.at("compression", "type"), primary=True), Label(store.at("engine"), facts.engine)),
                help=("leave `compression` out, or take a newer version of the store",), notes=(_note(facts),),
            )
        return
    length = vector.dimension
    if length is None:
        yield Finding(
            f"how many numbers {called(vector.embedder)} makes is unknown",
            (Label(vector.node.at("embedder"), primary=True),), unknown=True,
        )
        return
    written = index.maybe_text("algorithm", "type")
    algorithm = written.value if written is not None else GRAPH
    if kept.most is not None and length.value > kept.most:
        yield _too_long(index, store, facts, vector, kept.most, "keeps", ())
    elif algorithm in kept.indexed and length.value > kept.indexed[algorithm]:
        cures = tuple(_cures(facts, kept, algorithm, length.value))
        yield _too_long(index, store, facts, vector, kept.indexed[algorithm], f"indexes by {algorithm}", cures)
    elif written is not None and kept.indexed and algorithm != "flat" and algorithm not in kept.indexed:
        yield Finding(
            f"{facts.engine} {facts.version} has no `{algorithm}`",
            (Label(index.at("algorithm", "type"), primary=True), Label(store.at("engine"), facts.engine)),
            help=(f"it has: {', '.join(sorted(kept.indexed))}",), notes=(_note(facts),),
        )


def _too_long(
    index: View[Any], store: View[Any], facts: StoreFacts, vector: Vector, most: int, does: str, cures: tuple[str, ...]
) -> Finding:
    length = vector.dimension
    assert length is not None
    at = config_place(length.sources)
    labels = [Label(vector.node.at("embedder"), f"{called(vector.embedder)}: {length.value} numbers", primary=True)]
    if at is not None and at[0] == "model" and at[-1] in ("dimension",):
        labels.append(Label(at, f"{length.value} numbers"))
    labels.append(Label(store.at("engine"), f"at most {most}"))
    return Finding(
        f"`{index.address.name}` has vectors of {length.value} numbers, {facts.engine} {does} up to {most}",
        tuple(labels), notes=(_note(facts),),
        help=(*cures, "shorten the embeddings: `dimension` of the model, where it allows that"),
        found=str(length.value), expected=f"at most {most}",
    )


def _cures(facts: StoreFacts, kept: VectorType, algorithm: str, length: int) -> Iterator[str]:
    half = facts.vectors.get("half")
    if half is not None and half is not kept and half.indexed.get(algorithm, 0) >= length:
        yield f"keep half of the bits: `compression: {{type: half}}` goes up to {half.indexed[algorithm]}"
    yield "search without an index: `algorithm: {type: flat}`"


def _note(facts: StoreFacts) -> str:
    return f"{facts.engine} {facts.version} (facts: {facts.fact}, {facts.as_of[:7]})"


RULE = Rule(
    code=Code(
        code="IDX002",
        name="store-limit",
        severity=Severity.ERROR,
        summary="Vectors must not be longer than their store keeps and indexes.",
        why="The store refuses to build the index: at the first deployment, or when the embedder is changed later.",
        bad="store: vectors          # pgvector: hnsw up to 2000 numbers\nembedder: large         # 3072 numbers",
        good="store: vectors\nembedder: large\ncompression: {type: half}     # up to 4000",
    ),
    check=check,
)
