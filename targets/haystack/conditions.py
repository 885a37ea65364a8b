"""Conditions of steps: routers, behind which nothing runs where they do not hold."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.flow import Condition, Step, Value
from llmops.compiler.model.sourced import Sourced
from llmops.targets.haystack import jinja
from llmops.targets.haystack.values import DATA, TEXT, Wiring


def gate(wiring: Wiring, step: Step, sender: str | None, kind: str, value: Value | None = None) -> str:
    """What a step is fed, let through only where its conditions hold; else nothing that hangs on it runs.

    The other way gives an empty text: what it gave would be in the app's reply.
    """
    if not step.conditions:
        assert sender is not None
        return sender
    name = f"{step.name}-when"
    test = " and ".join(_test(wiring, step, number, c) for number, c in enumerate(step.conditions))
    sources = tuple(s for c in step.conditions for s in (*c.value.text.sources, step.node.source("when", _key(c))))
    routes = [
        {"condition": Sourced("{{ " + test + " }}", sources, raw=True), "output": "value", "output_name": "go",
         "output_type": kind, "output_passthrough": True},
        {"condition": "{{ True }}", "output": "{{ '' }}", "output_name": "skipped", "output_type": "str"},
    ]
    if name in wiring.pipe.components:
        return f"{name}.go"
    wiring.pipe.add(name, "ConditionalRouter", {"routes": routes}, Sourced(0, sources))
    for number, one in enumerate(step.conditions):
        raw = one.value.type == "array" or one.value.step in {*wiring.giving, *wiring.nested}
        wiring.feed(one.value, f"{name}.given_{number}", DATA if raw else TEXT)
    if value is not None:
        wiring.feed(value, f"{name}.value", TEXT)
    elif sender is not None:
        wiring.pipe.connect(sender, f"{name}.value")
    return f"{name}.go"


def _key(one: Condition) -> str:
    return str(one.value.text.value)


def _test(wiring: Wiring, step: Step, number: int, one: Condition) -> str:
    step_ = one.value.step
    field = step_ is not None and step_ not in wiring.giving and one.value.path[:1] == ("output",)
    # a field that was found in a text is a text itself
    equals = tuple(_word(item) if field else item for item in one.equals)
    return jinja.condition(f"given_{number}", equals, one.present)


def _word(item: Any) -> str:
    return str(item).lower() if isinstance(item, bool) else str(item)


def into(wiring: Wiring, step: Step, value: Value, receiver: str, want: str = TEXT) -> bool:
    """A value into a socket, through the step's condition where it has one."""
    if not step.conditions:
        return wiring.feed(value, receiver, want)
    go = gate(wiring, step, None, "str", value)
    wiring.pipe.connect(go, receiver, value.text)
    return True
