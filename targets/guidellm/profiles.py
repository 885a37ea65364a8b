"""How the requests come over time: the profile of GuideLLM, what ends a run, and the runs of a sweep.

GuideLLM takes several of these mistakes without a word: a warm-up of so many seconds in a run that so many requests end
is read as so many requests, and rates that a profile does not have are not missed. Each is told here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.diagnostics.suggest import best
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node
from llmops.targets.guidellm import known
from llmops.targets.guidellm.work import Work

RATES = ("constant", "poisson")
"""Profiles that start requests at a rate, however many are waiting."""
STREAMS = {"concurrent": "streams", "throughput": "max_concurrency"}
"""Profiles that are nothing without a number of requests at the same time, and what GuideLLM calls it there."""
BOUNDED = (*RATES, "sweep")
"""Profiles that a number of requests at the same time bounds."""
PROFILES = ("synchronous", *STREAMS, *BOUNDED)


@dataclass(slots=True)
class Shape:
    """`profile` and `constraints` of a scenario, and its `benchmarks` where there are several runs."""

    profile: dict[str, Any]
    constraints: list[dict[str, Any]] = field(default_factory=list)
    benchmarks: list[dict[str, Any]] = field(default_factory=list)
    requests: Sourced[int] | None = None
    """How many requests each run must have made: where nothing else ends it."""

    @property
    def several(self) -> bool:
        return bool(self.benchmarks) or self.profile["kind"].value == "sweep"


def shape(work: Work, load: Node) -> Shape | None:
    kind = _kind(work, load)
    if kind is None:
        return None
    made = Shape({"kind": kind})
    _rate(work, load, kind.value, made)
    _streams(work, load, kind.value, made)
    _end(work, load, made)
    _warmup(work, load, made)
    return made


def _kind(work: Work, load: Node) -> Sourced[str] | None:
    """As written, else what the other fields say: rates come one after the other, else so many at a time."""
    written = load.maybe_text("profile")
    if written is None:
        for name, kind in (("sweep", "constant"), ("rate", "constant"), ("concurrency", "concurrent")):
            if load.has(name):
                return literal(kind)
        return literal("synchronous")
    if written.value in PROFILES:
        return written.express(str)
    close = best(written.value, PROFILES)
    if written.value in known.profiles():
        work.error(load.at("profile"), f"GuideLLM's `{written.value}` needs settings that `load` does not have",
                   "", f"use one of {', '.join(PROFILES)}")
    else:
        work.error(load.at("profile"), f"GuideLLM has no profile `{written.value}`",
                   f"did you mean `{close}`?" if close else "", f"it has {', '.join(PROFILES)}")
    return None


def _rate(work: Work, load: Node, kind: str, made: Shape) -> None:
    rate, sweep = load.maybe_number("rate"), list(load.entries("sweep"))
    if kind not in RATES:
        for name in ("rate", "sweep"):
            if load.has(name):
                cure = "leave it out: GuideLLM finds the rates of its `sweep` itself" if kind == "sweep" else ""
                work.error(load.at(name), f"the profile `{kind}` has no rate", "requests start when others end",
                           cure or f"leave it out, or use `profile: {RATES[0]}`")
        return
    if rate is not None and sweep:
        work.error(load.at("rate"), "one rate and a sweep of rates cannot both be", "", "put it into `sweep`")
    elif rate is None and not sweep:
        work.error(load.at("profile"), f"the profile `{kind}` needs a rate", "",
                   "say `rate: 5`, or several in `sweep`")
    elif rate is not None:
        made.profile["rate"] = [rate]
    else:
        made.benchmarks = [{"profile.rate": node.number()} for node in sweep]


def _streams(work: Work, load: Node, kind: str, made: Shape) -> None:
    streams = load.maybe_integer("concurrency")
    if streams is None:
        if kind in STREAMS:
            work.error(load.at("profile"), f"the profile `{kind}` needs a number of requests at the same time", "",
                       "say `concurrency: 32`")
    elif kind in STREAMS:
        made.profile[STREAMS[kind]] = [streams] if kind == "concurrent" else streams
    elif kind in BOUNDED:
        made.profile["max_concurrency"] = streams
    else:
        work.error(load.at("concurrency"), f"the profile `{kind}` makes one request at a time", "",
                   "leave it out, or use `profile: concurrent`")


def _end(work: Work, load: Node, made: Shape) -> None:
    requests, duration = load.maybe_integer("requests"), load.maybe_text("duration")
    if requests is None and duration is None:
        work.error(load.at(), "nothing ends this load", "", "say `requests: 1000`, or `duration: 5m`")
    if requests is not None:
        made.constraints.append({"kind": literal("max_requests"), "count": requests})
        made.requests = requests if duration is None else None
    if duration is not None:
        made.constraints.append({"kind": literal("max_duration"), "seconds": duration.express(seconds)})


def _warmup(work: Work, load: Node, made: Shape) -> None:
    warmup, duration = load.maybe_text("warmup"), load.maybe_text("duration")
    if warmup is None:
        return
    if duration is None:
        work.error(load.at("warmup"), "the warm-up would have no effect", "GuideLLM knows one only within a `duration`",
                   "say how long it lasts: `duration: 5m`")
    elif seconds(warmup.value) >= seconds(duration.value):
        work.error(load.at("warmup"), f"nothing would be measured: all {duration.value} are warm-up", "",
                   "give it a longer `duration`")
    else:
        made.profile["warmup"] = {"mode": literal("duration"), "value": warmup.express(seconds)}
