"""From datasets to their cards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.diagnostics.suggest import best
from llmops.compiler.emit.text import visible
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import DATASET
from llmops.targets.dataset_card.facts import Rows, paths, rows, uses
from llmops.targets.dataset_card.front import front
from llmops.targets.dataset_card.known import licence, lists
from llmops.targets.dataset_card.prose import render

TRUST = {
    "trusted": "Its texts are written by its owners: what stands in them may be followed.",
    "user": "Its texts are written by users of an app: they are data, and no instruction.",
    "untrusted": "Anybody may have written its texts: they are data, and may try to instruct a model.",
}
SENSITIVITY = {
    "public": "It is public: a leak does no harm.",
    "internal": "It is internal: it is not for people outside.",
    "personal": "It holds personal data: the law says who may read it, and for how long.",
    "secret": "It is secret: a leak does great harm.",
}
RECIPES = {
    "derived": "It is made by code of the project.",
    "synthetic": "A model wrote its rows: they may be wrong, and are no voice of people.",
    "labelled": "People said something of each row.",
    "decontaminated": "It is what is left of others when rows that tests hold are taken out.",
}


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported]:
    for dataset in lowering.reader.of(DATASET):
        yield from _misspelt(dataset)
        known = rows(lowering, dataset)
        yield Artifact(
            f"{dataset.address.name}/README.md", render("card.md", _words(dataset, known)), (dataset.address,),
            Format.MARKDOWN, front=front(lowering, dataset, known),
        )  # fmt: skip


def _misspelt(dataset: View[Any]) -> Iterator[Unsupported]:
    """A licence that the hub does not list is one of its own there; nearly one of the list is more likely misspelt."""
    written = dataset.maybe_text("licence")
    if written is not None and licence(written.value) is None:
        close = best(written.value.lower(), lists()["licences"])
        if close is not None:
            why = f"the hub lists no licence `{visible(written.value)}`, and shows it as another one"
            yield Unsupported(dataset.at("licence"), why, f"did you mean `{close}`?")


def _words(dataset: View[Any], known: Rows) -> dict[str, Any]:
    return {
        "name": dataset.label.express(lambda name: f"`{name}`"),
        "description": dataset.maybe_text("description"),
        "count": known.count, "unit": known.unit,
        "splits": [{"name": _split(dataset, name), "size": size} for name, size in known.splits.items()],
        "columns": list(_columns(dataset)),
        "places": list(_places(dataset)),
        "layout": dataset.maybe_text("format"), "most": dataset.maybe_integer("max_rows"),
        "digest": dataset.maybe_text("digest"),
        "trust": dataset.text("trust").express(lambda word: TRUST[word]),
        "recipe": _recipe(dataset), "becomes": _becomes(dataset),
        "sensitivity": dataset.text("sensitivity").express(lambda word: SENSITIVITY[word]),
        "acl": [{"column": Sourced(column, (dataset.source("acl", column),)), "claim": dataset.text("acl", column)}
                for column in dataset.value.get("acl") or {}],
        "uses": [{"name": use.name.express(lambda name: f"`{name}`"), "how": use.how, "split": use.split}
                 for use in uses(dataset)],
        "licence": dataset.maybe_text("licence"), "owner": dataset.maybe_text("owner"),
    }  # fmt: skip


def _split(dataset: View[Any], name: str) -> Sourced[str]:
    return Sourced(name, (dataset.source("splits", name),))


def _columns(dataset: View[Any]) -> Iterator[dict[str, Any]]:
    meanings = {column: meaning for meaning, column in (dataset.value.get("fields") or {}).items()}
    for name in dataset.value.get("columns") or {}:
        kind = dataset.text("columns", name)
        made: dict[str, Any] = {"name": Sourced(name, kind.sources), "type": kind.express(str), "meaning": None}
        if name in meanings:
            made["meaning"] = Sourced(meanings[name], (dataset.source("fields", meanings[name]),))
        yield made


def _places(dataset: View[Any]) -> Iterator[dict[str, Any]]:
    """Where it is kept: files of the project, a source, rows in the config; of a derived one, its datasets."""
    source = dataset.node("source") if dataset.has("source") else None
    if source is not None:
        revision = source.maybe_text("revision") or dataset.maybe_text("revision")
        for word, what in (("repo", "the repository on Hugging Face"), ("uri", "the address"),
                           ("dvc", "data that DVC tracks in")):
            where = source.maybe_text(word)
            if where is not None:
                yield {"what": what, "where": where, "revision": revision}
        return
    revision = dataset.maybe_text("revision")
    for file in paths(dataset):
        yield {"what": "the file", "where": file, "revision": revision}
    if dataset.has("rows"):
        place = Sourced("conf/", (dataset.source("rows"),), raw=True)
        yield {"what": "rows that stand in the project's", "where": place, "revision": revision}
    for node in dataset.entries("derive", "from") if dataset.has("derive") else ():
        named = node.text().express(lambda name: f"`dataset.{name}`")
        yield {"what": "the dataset", "where": named, "revision": None}


def _becomes(dataset: View[Any]) -> Sourced[str]:
    """What must happen before its rows are known."""
    recipe = dataset.maybe_text("derive", "recipe") if dataset.has("derive") else None
    return literal("fetched") if recipe is None else recipe.express(lambda _: "made")


def _recipe(dataset: View[Any]) -> dict[str, Any] | None:
    if not dataset.has("derive"):
        return None
    parts: list[dict[str, Any]] = []
    for word in ("runner", "model", "prompt", "code", "function", "ngram", "count"):
        value = dataset.get("derive", word)
        if value is not None:
            parts.append({"what": word, "value": value.map(str)})
    parts += [{"what": "against", "value": node.text()} for node in dataset.entries("derive", "against")]
    for label in dataset.entries("derive", "labels"):
        parts.append({"what": "label", "value": Sourced(label.name, (label.source(),))})
    recipe = dataset.text("derive", "recipe")
    return {"sentence": recipe.express(lambda word: RECIPES[word]), "parts": parts}
