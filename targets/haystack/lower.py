"""From served flows and indexes to Haystack's pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.files import needed
from llmops.compiler.derive.placement import platform
from llmops.compiler.derive.serving import served
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT, INDEX
from llmops.targets.haystack.flows import Flow, lower_flow
from llmops.targets.haystack.indexes import Filling, lower_index
from llmops.targets.haystack.known import locked_version

APPS, INDEXES = "apps", "indexes"
"""Folders of its artifacts: a deployment's pipelines stand alone in theirs, since hayhooks serves all of a folder."""
NAMED = ("model", "prompt", "index", "store", "dataset", "tool", "agent", "flow")


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    made = False
    seen: set[Any] = set()
    for deployment in apps(lowering):
        for flow in flows(lowering, deployment):
            yield from _once(seen, flow.pipe.problems)
            if not _failed(flow.pipe.problems):
                made = True
                path = f"{APPS}/{deployment.address.name}/{flow.name}.yaml"
                yield Artifact(path, flow.pipe.body(), (*_about(flow), deployment.address))
        yield from _deployment_unsupported(deployment)
    script = False
    for index in lowering.reader.of(INDEX, runner="haystack"):
        filling = lower_index(lowering, index)
        yield from _once(seen, filling.pipe.problems)
        if not _failed(filling.pipe.problems):
            made = script = True
            yield from _index(filling)
    folder = files(__package__)
    if script:
        yield Artifact("fill.py", folder.joinpath("templates", "fill.py").read_bytes(), format=Format.VERBATIM,
                       shared=True)
    if made:
        yield Artifact("requirements.txt", folder.joinpath("lock", "requirements.txt").read_bytes(),
                       format=Format.VERBATIM, shared=True)


def apps(lowering: Lowering) -> Iterator[View[Any]]:
    """The deployments that this target serves, but for those that run already."""
    for deployment in lowering.reader.of(DEPLOYMENT, engine="haystack"):
        if not deployment.has("endpoint"):
            yield deployment


def near_of(lowering: Lowering, deployment: View[Any]) -> str | None:
    """From where a deployment's app sees others: its platform's network, else the host."""
    found = platform(lowering.reader, deployment)
    return found.value if found is not None else None


def flows(lowering: Lowering, deployment: View[Any]) -> list[Flow]:
    near = near_of(lowering, deployment)
    return [lower_flow(lowering, one, near) for one in served(lowering.reader, deployment)]


def _index(filling: Filling) -> Iterator[Artifact]:
    name = filling.index.address.name
    about: tuple[Address | Sourced[Address], ...] = (filling.index.address, *_needed(filling.index))
    yield Artifact(f"{INDEXES}/{name}.yaml", filling.pipe.body(), about)
    yield Artifact(f"{INDEXES}/{name}.json", filling.body(), about, Format.JSON, comment=None)


def _about(flow: Flow) -> tuple[Address | Sourced[Address], ...]:
    view = flow.served.flow
    return (view.address, *_needed(view))


def _needed(view: View[Any]) -> Iterator[Sourced[Address]]:
    """What it is made from, each because of the references on the way."""
    for address, way in needed(view.project, view.address).items():
        if address != view.address and address.kind in NAMED:
            yield Sourced(address, way, raw=True)


def _failed(problems: list[Finding | Unsupported]) -> bool:
    return any(isinstance(p, Finding) and p.severity == Severity.ERROR for p in problems)


def _once(seen: set[Any], problems: list[Finding | Unsupported]) -> Iterator[Finding | Unsupported]:
    """Each place once, however many flows meet it."""
    for problem in problems:
        at = problem.at if isinstance(problem, Unsupported) else problem.labels[0].at
        if (type(problem), at) not in seen:
            seen.add((type(problem), at))
            yield problem


def _deployment_unsupported(deployment: View[Any]) -> Iterator[Unsupported]:
    version = deployment.maybe_text("version")
    if version is not None and version.value != locked_version("haystack-ai"):
        yield Unsupported(deployment.at("version"), f"the lock installs {locked_version('haystack-ai')}",
                          "leave the version out")
    if deployment.has("runs"):
        yield Unsupported(deployment.at("runs"), "it serves flows, and runs none over a dataset")
    for name in deployment.value.get("args") or {}:
        yield Unsupported(deployment.at("args", name), "hayhooks is started with the options that it needs",
                          "set its variable: `env: {HAYHOOKS_…: …}`")
