"""Guardrails that the graphs put texts to, and budgets that they keep."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive import model as models
from llmops.compiler.derive.guard import guards, inside
from llmops.compiler.derive.serving import served
from llmops.compiler.model.exports import Screen, Screened
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Reader, View
from llmops.schemas.types import AGENT, DEPLOYMENT, FLOW
from llmops.targets.langgraph.work import NAME, Work

STAGES = {"flow": ("input", "retrieval", "tool", "output"), "agent": ("input", "tool", "output")}
SPANS = {"flow": ("request", "run"), "agent": ("request", "run", "session")}
"""What the graphs count, by who has the budget: a conversation with an agent is a session."""
COUNTED = ("usd", "tokens", "calls")


def listed(work: Work, holder: View[Any]) -> list[Sourced[str]]:
    """The names of the guardrails that a flow or an agent asks itself; each is described once."""
    names = []
    for guard in guards(holder):
        at = guard.named.sources[0].path  # type: ignore[union-attr]
        if guard.stage not in STAGES[holder.address.kind]:
            work.unsupported(at, "an agent searches no index by itself", "list the guardrail in the flow that searches")
            continue
        if not inside(work.lowering.reader, guard):
            continue  # the server of its engine stands before the flow
        name = guard.rail.address.name
        if name not in work.guards:
            made = _screened(work, guard.rail)
            if made is None:
                engine = guard.rail.value["engine"]
                work.unsupported(at, f"`{engine}` cannot be asked by an app, or not about this guardrail",
                                 "let an engine that can be asked enforce it, or a server stand before the flow")
                continue
            work.guards[name] = Sourced(made, guard.named.sources, raw=True)
        elif isinstance(work.guards[name], Sourced):  # of two references none alone decides
            work.guards[name] = work.guards[name].value
        names.append(guard.named)
    return names


def _screened(work: Work, rail: View[Any]) -> dict[str, Any] | None:
    """How a guardrail is asked."""
    found = work.lowering.ask(Screen, rail)
    if found is None:
        return None
    work.screens.append(found)
    work.variables += found.variables
    work.needs += found.needs
    engine = rail.get("engine")
    made: dict[str, Any] = {
        "stage": rail.text("stage"), "argv": [word.because(engine) for word in found.argv],
    }
    if found.variables:
        why = Sourced(0).because(rail.get("detector"), rail.ref_name("model"))
        made["variables"] = Sourced([variable.name for variable in found.variables], why.sources, raw=True)
    if found.settings:
        made["settings"] = {name: value.because(engine) for name, value in found.settings.items()}
    latency = rail.maybe_text("latency")
    if latency is not None:
        made["timeout"] = latency.map(seconds)
    message = rail.maybe_text("message")
    if message is not None and rail.text("action").value == "block":
        made["message"] = message.because(rail.get("action"))
    return made


def screened(lowering: Lowering, holder: View[Any], near: str | None) -> Screened | None:
    """Of a flow or an agent that the graphs run: the stages that they ask themselves."""
    stages = STAGES.get(holder.address.kind)
    return Screened(stages) if stages is not None and holder.address in reached(lowering.reader) else None


def reached(reader: Reader) -> set[Any]:
    """The addresses of all agents and flows that stand in the graphs."""
    todo: list[View[Any]] = list(reader.of(AGENT, framework=NAME))
    for deployment in reader.of(DEPLOYMENT, engine=NAME):
        if not deployment.has("endpoint"):
            todo += [one.flow for one in served(reader, deployment)]
    seen: set[Any] = set()
    while todo:
        one = todo.pop()
        if one.address in seen:
            continue
        seen.add(one.address)
        if one.address.kind == AGENT.name:
            found = [one.ref("handoffs", number) for number in range(len(one.value.get("handoffs") or ()))]
        else:
            found = [step.ref(verb) for step in one.entries("steps") for verb in (AGENT.name, FLOW.name)
                     if verb in step.value]
        todo += [other for other in found if other is not None]
    return seen


# --- budgets -------------------------------------------------------------------------------------------------------


def budget(work: Work, holder: View[Any]) -> dict[str, Any]:
    """What its calls may use."""
    made: dict[str, Any] = {}
    for name in holder.value.get("budget") or {}:
        if name == "on_exceed":
            continue
        what, _, span = name.partition("_per_")
        at = holder.at("budget", name)
        if what not in COUNTED:
            work.unsupported(at, "the prices that it counts with are in US dollars", "say it in `usd`")
        elif span not in SPANS[holder.address.kind]:
            cure = "let the gateway keep it" if span in ("day", "month") else "say it `_per_request`"
            work.unsupported(at, f"it keeps no count of what a {span} uses", cure)
        else:
            made.setdefault(span, {})[what] = holder.get("budget", name)
    if made:
        made["on_exceed"] = holder.text("budget", "on_exceed")
    return {"budget": made} if made else {}


def prices(work: Work, holder: Any, model: View[Any], field: str = "model") -> dict[str, Any]:
    """US dollars for a token of a model, where a budget counts them."""
    if not work.priced:
        return {}
    made = {}
    for which in ("input", "output"):
        rate = models.price(work.lowering.facts, model, which)
        if rate is not None:
            made[which] = rate.express(lambda r: float(f"{r:.12g}")).because(holder.ref_name(field))
    if "input" in made:
        return {"price": made}
    work.error(holder.at(field), "the cost cannot be known", f"nobody knows what {model.address} costs",
               "say it: `facts: {price: {usd_per_million_input: …, usd_per_million_output: …}}` of the model")
    return {}


def priced(reader: Reader) -> bool:
    """Whether any budget of the graphs counts US dollars."""
    def counts(holder: View[Any]) -> bool:
        spans = SPANS[holder.address.kind]
        return any(name in (f"usd_per_{span}" for span in spans) for name in holder.value.get("budget") or {})

    holders: tuple[View[Any], ...] = (*reader.of(AGENT), *reader.of(FLOW))
    return any(counts(holder) and holder.address in reached(reader) for holder in holders)
