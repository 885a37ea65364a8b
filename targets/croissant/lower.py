"""From datasets to Croissant. Words are those of the format, https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import DATASET
from llmops.targets.croissant.known import lists
from llmops.targets.croissant.parts import TEXT, Part, parts
from llmops.targets.croissant.records import Columns, record_sets

RAI = "http://mlcommons.org/croissant/RAI/1.0"


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported]:
    for dataset in lowering.reader.of(DATASET):
        columns = Columns(lowering, dataset)
        found = parts(lowering, dataset)
        yield from columns.unsupported()
        yield from _unsupported(dataset, columns, found)
        body = _described(dataset, columns, found)
        yield Artifact(f"{dataset.address.name}.json", body, (dataset.address,), Format.JSON, comment=None)


def _described(dataset: View[Any], columns: Columns, found: list[Part]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "@context": dict(lists()["context"]), "@type": "sc:Dataset", "name": dataset.label,
        "conformsTo": [lists()["conforms_to"], RAI],
    }  # fmt: skip
    for key, value in (
        ("description", dataset.maybe_text("description")), ("license", dataset.maybe_text("licence")),
        ("version", dataset.maybe_text("revision")),
    ):  # fmt: skip
        if value is not None:
            body[key] = value
    owner, layout = dataset.maybe_text("owner"), dataset.maybe_text("format")
    if owner is not None:
        body["publisher"] = {"@type": "sc:Organization", "name": owner}
    if layout is not None:
        body["keywords"] = [layout]
    body["rai:personalSensitiveInformation"] = [dataset.text("sensitivity").map(lambda word: f"sensitivity: {word}")]
    body["rai:dataCollection"] = _collected(dataset)
    if any(part.sha256 is None and part.inside is None for part in found):
        # What has no digest may change under its address: the format asks for this word then.
        body["isLiveDataset"] = True
    distribution = [*(_file(part) for part in found), *_documents(found)]
    if distribution:
        body["distribution"] = distribution
    sets = list(record_sets(dataset, columns, found))
    if sets:
        body["recordSet"] = sets
    return body


def _file(part: Part) -> Any:
    if part.inside is not None:
        files = {"@type": "cr:FileSet", "@id": part.id, "name": part.id, "containedIn": {"@id": part.inside},
                 "encodingFormat": part.format, "includes": part.where}
        return Sourced(files, part.why, raw=True)
    made: dict[str, Any] = {
        "@type": "cr:FileObject", "@id": part.named, "name": part.named, "contentUrl": part.where,
        "encodingFormat": part.format,
    }  # fmt: skip
    if part.size is not None and part.sha256 is not None:
        size = part.size
        made["contentSize"] = part.sha256.express(lambda _: f"{size} B")
    if part.sha256 is not None:
        made["sha256"] = part.sha256
    return made


def _documents(found: list[Part]) -> Iterator[dict[str, Any]]:
    """All texts as one set, so that they are read as one table."""
    texts = [{"@id": part.named} for part in found if part.format == TEXT]
    if texts:
        yield {"@type": "cr:FileSet", "@id": "sets/documents", "name": "documents", "containedIn": texts,
               "encodingFormat": TEXT, "includes": "*"}


def _collected(dataset: View[Any]) -> Sourced[str]:
    """Who may have written it, and how it came to be."""
    trust = dataset.text("trust")
    said = {"trusted": "written by its owners", "user": "written by users of an app",
            "untrusted": "may have been written by anybody"}
    text = trust.map(lambda word: said[word])
    config = dataset.maybe_text("source", "config") if dataset.has("source") else None
    if config is not None:
        text = Sourced(f"{text.value}; the part `{config.value}` of its source", text.sources).because(config)
    if not dataset.has("derive"):
        return text
    recipe = dataset.text("derive", "recipe")
    names = [item.text() for item in dataset.entries("derive", "from")]
    made = f"{text.value}; {recipe.value} from {', '.join(name.value for name in names)}"
    reasons = [recipe, *names]
    for word in ("model", "prompt", "code", "runner"):
        value = dataset.maybe_text("derive", word)
        if value is not None:
            made += f", {word} {value.value}"
            reasons.append(value)
    return Sourced(made, text.sources).because(*reasons)


def _unsupported(dataset: View[Any], columns: Columns, found: list[Part]) -> Iterator[Unsupported]:
    tracked = dataset.has("source") and dataset.has("source", "dvc")
    if tracked and not found:
        yield Unsupported(dataset.at("source", "dvc"), "it reads no repository of DVC",
                          "let DVC fetch it, or name the `uri` of its remote")
    outside = dataset.has("source") and not any(part.table for part in found)
    if outside and columns.declared and not tracked:
        yield Unsupported(dataset.at("columns"), "which file of the source holds them is not said",
                          "name the files in `splits`, such as `train: data/train-*.parquet`")


