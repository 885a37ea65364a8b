"""Steps as pipelines of their own: for each entry of a list, tried again, within a time, another in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from llmops.compiler.derive.flow import Step, Value
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.units import seconds
from llmops.targets.haystack.conditions import gate
from llmops.targets.haystack.pipe import component
from llmops.targets.haystack.values import DATA, PASSAGES, TEXT, Wiring

PATIENT = ("prompt", "model", "agent")
"""What has a client of its own, which takes `timeout` and `retries`."""
WHEN, ITEM = "when", "item"
Lower = Callable[[Wiring, Step], "str | None"]


def wanted(step: Step) -> bool:
    """Whether a step must be a pipeline of its own."""
    bare = step.verb in ("tool", "code", "flow") and bool(step.conditions)
    return step.each is not None or step.otherwise is not None or bare or bool(step.after) or bool(_limits(step))


def _limits(step: Step) -> list[str]:
    return [name for name in ("timeout", "retries") if step.verb not in PATIENT and step.node.has(name)]


@dataclass(slots=True)
class Inside(Wiring):
    """What goes into the step comes from around it, by a name for each value. `asked` are the values by name."""

    asked: dict[str, tuple[Value, str]] = field(default_factory=dict)

    def feed(self, value: Value, receiver: str, want: str) -> bool:
        if value.literal is not None:
            return Wiring.feed(self, value, receiver, want)
        if value.item:
            return self._item(value, receiver)
        name = self._name(value, want)
        self.asked[name] = (value, want)
        self.pipe.takes(name, receiver, value.text)
        return True

    def _item(self, value: Value, receiver: str) -> bool:
        if not value.path:
            self.pipe.takes(ITEM, receiver, value.text)
            return True
        name = self.pipe.add("-".join((ITEM, *value.path)), "OutputAdapter", {
            "template": "{{ " + ".".join(("value", *value.path)) + " }}", "output_type": "str",
        }, value.text)
        self.pipe.takes(ITEM, f"{name}.value", value.text)
        self.pipe.connect(f"{name}.output", receiver, value.text)
        return True

    def _name(self, value: Value, want: str) -> str:
        plain = "-".join((value.input or value.step or "first", *value.path))
        name = plain if want == TEXT else f"{plain}-{'list' if want == DATA else PASSAGES}"
        number = 1
        while name in (ITEM, WHEN) or (name in self.asked and self.asked[name][0].text.value != value.text.value):
            number += 1
            name = f"{plain}-{number}"
        return name


def lower(wiring: Wiring, step: Step, made: Lower) -> str | None:
    """A component that holds the step; what it gives is added to it when somebody asks."""
    pipe = wiring.pipe
    around = _around(wiring, step)
    inner = _inside(wiring, step, made)
    spare = wiring.plan.step(step.otherwise) if step.otherwise is not None else None
    if spare is not None and not _can_stand_in(wiring, step, spare):
        return None
    second = _inside(wiring, spare, made) if spare is not None else None
    if inner is None or (spare is not None and second is None):
        return None
    asked = {**inner.asked, **(second.asked if second is not None else {})}
    name = f"{step.name}-step"
    takes = [*asked, *([ITEM] if step.each is not None else []), *([WHEN] if step.conditions else []),
             *(f"after-{one}" for one in step.after)]
    gives: list[str] = []
    outputs: dict[str, str] = {}
    parameters: dict[str, Any] = {"step": _component(inner, outputs), "takes": takes, "gives": gives, **_said(step)}
    spares: dict[str, str] = {}
    given: list[str] = []
    if second is not None:
        parameters |= {"otherwise": _component(second, spares), "otherwise_gives": given}
    pipe.add(name, "Step", parameters, around)
    for key, (value, want) in asked.items():
        wiring.feed(value, f"{name}.{key}", want)
    if step.each is not None:
        wiring.feed(step.each, f"{name}.{ITEM}", DATA)
    if step.conditions:
        _gated(wiring, step, name)
    for number, one in enumerate(step.after):
        said = Sourced(one, (step.node.source("after", number),))
        wiring.feed(Value(said, step.node.at("after", number), step=one), f"{name}.after-{one}", DATA)
    _answers(wiring, step, name, (inner, outputs, gives), spare, (second, spares, given))
    return f"{name}."


def _can_stand_in(wiring: Wiring, step: Step, spare: Step) -> bool:
    """Whether a step can run in another's place; what it says of its own running is reported."""
    for name in ("when", "each", "otherwise"):
        if spare.node.has(name):
            wiring.pipe.unsupported(spare.node.at(name),
                                    "a step that runs in another's place runs once, whatever holds")
    if spare.name in step.needs:
        wiring.pipe.error(step.node.at("otherwise"),
                          f"step `{step.name}` takes what the step gives that runs in its place", "",
                          "let another step run in its place")
        return False
    return True


