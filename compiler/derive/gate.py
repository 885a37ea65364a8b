"""What an eval's gate asks, and where its pipelines run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import EVAL, PIPELINE


def blocks(eval_: View[Any]) -> bool:
    """No gate means report; a gate blocks unless its mode says otherwise."""
    mode = eval_.maybe_text("gate", "mode")
    return eval_.has("gate") and (mode is None or mode.value == "block")


def stages(pipeline: View[Any]) -> Mapping[str, Node]:
    return {stage.name: stage for stage in pipeline.entries("stages")}


def deploys(stage: Node) -> bool:
    return stage.has("deployment")


def before(pipeline: View[Any], stage: Node) -> Iterator[Node]:
    """The stages that end before it starts, nearest first."""
    every = stages(pipeline)
    waiting, seen = [stage.name], {stage.name}
    while waiting:
        for name in every[waiting.pop(0)].value.get("after") or ():
            if name in every and name not in seen:
                seen.add(name)
                waiting.append(name)
                yield every[name]


def affectable(eval_: View[Any]) -> bool:
    """Whether a change can affect it. A load test measures machines as well and costs the same for a word changed as
    for a new model: it runs where a stage names it."""
    kind = eval_.maybe_text("type")
    return kind is None or kind.value != "load"


def runs(stage: Node, eval_: View[Any]) -> bool:
    """Whether a stage runs an eval, by name or as one of those that a change affects."""
    if stage.has("affected"):
        return affectable(eval_)
    named = stage.get("eval")
    return named is not None and eval_.address.name in named.value


def environment(stage: Node, environments: tuple[str, ...]) -> str:
    """Where a stage's names are looked up: as written, else `ci` if there is one, else the first."""
    written = stage.maybe_text("environment")
    if written is not None:
        return written.value
    return "ci" if "ci" in environments else environments[0]


def before_merge(pipeline: View[Any]) -> bool:
    """Whether the pipeline runs on pull requests: what it blocks is not merged."""
    return pipeline.has("triggers", "pull_request")


def gates_before(reader: Reader, pipeline: View[Any], stage: Node) -> Iterator[tuple[Node, str]]:
    """The blocking evals that have passed when a stage starts: in stages before it, or before the change was merged."""
    blocking = [e for e in reader.of(EVAL) if blocks(e)]
    guards = list(before(pipeline, stage))
    for other in reader.of(PIPELINE):
        if before_merge(other):
            guards.extend(stages(other).values())
    for guard in guards:
        for eval_ in blocking:
            if runs(guard, eval_):
                yield guard, eval_.address.name
