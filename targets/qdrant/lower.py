"""From indexes to the bodies of the requests that make their collections."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.index import vectors
from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.exports import Collection
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import STORE
from llmops.targets.qdrant.collections import indexes, of_index
from llmops.targets.qdrant.known import image_is_known, words

DISTANCES = {"cosine": "Cosine", "dot": "Dot", "l2": "Euclid"}
FIELDS = {"string": "keyword", "integer": "integer", "number": "float", "boolean": "bool", "array": "keyword"}
"""What Qdrant indexes a field as, by its type; of an array, each of its words."""


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    made = False
    for index in indexes(lowering):
        problems = list(_problems(lowering, index))
        yield from problems
        collection = of_index(lowering, index)
        if collection is None or any(isinstance(p, Finding) and p.severity == Severity.ERROR for p in problems):
            continue
        made = True
        about: tuple[Address | Sourced[Address], ...] = (
            index.address, Sourced(collection.store, (index.source("store"),), raw=True),
        )
        name = index.address.name
        yield Artifact(f"{name}.json", body(lowering, index, collection), about, Format.JSON, comment=None)
        yield Artifact(f"{name}.fields.json", list(_fields(index)), about, Format.JSON, comment=None)
    for store in lowering.reader.of(STORE, engine="qdrant"):
        yield from _store_problems(store)
    if made:
        folder = files(__package__)
        for path, below in (("apply.py", "templates"), ("requirements.txt", "lock")):
            yield Artifact(path, folder.joinpath(below, path).read_bytes(), format=Format.VERBATIM, shared=True)


def body(lowering: Lowering, index: View[Any], collection: Collection) -> dict[str, Any]:
    """What `PUT /collections/<name>` is sent."""
    distance = collection.metric.express(lambda m: DISTANCES[m])
    named = {}
    for vector in vectors(lowering.facts, index):
        made: dict[str, Any] = {"size": vector.dimension, "distance": distance}
        if collection.element.value == "half":
            made["datatype"] = collection.element.express(lambda _: "float16")
        named[vector.name.value if vector.name is not None else ""] = made
    out: dict[str, Any] = {"vectors": named[""] if list(named) == [""] else named}
    graph = {
        {"m": "m", "ef_construction": "ef_construct"}[name]: number for name, number in collection.build.items()
    }
    if collection.algorithm.value == "flat":
        # with no links no graph is built: each search compares with every vector
        graph = {"m": collection.algorithm.express(lambda _: 0)}
    if graph:
        out["hnsw_config"] = graph
    compression = index.maybe_text("compression", "type")
    if compression is not None and compression.value == "scalar":
        out["quantization_config"] = {"scalar": {"type": compression.express(lambda _: "int8")}}
    if compression is not None and compression.value == "binary":
        out["quantization_config"] = {"binary": Sourced({}, compression.sources, raw=True)}
    return out


def _fields(index: View[Any]) -> Iterator[dict[str, Any]]:
    """What `PUT /collections/<name>/index` is sent, once for each. Fields stand in `meta`, as Haystack keeps them."""
    asked = index.get("acl")
    acl = set(asked.value) if asked is not None else set()
    for field in index.entries("fields"):
        flags = [field.maybe_flag(name) for name in ("filter", "facet")]
        wanted = [flag for flag in flags if flag is not None and flag.value]
        kind = FIELDS.get(field.text("type").value)
        if kind is None or (not wanted and field.name not in acl):
            continue
        why = Sourced(field.name, (field.source(), *(s for flag in wanted for s in flag.sources)))
        yield {"field_name": why.express(lambda name: f"meta.{name}"),
               "field_schema": field.text("type").express(lambda t: FIELDS[t])}
    language = index.maybe_text("keyword", "language")
    if language is not None and language.value in words("languages"):
        stemmer = {"type": "snowball", "language": Sourced(language.value, language.sources, raw=True)}
        yield {"field_name": "content", "field_schema": {
            "type": "text", "tokenizer": literal("word"), "lowercase": True, "stemmer": stemmer,
        }}


# --- what it cannot say -------------------------------------------------------------------------------------------


def _problems(lowering: Lowering, index: View[Any]) -> Iterator[Unsupported | Finding]:
    found = list(vectors(lowering.facts, index))
    if not found:
        yield Finding(
            "a collection of Qdrant's is made of vectors", (Label(index.at("store"), "", primary=True),),
            help=("name an `embedder`, or keep the index in another store",), severity=Severity.ERROR,
        )
    for vector in found:
        if vector.dimension is None:
            yield Finding(
                "the length of the vectors is not known",
                (Label(vector.node.at("embedder"), "of this model", primary=True),),
                help=("say it: `facts: {dimension: …}` of the model",), severity=Severity.ERROR,
            )
        if vector.field is not None:
            yield Unsupported(vector.node.at("field"), "whoever fills a collection says what a vector is made of")
    algorithm = index.maybe_text("algorithm", "type")
    if algorithm is not None and algorithm.value == "ivfflat":
        yield Finding(
            "Qdrant keeps its vectors in no lists", (Label(index.at("algorithm", "type"), "", primary=True),),
            help=("`type: hnsw`",), severity=Severity.ERROR,
        )
    compression = index.maybe_text("compression", "type")
    if compression is not None and compression.value == "product":
        yield Unsupported(index.at("compression", "type"), "it asks how much smaller they become, which no field says",
                          "`type: scalar`")
    if index.has("compression", "rescore"):
        yield Unsupported(index.at("compression", "rescore"), "a search says it, not the collection")
    keeps = index.maybe_flag("compression", "keep_originals")
    if keeps is not None and not keeps.value:
        yield Unsupported(index.at("compression", "keep_originals"), "it keeps the whole vectors always")
    yield from _words_problems(index)
    for field in index.entries("fields"):
        if field.text("type").value not in FIELDS:
            yield Unsupported(field.at("type"), f"it indexes no field of the type {field.text('type').value}")


def _words_problems(index: View[Any]) -> Iterator[Unsupported | Finding]:
    language = index.maybe_text("keyword", "language")
    if language is not None and language.value not in words("languages"):
        close = nearest(language.value, words("languages"))
        yield Finding(
            f"Qdrant stems no words of `{language.value}`",
            (Label(index.at("keyword", "language"), f"did you mean `{close[0]}`?" if close else "", primary=True),),
            notes=(f"it knows: {', '.join(words('languages'))}",), found=language.value,
            expected=close[0] if close else None,
        )
    if index.has("keyword", "weight"):
        yield Unsupported(index.at("keyword", "weight"), "a search says it, not the collection")


def _store_problems(store: View[Any]) -> Iterator[Unsupported]:
    version = store.maybe_text("version")
    if version is not None and not image_is_known(version.value):
        yield Unsupported(store.at("version"), "no image of this version is known", "say the whole version, or `image`")
    auth = store.maybe_text("auth")
    if auth is not None and auth.value == "identity":
        yield Unsupported(store.at("auth"), "callers show a key", "give the store a `secret`")
    for field, why in (
        ("database", "a server has collections, and nothing above them"),
        ("retention", "collections keep their points until somebody deletes them"),
        ("encrypted", "whether it encrypts what it keeps is set where it runs"),
        ("sku", "its size is set where it runs"),
        ("region", "where it stands is set where it runs"),
    ):
        if store.has(field):
            yield Unsupported(store.at(field), why)
