"""What can be known of a dataset: its files, how many rows it has, and who uses it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.rows import dataset_rows, tabular
from llmops.compiler.derive.splits import part
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At, Content, Source
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View


@dataclass(frozen=True, slots=True)
class Rows:
    """How many there are, in all and in each split; None where nobody knows before they are made or fetched."""

    count: Sourced[int] | None = None
    splits: dict[str, Sourced[int]] = field(default_factory=dict)
    unit: str = "rows"


@dataclass(frozen=True, slots=True)
class Use:
    """A resource that refers to the dataset; `how` says as what."""

    name: Sourced[str]
    how: str
    split: Sourced[str] | None = None


def paths(dataset: View[Any]) -> list[Sourced[str]]:
    """The files of the project, each once."""
    found: dict[str, Sourced[str]] = {}
    for pattern in _patterns(dataset):
        for path in dataset.project.globs.get(pattern.value, (pattern.value,)):
            found.setdefault(path, Sourced(path, pattern.sources))
    return list(found.values())


def _patterns(dataset: View[Any]) -> Iterator[Sourced[str]]:
    one = dataset.maybe_text("files")
    if one is not None:
        yield one
        return
    for item in dataset.entries("files"):
        yield item.text()


def split_files(dataset: View[Any]) -> list[tuple[Sourced[str], list[Sourced[str]]]]:
    """The files of each split that is one of files."""
    made = []
    for name, value in (dataset.value.get("splits") or {}).items():
        if not isinstance(value, str):
            continue
        written = dataset.text("splits", name)
        files = [file.because(written) for file in paths(dataset) if value in _names(file.value)]
        if files:
            made.append((Sourced(name, written.sources), files))
    return made


def _names(path: str) -> tuple[str, str, str]:
    base = posixpath.basename(path)
    return path, base, base.partition(".")[0]


def rows(lowering: Lowering, dataset: View[Any]) -> Rows:
    if dataset.has("derive"):
        count, recipe = dataset.maybe_integer("derive", "count"), dataset.text("derive", "recipe")
        return Rows(count.because(recipe) if count is not None and recipe.value == "synthetic" else None)
    if dataset.has("source"):
        return Rows()
    files = paths(dataset)
    if files and not any(tabular(file.value) for file in files):
        return Rows(Sourced(len(files), (dataset.source("files", whole=True),), raw=True), {}, "texts")
    if any(not tabular(file.value) for file in files):
        return Rows()
    found = list(dataset_rows(dataset))
    origin: tuple[Source, ...] = tuple(Content(in_repository(lowering, file.value)) for file in files)
    if not files:
        origin = (dataset.source("rows"),)
    splits = {}
    for name in dataset.value.get("splits") or {}:
        chosen = part(dataset, found, name)
        if chosen is not None:
            splits[name] = Sourced(len(chosen), (*origin, dataset.source("splits", name)), raw=True)
    return Rows(Sourced(len(found), origin, raw=True), splits)


ROLES = {
    "eval": "is measured with it", "finetune": "learns from it", "index": "searches it", "prompt": "shows rows of it",
    "dataset": "is made from it", "feedback": "adds to it", "flow": "reads it", "deployment": "runs over it",
}  # fmt: skip


def uses(dataset: View[Any]) -> list[Use]:
    """Everything that refers to it, in the graph's order."""
    found: dict[str, Use] = {}
    for edge in dataset.project.edges_to(dataset.address):
        if edge.weak or edge.source == dataset.address:
            continue
        holder = dataset.view(edge.source)
        name = Sourced(str(edge.source), (At(dataset.project.env, edge.at),), raw=True)
        how = "leaves its rows out" if edge.role == "against" else ROLES.get(edge.source.kind, "refers to it")
        split = _split(holder, edge.at) if holder is not None else None
        found.setdefault(f"{name.value} {how} {split.value if split else ''}", Use(name, how, split))
    return list(found.values())


def _split(holder: View[Any], at: tuple[Any, ...]) -> Sourced[str] | None:
    """The split that stands beside the reference: in the same map, or below it where it is a key."""
    for below in (at[2:], at[2:-1]):
        node = holder.node(*below) if below else None
        if node is not None and isinstance(node.value, dict) and isinstance(node.value.get("split"), str):
            return node.maybe_text("split")
    return None
