"""The metadata of a card. Keys are the hub's own."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.schemas.types import APP
from llmops.targets.dataset_card.facts import Rows, paths, split_files
from llmops.targets.dataset_card.known import OTHER, licence

SIZES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"), (10**9, "100M<n<1B"),
)  # fmt: skip
DTYPES = {"string": "string", "number": "float64", "integer": "int64", "boolean": "bool", "image": "image",
          "audio": "audio"}
RECIPES = {"derived": ["extended"], "synthetic": ["extended"], "labelled": ["extended"], "decontaminated": ["extended"]}


def front(lowering: Lowering, dataset: View[Any], rows: Rows) -> dict[str, Any]:
    made: dict[str, Any] = {"pretty_name": dataset.label}
    made.update(_licence(dataset))
    languages = _languages(lowering)
    if languages:
        made["language"] = languages
    if rows.count is not None:
        made["size_categories"] = _because([rows.count.express(_size)], rows.count)
    made["source_datasets"] = _sources(dataset)
    recipe = dataset.maybe_text("derive", "recipe") if dataset.has("derive") else None
    if recipe is not None and recipe.value == "synthetic":
        made["language_creators"] = _because(["machine-generated"], recipe)
        made["tags"] = _because(["synthetic"], recipe)
    configs = _configs(dataset)
    if configs:
        made["configs"] = configs
    features = _features(dataset)
    if features:
        made["dataset_info"] = {"features": features}
    return made


def _because(values: list[Any], reason: Sourced[Any]) -> Sourced[list[Any]]:
    """A list that stands there, with its key, because of one place."""
    return Sourced(values, reason.sources, raw=True)


def _licence(dataset: View[Any]) -> dict[str, Any]:
    written = dataset.maybe_text("licence")
    if written is None:
        return {"license": literal("unknown")}
    known = licence(written.value)
    if known is not None:
        return {"license": written.express(lambda _: known)}
    return {"license": written.express(lambda _: OTHER), "license_name": written}


def _languages(lowering: Lowering) -> list[Any]:
    if lowering.options is not None and lowering.options.has("language"):
        return [node.text() for node in lowering.options.entries("language")]
    found: dict[str, Sourced[str]] = {}
    for app in lowering.reader.of(APP):
        for node in app.entries("languages"):
            code = node.text().map(lambda tag: tag.partition("-")[0].lower())
            found.setdefault(code.value, code)
    return list(found.values())


def _size(count: int) -> str:
    return next((name for limit, name in SIZES if count < limit), "n>1T" if count > 10**12 else "1B<n<10B")


def _sources(dataset: View[Any]) -> list[Any]:
    repo = dataset.maybe_text("source", "repo") if dataset.has("source") else None
    if repo is not None:
        return [repo]
    recipe = dataset.maybe_text("derive", "recipe") if dataset.has("derive") else None
    return ["original"] if recipe is None else [recipe.express(lambda _: "extended")]


def _configs(dataset: View[Any]) -> list[Any]:
    """Which files are which part, as paths of the project: the hub and `datasets` load them so."""
    if dataset.has("source"):
        return []
    parts = split_files(dataset)
    if parts:
        return [{"config_name": "default", "data_files": [{"split": name, "path": files} for name, files in parts]}]
    found = paths(dataset)
    return [{"config_name": "default", "data_files": found}] if found else []


def _features(dataset: View[Any]) -> list[Any]:
    """The columns with their types; none where one of them has no name there: loaders take all or none."""
    made: list[Any] = []
    for name in dataset.value.get("columns") or {}:
        kind = dataset.text("columns", name)
        where = kind.sources
        if kind.value in DTYPES:
            dtype: dict[str, Any] = {"dtype": kind.express(lambda word: DTYPES[word])}
        elif kind.value == "array":
            dtype = {"sequence": kind.express(lambda _: "string")}
        elif kind.value == "messages":
            inner = [{"name": word, "dtype": "string"} for word in ("role", "content")]
            dtype = {"list": Sourced(inner, where, raw=True)}
        else:
            return []
        made.append({"name": Sourced(name), **dtype})
    return made
