"""From datasets to dvc.yaml and params.yaml. Field names are DVC's own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files as resources
from typing import Any

from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import DATASET
from llmops.targets.dvc.known import PARAMS, PIPELINE
from llmops.targets.dvc.recipes import section
from llmops.targets.dvc.stages import MARK, RECIPE, Stage, dataset_stage, ordered, other_stages
from llmops.targets.dvc.work import Work, made

INIT, LOCK = "init.py", "requirements.txt"


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    work = Work(lowering)
    stages: list[Stage] = []
    sections: dict[str, Any] = {}
    for dataset in made(lowering):
        found = section(work, dataset) if dataset.has("derive") else _fetched(work, dataset)
        if found is None:
            continue
        stages.append(dataset_stage(work, dataset))
        if found:
            sections[dataset.address.name] = _by_runner(dataset, found)
    others = list(other_stages(work))
    yield from work.problems
    if not stages and not others:
        return
    about = tuple(stage.resource.address for stage in (*stages, *others))
    yield Artifact(PIPELINE, {"stages": ordered([*stages, *others])}, about)
    if sections:
        yield Artifact(PARAMS, sections, about[: len(stages)])
    yield from _inline(work, [stage.resource for stage in stages])
    yield _script(INIT)
    if sections:
        yield _script(RECIPE)
    if others:
        yield _script(MARK)
    lock = resources(__package__).joinpath("lock", LOCK).read_bytes()
    yield Artifact(LOCK, lock, format=Format.VERBATIM, shared=True)


def _fetched(work: Work, dataset: View[Any]) -> dict[str, Any]:
    """A dataset of another repository has no recipe, and git's own key."""
    if dataset.has("source", "secret"):
        work.unsupported(dataset.at("source", "secret"), "it reads a repository with the key that git has",
                         "set up git's credentials where it runs")
    return {}


def _by_runner(dataset: View[Any], found: dict[str, Any]) -> Any:
    """Nothing of it is read as DVC's language, and all of it stands there because of the runner."""
    runner = dataset.maybe_text("derive", "runner")
    return Sourced(_raw(found), runner.sources if runner is not None else (), raw=True)


def _raw(tree: Any) -> Any:
    if isinstance(tree, Sourced):
        return Sourced(_raw(tree.value), tree.sources, raw=True)
    if isinstance(tree, dict):
        return {key: _raw(item) for key, item in tree.items()}
    return [_raw(item) for item in tree] if isinstance(tree, list | tuple) else tree


def _inline(work: Work, stages: list[View[Any]]) -> Iterator[Artifact]:
    """Rows that stand in the configs, as files for the recipes that read them."""
    wanted: dict[str, View[Any]] = {}
    for dataset in stages:
        for word in ("from", "against") if dataset.has("derive") else ():
            for node in dataset.entries("derive", word):
                below = node.ref()
                if below is not None and below.has("rows"):
                    wanted[below.address.name] = below
    for name in wanted:
        view = work.lowering.reader.get(DATASET, name)
        if view is not None:
            rows = [_raw(node.tree("vars") or {}) for node in view.entries("rows")]
            yield Artifact(f"rows/{name}.jsonl", rows, (view.address,), Format.JSONL, comment=None)


def _script(name: str) -> Artifact:
    data = resources(__package__).joinpath("scripts", name).read_bytes()
    return Artifact(name, data, format=Format.VERBATIM, shared=True)
