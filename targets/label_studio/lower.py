"""From a labelled dataset to its project: config, tasks, and the plan by which answers become rows."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from importlib.resources import files as resources
from typing import Any

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.rows import Row, dataset_rows
from llmops.compiler.emit.text import visible
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import Content, Source
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import DATASET
from llmops.targets.label_studio.config import MESSAGES, Form, form
from llmops.targets.label_studio.known import CONFIG, PLAN, TASKS

RUNNER, RECIPE, SCRIPT, EXPORTS = "label-studio", "labelled", "rows.py", "labels"
USED = ("model", "prompt", "count", "params", "code", "function", "against", "ngram", "via")
"""Fields of other recipes."""


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    made = False
    for dataset in lowering.reader.of(DATASET):
        if not ours(lowering, dataset):
            continue
        rows = _rows(lowering, dataset)
        asked = form(dataset, _columns(dataset, [row for _, row, _ in rows]))
        _idle(asked, dataset, bool(rows))
        yield from asked.problems
        if any(isinstance(problem, Finding) for problem in asked.problems):
            continue
        made = True
        name = dataset.address.name
        yield Artifact(f"{name}{CONFIG}", asked.lines(), (dataset.address,), Format.TEXT, comment=None)
        tasks = [_task(asked, row, sources) for _, row, sources in rows]
        yield Artifact(f"{name}{TASKS}", tasks, (dataset.address,), Format.JSON, comment=None)
        yield Artifact(f"{name}{PLAN}", _plan(lowering, dataset, asked), (dataset.address,), Format.JSON, comment=None)
        yield Artifact(f"{name}.md", _guide(lowering, dataset), (dataset.address,), Format.MARKDOWN)
    if made:
        data = resources(__package__).joinpath("scripts", SCRIPT).read_bytes()
        yield Artifact(SCRIPT, data, format=Format.VERBATIM, shared=True)


def ours(lowering: Lowering, dataset: View[Any]) -> bool:
    """Whether people label it here: it says so, or names no runner while Label Studio has an entry of its own."""
    if not dataset.has("derive"):
        return False
    runner = dataset.maybe_text("derive", "runner")
    if runner is not None:
        return runner.value == RUNNER
    return lowering.options is not None and dataset.text("derive", "recipe").value == RECIPE


def saved(lowering: Lowering, dataset: View[Any]) -> str:
    """Where the export of the answers is saved, from the repository's root."""
    folder = lowering.options.maybe_text("exports") if lowering.options is not None else None
    return in_repository(lowering, posixpath.join(folder.value if folder else EXPORTS, f"{dataset.address.name}.json"))


def output(lowering: Lowering, dataset: View[Any]) -> str:
    return f"{lowering.folder}/data/{dataset.address.name}.jsonl"


# --- rows --------------------------------------------------------------------------------------------------------


def _rows(lowering: Lowering, dataset: View[Any]) -> list[tuple[View[Any], Row, tuple[Source, ...]]]:
    found = []
    for node in dataset.entries("derive", "from"):
        below = node.ref()
        if below is None:
            continue
        most = below.maybe_integer("max_rows")
        rows = list(dataset_rows(below))
        for row in rows if most is None else rows[: most.value]:
            sources: tuple[Source, ...] = (node.source(), below.origin(row.at))
            if row.file is not None:
                sources = (*sources, Content(in_repository(lowering, row.file), row.line))
            found.append((below, row, sources))
    return found


def _columns(dataset: View[Any], rows: list[Row]) -> dict[str, Sourced[str]]:
    """The columns of the sources with their types: as declared, else texts, or messages where they are some."""
    found: dict[str, Sourced[str]] = {}
    for node in dataset.entries("derive", "from"):
        below = node.ref()
        for name in (below.value.get("columns") or {}) if below is not None else ():
            if below is not None:
                found.setdefault(name, below.text("columns", name))
    if not found:
        for row in rows:
            for name, value in row.vars.items():
                said = isinstance(value, list) and value and all(isinstance(v, dict) and "role" in v for v in value)
                found.setdefault(str(name), literal(MESSAGES if said else "string"))
    return found


def _task(asked: Form, row: Row, sources: tuple[Source, ...]) -> Any:
    data = {name: _shown(row.vars.get(name), kind.value) for name, kind in asked.shown.items()}
    return {"data": {name: Sourced(value, sources) for name, value in data.items()}}


def _shown(value: Any, kind: str) -> Any:
    """A value as a person reads it: only chats are more than a text."""
    if kind == MESSAGES:
        return value if isinstance(value, list) else []
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- what becomes of the answers ---------------------------------------------------------------------------------


def _plan(lowering: Lowering, dataset: View[Any], asked: Form) -> dict[str, Any]:
    labels: dict[str, Any] = {}
    for node in dataset.entries("derive", "labels"):
        kind = node.text("type")
        one: dict[str, Any] = {"type": kind}
        if kind.value == "preference":
            between = [item.text() for item in node.entries("options")]
            one["between"] = Sourced(between, kind.sources, raw=True)
        labels[node.name] = one
    types = {name: kind for name, kind in asked.shown.items() if kind.value not in ("string", MESSAGES)}
    return {"export": saved(lowering, dataset), "out": output(lowering, dataset), "labels": labels, "types": types}


def _guide(lowering: Lowering, dataset: View[Any]) -> list[Any]:
    name, folder = dataset.address.name, lowering.folder
    return [
        f"# Label `dataset.{name}`", "",
        "1. Make a project in Label Studio. Under *Labeling Setup*, *Custom template*, paste "
        f"`{folder}/{name}{CONFIG}`.",
        f"2. Under *Import*, upload `{folder}/{name}{TASKS}`.",
        "3. When people have answered, export as *JSON* (not *JSON-MIN*), and save it as "
        f"`{visible(saved(lowering, dataset))}`.",
        f"4. Run `python {lowering.shared_folder}/{SCRIPT} {folder}/{name}{PLAN}`: it writes "
        f"`{output(lowering, dataset)}`.", "",
        "Of several answers to one row the most frequent counts; a row without an answer, or with a tie, is left out.",
    ]  # fmt: skip


def _idle(asked: Form, dataset: View[Any], any_rows: bool) -> None:
    if dataset.text("derive", "recipe").value != RECIPE:
        asked.error(dataset.at("derive", "recipe"), "people label rows, and do nothing else to them", "",
                    "`recipe: labelled`")
    if not any_rows:
        asked.error(dataset.at("derive", "from"), "there are no rows to label",
                    "rows must be known when the project is compiled", "copy the rows that count to a file")
    for name in USED:
        if dataset.has("derive", name):
            asked.problems.append(Unsupported(dataset.at("derive", name), "people are asked, and nothing else is done"))


__all__ = ["PLAN", "SCRIPT", "lower", "ours", "output", "saved"]
