"""How a job makes a dataset: DVC runs its stage, and those before it that are out of date."""

from __future__ import annotations

import posixpath
from typing import Any

from llmops.compiler.derive.route import Call
from llmops.compiler.model.exports import Task, Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.dvc.known import PARAMS, PIPELINE
from llmops.targets.dvc.lower import INIT, LOCK
from llmops.targets.dvc.recipes import call
from llmops.targets.dvc.stages import RECIPE
from llmops.targets.dvc.work import Work, files, metrics, ours, output, upstream

LOCKED = "dvc.lock"
SETTINGS = {"DVC_NO_ANALYTICS": "1"}


def task(lowering: Lowering, dataset: View[Any], near: str | None) -> Task | None:
    if dataset.address.kind != "dataset" or not ours(lowering, dataset):
        return None
    work = Work(lowering)
    chain = upstream(lowering, dataset)
    calls = [found for one in chain if one.has("derive") and (found := call(work, one)) is not None]
    data = _data(work, [one for one in chain if one.has("derive")])
    before = [one.address.name for one in chain]
    folder, shared = lowering.folder, lowering.shared_folder
    lock = f"{shared}/{LOCK}"
    return Task(
        argv=(literal("dvc"), literal("repro"), literal(f"{folder}/{PIPELINE}:{dataset.address.name}")),
        prepare=(tuple(map(literal, ("python", f"{shared}/{INIT}", f"{folder}/{PIPELINE}", *before))),),
        install=(("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock),),
        tools=("python",),
        variables=tuple(_variables(calls)),
        settings={name: literal(value) for name, value in SETTINGS.items()},
        results=tuple(literal(posixpath.join(folder, path)) for path in _left(dataset, chain)),
        services=tuple(_services(calls)),
        files=(f"{folder}/{PIPELINE}", f"{folder}/{PARAMS}", f"{shared}/{RECIPE}", lock, *data),
    )


def _left(dataset: View[Any], chain: list[View[Any]]) -> list[str]:
    """Its rows first; then all that tells DVC, elsewhere, that nothing has to be made again."""
    found = [output(dataset), *(output(one) for one in chain)]
    found += [metrics(one) for one in chain if one.has("derive")]
    return list(dict.fromkeys([*found, LOCKED]))


def _variables(calls: list[Call]) -> list[Variable]:
    found: dict[str, Variable] = {}
    for one in calls:
        for variable in (one.key, one.url_variable):
            if variable is not None:
                found.setdefault(variable.name.value, variable)
    return list(found.values())


def _services(calls: list[Call]) -> list[Address]:
    through = [view.address for one in calls for view in (one.route.gateway, one.route.deployment) if view is not None]
    return list(dict.fromkeys(through))


def _data(work: Work, chain: list[View[Any]]) -> list[Sourced[str]]:
    """The files that the recipes read, but for those that they make."""
    found: dict[str, Sourced[str]] = {}
    for dataset in chain:
        for node in (*dataset.entries("derive", "from"), *dataset.entries("derive", "against")):
            below = node.ref()
            if below is None or ours(work.lowering, below):
                continue
            for file in files(work, below, node.at()):
                path = file.map(lambda text: posixpath.normpath(posixpath.join(work.lowering.folder, text)))
                found.setdefault(path.value, path)
    return list(found.values())
