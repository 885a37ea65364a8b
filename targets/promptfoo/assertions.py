"""Assertions and rows. The type names are promptfoo's own, so most of an assertion is carried as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from llmops.compiler.emit.escapes import promptfoo_text
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Content
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, View

FIELDS = ("type", "value", "threshold", "weight", "transform")


def assertion(node: Node, metric: str | None = None) -> dict[str, Any]:
    """One assertion; an entry of `metrics` gives its name to the results."""
    out: dict[str, Any] = {}
    for field in FIELDS:
        value = written(node.tree(field))
        if value is not None:
            out[field] = value
    if metric is not None:
        out["metric"] = Sourced(metric, (node.source(),))
    return out


def written(tree: Any) -> Any:
    """Texts as promptfoo is to read them: an assertion's value may name the row's variables in `{{ }}`, and variables
    of a chat prompt are put in without being rendered. What would load a file or run code is refused."""
    if isinstance(tree, dict):
        return {key: written(item) for key, item in tree.items()}
    if isinstance(tree, list):
        return [written(item) for item in tree]
    if isinstance(tree, Sourced) and isinstance(tree.value, str):
        return tree.express(promptfoo_text)
    return tree


def metrics(eval_: View[Any]) -> list[dict[str, Any]]:
    """The assertions of every row."""
    return [assertion(node, node.name) for node in eval_.entries("metrics")]


def rows(lowering: Lowering, eval_: View[Any]) -> Iterator[dict[str, Any]]:
    """The rows of an eval: its own, or those of the dataset that it names."""
    for node in _listed(eval_):
        yield _row(node)
    dataset = eval_.ref("rows", "dataset") if isinstance(eval_.value.get("rows"), dict) else None
    if dataset is None:
        return
    count = eval_.maybe_integer("rows", "count")
    listed = list(_dataset_rows(lowering, dataset))
    for row in listed if count is None else listed[: count.value]:
        yield row


def _listed(eval_: View[Any]) -> Iterator[Node]:
    if isinstance(eval_.value.get("rows"), list):
        yield from eval_.entries("rows")


def _row(node: Node) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for field in ("description", "vars", "metadata"):
        value = written(node.tree(field)) if field == "vars" else node.tree(field)
        if value is not None:
            out[field] = value
    asserts = [assertion(item) for item in node.entries("assert")]
    if asserts:
        out["assert"] = asserts
    return out


def _dataset_rows(lowering: Lowering, dataset: View[Any]) -> Iterator[dict[str, Any]]:
    """Rows as `vars`: inline ones, or the lines of JSONL files, each with its line as origin."""
    for node in dataset.entries("rows"):
        row = _row(node) if "vars" in node.value else {"vars": written(node.tree())}
        yield row
    files = dataset.get("files")
    if files is None:
        return
    patterns = files.value if isinstance(files.value, list) else [files.value]
    for pattern in patterns:
        for path in lowering.reader.project.globs.get(pattern, (pattern,)):
            data = lowering.reader.project.texts.get(path)
            if data is None or not path.endswith(".jsonl"):
                continue
            full = path if lowering.root == "." else f"{lowering.root}/{path}"
            for number, line in enumerate(data.decode("utf-8").splitlines(), start=1):
                if line.strip():
                    origin = (*files.sources, Content(full, number))
                    yield {"vars": {k: written(Sourced(v, origin)) for k, v in json.loads(line).items()}}
