"""How much may be used: calls to models, tokens, US dollars, of a run or of a conversation.

A call is refused, or told in the log, once a limit is reached. What a call costs is known when it is over.
"""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.messages.utils import count_tokens_approximately

RUN = ("request", "run")


class BudgetExceeded(RuntimeError):
    """A call would go beyond a budget."""


@dataclass
class Purse:
    """A budget around calls: of the flow that makes them."""

    name: str
    limits: Mapping[str, Any]
    spent: dict[str, float] = field(default_factory=dict)

    def open(self) -> None:
        for span in RUN:
            reached(self.name, span, self.limits, self.spent)


around: contextvars.ContextVar[tuple[Purse, ...]] = contextvars.ContextVar("around", default=())


def reached(name: str, span: str, budget: Mapping[str, Any], spent: Mapping[str, float]) -> None:
    """Nothing may be called any more where a limit of this span is reached."""
    for what, limit in budget.get(span, {}).items():
        if spent.get(what, 0) >= limit:
            words = f"the budget of {name} is used up: {limit:g} {what} per {span}"
            if budget.get("on_exceed", "block") == "block":
                raise BudgetExceeded(words)
            print(words, file=sys.stderr)


def allowed(name: str, budget: Mapping[str, Any], run: Mapping[str, float], session: Mapping[str, float]) -> None:
    """Whether an agent may call its model, and whoever called the agent lets it."""
    for span in RUN:
        reached(name, span, budget, run)
    reached(name, "session", budget, session)
    for purse in around.get():
        purse.open()


def cost(price: Mapping[str, float], asked: int, said: int) -> dict[str, float]:
    return {
        "calls": 1, "tokens": asked + said,
        "usd": asked * price.get("input", 0.0) + said * price.get("output", 0.0),
    }  # fmt: skip


def used(price: Mapping[str, float], sent: Sequence[AnyMessage], reply: AIMessage) -> dict[str, float]:
    """What a call used: as its server says, else counted approximately."""
    usage = reply.usage_metadata
    asked = usage["input_tokens"] if usage else count_tokens_approximately(sent)
    said = usage["output_tokens"] if usage else count_tokens_approximately([reply])
    return pay(cost(price, asked, said))


def pay(spent: dict[str, float]) -> dict[str, float]:
    """It is taken from all budgets around."""
    for purse in around.get():
        purse.spent.update(plus(purse.spent, spent))
    return spent


def plus(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}
