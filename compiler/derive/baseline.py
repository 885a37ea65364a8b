"""The earlier results that a gate compares with: where they stand, what they are known by, and who keeps them."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmops.compiler.derive import gate
from llmops.compiler.model.exports import Baseline
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import PIPELINE

MEASURES = ("type", "value", "threshold", "weight", "column", "columns", "transform", "file", "function", "language")
"""Fields of an assertion: with another one, it measures something else."""


def results(lowering: Lowering, eval_: View[Any]) -> Sourced[str]:
    """Where the results go: as written, in the project; else in the repository's root, where the job runs."""
    written = eval_.maybe_text("results")
    if written is None:
        return literal(f"{eval_.address.name}.results.json")
    return written.map(lambda path: posixpath.normpath(posixpath.join(lowering.root, path)))


def beside(path: Sourced[str], ending: str) -> Sourced[str]:
    """A file beside the results: `quality.baseline.json` for `quality.results.json`."""
    return path.map(lambda text: f"{text.removesuffix('.json').removesuffix('.results')}.{ending}.json")


def baseline(lowering: Lowering, eval_: View[Any], kept: Sourced[str]) -> Baseline | None:
    """What a job must bring and keep; None where no branch keeps results. `kept`: the file with what was measured."""
    branch = eval_.maybe_text("gate", "baseline", "branch")
    if branch is None:
        return None
    return Baseline(branch, kept, beside(results(lowering, eval_), "baseline"))


def known_by(lowering: Lowering, eval_: View[Any]) -> dict[str, Any]:
    """Which eval results are of, and a digest of each thing that it measures.

    A change to what is measured, and not to the app, must not look like a better or worse app.
    """
    digests: dict[str, Sourced[str]] = {}
    rate: list[tuple[str, Any]] = []
    sources = []
    for node in eval_.entries("metrics"):
        about, read = _measure(node)
        digests[node.name] = Sourced(_digest(about), read, raw=True)
        flag = node.maybe_flag("informational")
        if flag is None or not flag.value:
            rate.append((node.name, about))
            sources.append(read)
    if rate:
        digests = {"pass_rate": Sourced(_digest([about for _, about in rate]), merge(*sources), raw=True), **digests}
    return {
        "project": lowering.reader.project.name, "environment": lowering.reader.project.env,
        "eval": eval_.address.name, **({"measures": digests} if digests else {}),
    }  # fmt: skip


def _measure(node: Node) -> tuple[dict[str, Any], tuple[Any, ...]]:
    found = {name: value for name in MEASURES if (value := node.get(name)) is not None}
    return {name: value.value for name, value in found.items()}, merge(*(value.sources for value in found.values()))


def _digest(about: Any) -> str:
    text = json.dumps(about, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def informational(eval_: View[Any]) -> list[Sourced[str]]:
    """The metrics that are only told, by their names."""
    flags = ((node.name, node.maybe_flag("informational")) for node in eval_.entries("metrics"))
    return [Sourced(name, flag.sources, raw=True) for name, flag in flags if flag is not None and flag.value]


# --- who keeps them ----------------------------------------------------------------------------------------------


def running(reader: Reader, environments: tuple[str, ...], eval_: View[Any]) -> Iterator[tuple[View[Any], Node]]:
    """The pipelines and stages that run an eval in its environment."""
    for pipeline in reader.of(PIPELINE):
        for stage in gate.stages(pipeline).values():
            if gate.environment(stage, environments) == reader.project.env and gate.runs(stage, eval_):
                yield pipeline, stage


def keeps(pipeline: View[Any], branch: str) -> bool:
    """Whether it runs on what a branch holds, by itself: when somebody pushes to it, or the clock says so."""
    if pipeline.has("triggers", "schedule"):
        return True
    if not pipeline.has("triggers", "push"):
        return False
    patterns = [item.text().value for item in pipeline.entries("triggers", "push", "branches")]
    return not patterns or matches(patterns, branch)


def matches(patterns: list[str], branch: str) -> bool:
    """Whether branches are meant by patterns: `*` is anything but `/`, `**` anything; after `!`, those that are not."""
    found = False
    for pattern in patterns:
        wanted = not pattern.startswith("!")
        if _pattern(pattern.removeprefix("!")).fullmatch(branch):
            found = wanted
    return found


_SIGNS: Mapping[str, str] = {"**": ".*", "*": "[^/]*"}


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\[[A-Za-z0-9-]+\])", text)
    classes = (part if part[:1] == "[" and part[-1:] == "]" else re.escape(part) for part in parts)
    return re.compile("".join(_SIGNS.get(part, made) for part, made in zip(parts, classes, strict=True)))


__all__ = ["Baseline", "baseline", "beside", "informational", "keeps", "known_by", "matches", "results", "running"]