def _answers(
    wiring: Wiring, step: Step, name: str, first: tuple[Inside, dict[str, str], list[str]], spare: Step | None,
    second: tuple[Inside | None, dict[str, str], list[str]],
) -> None:
    """What asks for a value of the step, or of the one that runs in its place."""
    inner, outputs, gives = first
    other, spares, given = second

    def asked(value: Value, want: str) -> str | None:
        key = _key(value, want)
        if _give(inner, step, value, want, outputs, key) is None:
            return None
        if other is not None and spare is not None and _give(other, spare, value, want, spares, key) is None:
            return None
        if key not in gives:
            gives.append(key)
        return f"{name}.{key}"

    def instead(value: Value, want: str) -> str | None:
        key = _key(value, want)
        if other is None or spare is None or _give(other, spare, value, want, spares, key) is None:
            return None
        if key not in given:
            given.append(key)
        return f"{name}.otherwise-{key}"

    wiring.nested[step.name] = asked
    if spare is not None:
        wiring.nested[spare.name] = instead
        wiring.gives[spare.name] = f"{name}."


def _key(value: Value, want: str) -> str:
    return "-".join((*(value.path or ("value",)), *([] if want == TEXT else [want])))


def _give(inner: Inside, step: Step, value: Value, want: str, outputs: dict[str, str], key: str) -> str | None:
    """The value as an output of the pipeline inside."""
    alone = replace(step, each=None, otherwise=None, conditions=())
    socket = inner.given(alone, replace(value, step=step.name), inner.gives.get(step.name, ""), want)
    if socket is not None:
        outputs[socket] = key
    return socket


def _inside(wiring: Wiring, step: Step, made: Lower) -> Inside | None:
    inner = Inside(wiring.pipe.inside(), wiring.plan, dict(wiring.gives), wiring.remembers, giving=dict(wiring.giving))
    sender = made(inner, replace(step, each=None, otherwise=None, conditions=()))
    if sender is None:
        return None
    inner.gives[step.name] = sender
    return inner


def _component(inner: Inside, outputs: dict[str, str]) -> dict[str, Any]:
    return component("SuperComponent", {
        "pipeline": {"components": inner.pipe.components, "connections": inner.pipe.connections},
        "input_mapping": inner.pipe.inputs,
        "output_mapping": outputs,
    })


def _said(step: Step) -> dict[str, Any]:
    node, limits = step.node, _limits(step)
    made: dict[str, Any] = {}
    if step.each is not None:
        made["each"] = True
    if "timeout" in limits:
        made["timeout"] = node.text("timeout").map(seconds)
    if "retries" in limits:
        made["retries"] = node.integer("retries")
    return made


def _around(wiring: Wiring, step: Step) -> Sourced[int]:
    """What makes a pipeline of the step."""
    fields = [name for name in ("each", "otherwise", "after") if step.node.has(name)]
    return Sourced(0, merge(*((step.node.source(name),) for name in fields)))


def _gated(wiring: Wiring, step: Step, name: str) -> None:
    go = wiring.pipe.add(f"{step.name}-go", "Constant", {"value": True})
    wiring.pipe.connect(gate(wiring, step, f"{go}.value", "typing.Any"), f"{name}.{WHEN}")
