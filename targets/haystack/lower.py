"""From served flows and indexes to Haystack's pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any, TypeVar

from llmops.compiler.derive.placement import platform
from llmops.compiler.derive.serving import served
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Source
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT, INDEX
from llmops.targets.haystack.flows import Flow, lower_flow
from llmops.targets.haystack.indexes import Filling, lower_index
from llmops.targets.haystack.known import PARTS, locked_version

APPS, INDEXES = "apps", "indexes"
"""Folders of its artifacts: a deployment's pipelines stand alone in theirs, since hayhooks serves all of a folder."""
FLOW, WRAPPER = ("flow.yaml", "flow.json"), "pipeline_wrapper.py"
"""A flow with a wrapper stands in a folder of its name."""
T = TypeVar("T")


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    made = False
    own: list[tuple[Source, ...]] = []  # why our parts are shipped, once for each that needs them
    seen: set[Any] = set()
    for deployment in apps(lowering):
        for flow in flows(lowering, deployment):
            yield from _once(seen, flow.pipe.problems)
            if not flow.pipe.failed:
                made = True
                own += flow.pipe.shipped
                yield from _app(deployment, flow)
        yield from _deployment_unsupported(deployment)
    script = False
    for index in lowering.reader.of(INDEX, runner="haystack"):
        filling = lower_index(lowering, index)
        yield from _once(seen, filling.pipe.problems)
        if not filling.pipe.failed:
            made = script = True
            own += filling.pipe.shipped
            yield from _index(filling)
    folder = files(__package__)
    if script:
        yield Artifact("fill.py", folder.joinpath("templates", "fill.py").read_bytes(), format=Format.VERBATIM,
                       shared=True)
    if own:
        yield Artifact(f"{PARTS}.py", folder.joinpath("templates", f"{PARTS}.py").read_bytes(),
                       format=Format.VERBATIM, shared=True, because=own[0] if len(own) == 1 else ())
    if made:
        yield Artifact("requirements.txt", folder.joinpath("lock", "requirements.txt").read_bytes(),
                       format=Format.VERBATIM, shared=True)


def _app(deployment: View[Any], flow: Flow) -> Iterator[Artifact]:
    """A served flow: its pipeline, and what stands around it. All is there because of the engine, under the name that
    the path says."""
    why = (deployment.source("engine"), flow.served.node.source("path"), *flow.served.named.sources)
    about = tuple(_whole(one, why) for one in (flow.served.flow.address, deployment.address))
    paths = files_of(deployment, flow)
    yield Artifact(paths[0], _whole(flow.pipe.body(), why), about)
    if flow.told is not None:
        yield Artifact(paths[1], _whole(flow.told, why), about, Format.JSON, comment=None)
        wrapper = files(__package__).joinpath("templates", WRAPPER).read_bytes()
        yield Artifact(paths[2], wrapper, format=Format.VERBATIM, because=why)


def files_of(deployment: View[Any], flow: Flow) -> tuple[str, ...]:
    """The files of a served flow, below the target's folder."""
    base = f"{APPS}/{deployment.address.name}/{flow.name}"
    return (f"{base}.yaml",) if flow.told is None else tuple(f"{base}/{one}" for one in (*FLOW, WRAPPER))


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
    index = filling.index
    why = (index.source("runner"),)
    about = (_whole(index.address, why), *(_whole(a, (*why, index.source("store"))) for a in _store(index)))
    path = f"{INDEXES}/{index.address.name}"
    yield Artifact(f"{path}.yaml", _whole(filling.pipe.body(), why), about)
    yield Artifact(f"{path}.json", _whole(filling.body(), why), about, Format.JSON, comment=None)


def _store(index: View[Any]) -> Iterator[Address]:
    store = index.ref("store")
    if store is not None:
        yield store.address


def _whole(what: T, why: tuple[Source, ...]) -> Sourced[T]:
    """Something that is there, with all in it, because of what stands at those places."""
    return Sourced(what, why, raw=True)


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
