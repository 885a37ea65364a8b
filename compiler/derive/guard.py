"""Which guardrails stand on which texts: of a flow, an agent, or all that an engine enforces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.serving import serving
from llmops.compiler.model.exports import Screened
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Reader, View
from llmops.schemas.types import AGENT, FLOW, GUARDRAIL

STAGES = ("input", "retrieval", "tool", "output")
"""The texts that a guardrail can read, in the order in which a request meets them."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A guardrail where it stands: on the texts of `holder`, a flow or an agent. `named` is the reference there."""

    rail: View[Any]
    holder: View[Any]
    named: Sourced[str]

    @property
    def stage(self) -> str:
        return str(self.rail.value["stage"])


def guards(holder: View[Any], engine: str | None = None, stage: str | None = None) -> Iterator[Guard]:
    """The guardrails that a flow or an agent lists, in its order; those of one engine or one stage, if given."""
    for index in range(len(holder.value.get("guardrails") or ())):
        rail, named = holder.ref("guardrails", index), holder.ref_name("guardrails", index)
        if rail is None or named is None:
            continue
        if (engine is None or rail.value["engine"] == engine) and (stage is None or rail.value["stage"] == stage):
            yield Guard(rail, holder, named)


def guarded(reader: Reader, engine: str) -> Iterator[tuple[View[Any], tuple[Guard, ...]]]:
    """The flows and agents with guardrails of an engine, each with these in its order."""
    holders: tuple[View[Any], ...] = (*reader.of(FLOW), *reader.of(AGENT))
    for holder in holders:
        found = tuple(guards(holder, engine))
        if found:
            yield holder, found


def before(reader: Reader, guard: Guard) -> View[Any] | None:
    """The deployment of the guardrail's engine that stands before the flow: it serves it, and calls who else does."""
    return next(
        (place.deployment for place in serving(reader, guard.holder)
         if place.deployment.value.get("engine") == guard.rail.value["engine"]), None,
    )


def inside(reader: Reader, guard: Guard) -> bool:
    """Whether the text is met inside the app alone: no server of the engine stands before the flow, or it never sees
    what tools get and return."""
    return guard.stage == "tool" or guard.holder.address.kind != FLOW.name or before(reader, guard) is None


def screened(lowering: Lowering, guard: Guard) -> bool:
    """Whether whoever runs the flow or agent asks the guardrail there."""
    found = lowering.ask(Screened, guard.holder) if inside(lowering.reader, guard) else None
    return found is not None and guard.stage in found.stages


def rails(reader: Reader, engine: str) -> Iterator[View[Any]]:
    """All guardrails of an engine, whether something lists them or not."""
    return reader.of(GUARDRAIL, engine=engine)
