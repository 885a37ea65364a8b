"""From a gateway to the proxy's config."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Source
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import GATEWAY
from llmops.targets.litellm import rows, settings
from llmops.targets.litellm.backends import Backend, backends
from llmops.targets.litellm.exports import runner_unsupported


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    made = False
    for gateway in lowering.reader.of(GATEWAY, engine="litellm"):
        if gateway.has("endpoint"):
            continue
        found = list(backends(lowering, gateway))
        reached = [backend for backend in found if isinstance(backend, Backend)]
        yield from (problem for problem in found if isinstance(problem, Finding))
        yield from settings.unsupported(gateway)
        yield from runner_unsupported(lowering, gateway)
        yield from _rows_unsupported(reached)
        made = True
        yield Artifact(f"{gateway.address.name}.yaml", _config(gateway, reached), (gateway.address, *_models(reached)))
    if made:
        lock = files(__package__).joinpath("lock", "requirements.txt")
        yield Artifact("requirements.txt", lock.read_bytes(), format=Format.VERBATIM, shared=True)


def _config(gateway: View[Any], reached: list[Backend]) -> dict[str, Any]:
    together = _together(reached)
    config: dict[str, Any] = {"model_list": [rows.row(b, together[b.route.name] == 1) for b in reached]}
    config.update(settings.sections(gateway, reached))
    return config


def _together(reached: list[Backend]) -> Counter[str]:
    """How many backends each route has."""
    return Counter(backend.route.name for backend in reached)


def _rows_unsupported(reached: list[Backend]) -> Iterator[Unsupported]:
    """Each place once, however many routes serve a model."""
    together = _together(reached)
    seen: set[Any] = set()
    for backend in reached:
        for problem in rows.unsupported(backend, together[backend.route.name] == 1):
            if problem.at not in seen:
                seen.add(problem.at)
                yield problem


def _models(reached: list[Backend]) -> Iterator[Sourced[Address]]:
    """Each model once, named because of the routes that reach it."""
    found: dict[Address, tuple[Source, ...]] = {}
    for backend in reached:
        asked = backend.entry.ref_name("deployment") if backend.entry is not backend.route else None
        asked = asked or backend.entry.ref_name("model") or backend.entry.ref_name() or backend.route.ref_name("model")
        sources = (backend.route.source(), *(asked.sources if asked is not None else ()))
        found[backend.model.address] = merge(found.get(backend.model.address, ()), sources)
    for address, sources in found.items():
        yield Sourced(address, sources, raw=True)
