"""Whether a container is up: one check, which `depends_on` and `up --wait` look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.model.exports import Service
from llmops.compiler.model.sourced import Sourced, combine, literal
from llmops.compiler.model.target import Unsupported
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import View
from llmops.targets.compose.ports import listens

PERIOD, TIMEOUT, FAILURES = "10s", "5s", 3
START_UP = "1m"
"""Where neither the config nor the engine says more. Assumptions of ours, all replaced by `probes`."""
PYTHON = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])"
"""The engines that name a health path are Python programs: their images have an interpreter, not always more."""
SHELL = 'curl -fsS -o /dev/null "$$0" || wget -q -O /dev/null "$$0"'
"""For images of the user's own. The address is an argument, so that the shell never reads it as a program."""


def healthcheck(deployment: View[Any], service: Service | None) -> dict[str, Any] | None:
    """None where nothing says what to ask."""
    asked = _asked(deployment, service)
    if asked is None:
        return None
    out: dict[str, Any] = {
        "test": ["CMD", *asked],
        "interval": _duration(deployment, "ready", "period", PERIOD),
        "timeout": _duration(deployment, "ready", "timeout", TIMEOUT),
        "retries": deployment.maybe_integer("probes", "ready", "failures") or FAILURES,
        "start_period": _start(deployment, service),
    }
    period = deployment.maybe_text("probes", "startup", "period")
    if period is not None:
        out["start_interval"] = period
    return out


def _asked(deployment: View[Any], service: Service | None) -> list[Any] | None:
    """The command that asks: the engine's own, unless the config says a path; else a request to the path."""
    port, path = listens(deployment, service), _path(deployment, service)
    if service is not None and service.probe and not _says(deployment):
        return list(service.probe)
    if port is None or path is None:
        return None
    url = combine(lambda p, where: f"http://127.0.0.1:{p}{where}", _plain(port), path)
    ask = ["python3", "-c", PYTHON] if service is not None and not service.probe else ["sh", "-c", SHELL]
    return [*ask, url]


def _says(deployment: View[Any]) -> bool:
    return any(deployment.has("probes", probe, "path") for probe in ("ready", "startup"))


def _path(deployment: View[Any], service: Service | None) -> Sourced[str] | None:
    for probe in ("ready", "startup"):
        written = deployment.maybe_text("probes", probe, "path")
        if written is not None:
            return written
    return literal(service.health).map(str) if service is not None and service.health else None


def _plain(port: Sourced[int]) -> Sourced[int]:
    """Not raw, so that what is combined with it passes the escape."""
    return Sourced(port.value, port.sources)


def _start(deployment: View[Any], service: Service | None) -> Sourced[str] | str:
    """The time in which failures do not count: the start-up probe's periods, or what the engine says."""
    period = deployment.maybe_text("probes", "startup", "period")
    failures = deployment.maybe_integer("probes", "startup", "failures")
    if period is None and failures is None:
        return (service.start_up if service is not None else None) or START_UP
    each = period or Sourced(PERIOD, ())
    times = failures or Sourced(FAILURES, ())
    return combine(lambda p, n: f"{int(seconds(p) * n) or 1}s", each, times)


def _duration(deployment: View[Any], probe: str, field: str, otherwise: str) -> Sourced[str] | str:
    return deployment.maybe_text("probes", probe, field) or otherwise


def problems(deployment: View[Any], service: Service | None) -> Iterator[Unsupported]:
    if not deployment.has("probes"):
        return
    if listens(deployment, service) is None:
        yield Unsupported(deployment.at("probes"), "it asks on a port, and none is given", "say `port`")
    elif _path(deployment, service) is None:
        yield Unsupported(deployment.at("probes"), "no probe says which path to ask", "say `path`")
    if deployment.has("probes", "live"):
        yield Unsupported(
            deployment.at("probes", "live"), "it starts a container again when it ends, not when it is unwell"
        )
    start, ready = (deployment.maybe_text("probes", name, "path") for name in ("startup", "ready"))
    if start is not None and ready is not None and start.value != ready.value:
        yield Unsupported(deployment.at("probes", "startup", "path"), "it asks one path, that of `ready`")
    if deployment.has("probes", "startup", "timeout"):
        yield Unsupported(deployment.at("probes", "startup", "timeout"), "it has one timeout, that of `ready`")
