"""Which datasets DVC makes, where their rows are, and what hinders."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.derive.cases import in_repository, problem
from llmops.compiler.model.exports import Task
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import DATASET

RUNNER = "dvc"
READ = (".jsonl", ".json", ".csv")
UNREADABLE = (".parquet", ".pdf", ".zip", ".gz", ".docx", ".xlsx", ".png", ".jpg", ".mp3")
"""Endings of files that are no text."""
RECIPES = ("derived", "synthetic", "decontaminated")


def template(text: str) -> str:
    """A text of dvc.yaml, where `${name}` is a parameter's value: a backslash before it keeps it as it is."""
    return text.replace("${", "\\${")


@dataclass(slots=True)
class Work:
    lowering: Lowering
    problems: list[Finding | Unsupported] = field(default_factory=list)

    def error(self, at: KeyPath, message: str, label: str = "", cure: str = "") -> None:
        if not any(isinstance(p, Finding) and p.labels[0].at == at for p in self.problems):
            self.problems.append(problem(at, message, label, cure))

    def unsupported(self, at: KeyPath, why: str, cure: str = "") -> None:
        self.problems.append(Unsupported(at, why, cure))

    def here(self, path: str) -> str:
        """A path of the repository, as the folder of dvc.yaml sees it."""
        return posixpath.relpath(path, self.lowering.folder)

    def script(self, name: str) -> str:
        return self.here(f"{self.lowering.shared_folder}/{name}")


def ours(lowering: Lowering, dataset: View[Any]) -> bool:
    """Whether DVC makes it: it says so, or names no runner while DVC has an entry of its own; DVC fetches what it
    tracks elsewhere."""
    if dataset.has("source"):
        return dataset.has("source", "dvc")
    if not dataset.has("derive"):
        return False
    runner = dataset.maybe_text("derive", "runner")
    if runner is not None:
        return runner.value == RUNNER
    return lowering.options is not None and dataset.text("derive", "recipe").value in RECIPES


def made(lowering: Lowering) -> Iterator[View[Any]]:
    """The datasets that DVC makes, in the config's order."""
    for dataset in lowering.reader.of(DATASET):
        if ours(lowering, dataset):
            yield dataset


def output(dataset: View[Any]) -> str:
    """The file that DVC leaves, from the folder of dvc.yaml."""
    ending = ".jsonl"
    if dataset.has("source"):
        ending = posixpath.splitext(dataset.text("source", "path").value)[1]
    return f"data/{dataset.address.name}{ending}"


def metrics(dataset: View[Any]) -> str:
    """The file with the numbers of a recipe's run."""
    return f"data/{dataset.address.name}.metrics.json"


def upstream(lowering: Lowering, dataset: View[Any]) -> list[View[Any]]:
    """The dataset and all that DVC makes before it, each once, what is needed first."""
    found: dict[Address, View[Any]] = {}

    def add(one: View[Any]) -> None:
        for node in (*one.entries("derive", "from"), *one.entries("derive", "against")) if one.has("derive") else ():
            below = node.ref()
            if below is not None and below.address not in found and ours(lowering, below):
                add(below)
        found[one.address] = one

    add(dataset)
    return list(found.values())


def files(work: Work, dataset: View[Any], at: KeyPath) -> list[Sourced[str]]:
    """Where a dataset's rows are, from the folder of dvc.yaml. `at` is the reference to it."""
    lowering = work.lowering
    if ours(lowering, dataset):
        return [Sourced(output(dataset))]
    if dataset.has("rows"):
        return [Sourced(f"rows/{dataset.address.name}.jsonl")]
    found: list[Sourced[str]] = []
    if dataset.has("files"):
        for pattern in _patterns(dataset):
            paths = dataset.project.globs.get(pattern.value, (pattern.value,))
            found += [Sourced(work.here(in_repository(lowering, path)), pattern.sources) for path in paths]
    elif dataset.has("derive"):
        task = lowering.ask(Task, dataset)
        for result in task.results[:1] if task is not None else ():
            named = result if isinstance(result, Sourced) else Sourced(result)
            found.append(named.map(work.here))
    if not found:
        work.error(at, f"the rows of {dataset.address} stand in no file of the project",
                   "a recipe reads files", "fetch them with `source: {dvc: …}`, or copy the rows that count")
    for file in found:
        if posixpath.splitext(file.value)[1].lower() in UNREADABLE:
            work.error(at, f"no recipe reads `{posixpath.basename(file.value)}`",
                       "", f"rows are read from {', '.join(READ)} and files of text")
    return list({file.value: file for file in found}.values())


def _patterns(dataset: View[Any]) -> Iterator[Sourced[str]]:
    one = dataset.maybe_text("files")
    if one is not None:
        yield one
        return
    for item in dataset.entries("files"):
        yield item.text()
