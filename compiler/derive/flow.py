"""The plan of a flow: its steps in an order in which they can run, and where each value comes from.

Names are followed once, here: targets lower a plan, and a rule reports its problems.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.derive import ports
from llmops.compiler.derive.ports import ANY, Input, fits
from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.facts import Facts
from llmops.compiler.model.keys import Key, KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node, View

ITEM = "item"
"""The name of an entry, in a step that runs for `each` of a list."""


@dataclass(frozen=True, slots=True)
class Value:
    """Where a value comes from: exactly one of an input, a step, the entry of an `each`, a literal, or several of
    which the first that is there is taken. `path` are the keys below what a step gives (`output`, `label`).

    `text` is what was written, with its place; a value that is bound by its name alone stands at that name.
    """

    text: Sourced[Any]
    at: KeyPath
    type: str = ANY
    input: str | None = None
    step: str | None = None
    item: bool = False
    path: tuple[str, ...] = ()
    literal: Any = None
    first: tuple[Value, ...] = ()

    @property
    def steps(self) -> frozenset[str]:
        """The steps that must have run."""
        own = frozenset([self.step]) if self.step is not None else frozenset()
        return own.union(*(value.steps for value in self.first))


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of `when`: the value must be `present`, `absent`, or one of `equals`."""

    value: Value
    equals: tuple[Any, ...] = ()
    present: bool | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `verb` says what it does (`prompt`, `model`, `index`, `tool`, `agent`, `flow`, `code`), `resource`
    is what that key names (None for code); `model` answers where it has one.

    `values` are what goes in: by the fields' names (`query`, `input`), `bound` by the names of `with`, also those that
    are bound because an input has their name; `filters` by field. `gives` are the types of what comes out.
    """

    node: Node
    name: str
    verb: str
    resource: View[Any] | None
    model: View[Any] | None
    values: Mapping[str, Value]
    bound: Mapping[str, Value]
    filters: Mapping[str, Value]
    gives: Mapping[str, str]
    conditions: tuple[Condition, ...] = ()
    each: Value | None = None
    otherwise: str | None = None
    after: tuple[str, ...] = ()

    @property
    def prompt(self) -> View[Any] | None:
        return self.resource if self.verb == "prompt" else None

    def every(self) -> Iterator[Value]:
        """All values that go in."""
        yield from self.values.values()
        yield from self.bound.values()
        yield from self.filters.values()
        yield from (condition.value for condition in self.conditions)
        if self.each is not None:
            yield self.each

    @property
    def needs(self) -> frozenset[str]:
        """The steps that must have run before."""
        return frozenset(self.after).union(*(value.steps for value in self.every()))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not fit: `at` is the place, `candidates` are names that would do. `key_only` where the key
    itself is meant; `weak` where it works, and does nothing."""

    at: KeyPath
    message: str
    mark: str = ""
    found: str | None = None
    candidates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    key_only: bool = False
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A flow, followed. `steps` are in an order in which they can run, otherwise as they are written."""

    flow: View[Any]
    inputs: Mapping[str, Input]
    steps: tuple[Step, ...]
    outputs: Mapping[str, Value]
    problems: tuple[Problem, ...] = ()

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)


def plan(facts: Facts, flow: View[Any]) -> Plan:
    """Follow every name of a flow. What cannot be followed is a problem, and left out of the plan."""
    work = _Following(facts, flow)
    for node in flow.entries("steps"):
        work.nodes[node.name] = node
        work.gives[node.name] = ports.outputs(facts, node, ports.verb(node))
    steps = tuple(work.step(node) for node in work.nodes.values())
    outputs = {}
    for name in flow.value.get("outputs") or {}:
        value = work.value(flow, ("outputs", name))
        if value is not None:
            outputs[name] = value
    ordered = work.ordered(steps)
    if not work.problems:  # a name that leads nowhere takes nothing: only what it was meant to take would be unused
        work.unused(steps, outputs)
    return Plan(flow, work.inputs, ordered, outputs, tuple(work.problems))


@dataclass(slots=True)
class _Following:
    facts: Facts
    flow: View[Any]
    inputs: dict[str, Input] = field(init=False)
    nodes: dict[str, Node] = field(default_factory=dict)
    gives: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        written = self.flow.value.get("inputs") or {}
        self.inputs = {name: ports.typed(declared) for name, declared in written.items()}
        for name in written:
            self.flow.has("inputs", name)

    # --- one step ---------------------------------------------------------------------------------------------------

    def step(self, node: Node) -> Step:
        what = ports.verb(node)
        if node.name in self.inputs:
            self.problems.append(Problem(
                node.at(), f"`{node.name}` is an input and a step", "nothing says which is meant", key_only=True,
                help=("give the step another name",),
            ))
        values = self._fields(node, what)
        each = self._maybe(node, "each")
        bound = self._bound(node, what, each)
        filters, after = self._map(node, "filter"), node.get("after")
        return Step(
            node=node, name=node.name, verb=what, resource=node.ref(what) if what != "code" else None,
            model=node.ref("model") if what in ("prompt", "model") else None, values=values, bound=bound,
            filters=filters, gives=self.gives[node.name], conditions=tuple(self._conditions(node)), each=each,
            otherwise=node.value.get("otherwise") if node.has("otherwise") else None,
            after=tuple(name for name in after.value if name in self.nodes) if after is not None else (),
        )

    def _fields(self, node: Node, what: str) -> dict[str, Value]:
        values = {}
        for name in ("query", "input"):
            value = self._maybe(node, name)
            if value is not None:
                values[name] = value
        for name in ports.named_inputs(self.facts, node, what):
            if name not in node.value and name in self.inputs:
                values[name] = self._by_name(node, name)
            elif name not in node.value:
                self.problems.append(Problem(
                    node.at(), f"step `{node.name}` does not say its `{name}`", f"no `{name}` here", key_only=True,
                    help=(f"name an input or a step: `{name}: {next(iter(self.inputs), 'question')}`",),
                ))
        return values

    def _bound(self, node: Node, what: str, each: Value | None) -> dict[str, Value]:
        """`with`, and what is bound by having the name of an input."""
        wanted = ports.inputs(node, what)
        bound = self._map(node, "with")
        if what in ("index", "model") or ports.unknown(node, what):
            return bound
        closed = what in ("prompt", "agent", "tool", "flow") and (what != "tool" or bool(wanted))
        misspelt: set[str] = set()
        for name, value in bound.items():
            if name not in wanted and closed:
                misspelt.update(nearest(name, wanted)[:1])
                self.problems.append(Problem(
                    node.at("with", name), f"{_of(node, what)} takes no `{name}`", "", name, tuple(wanted),
                    (f"it takes: {', '.join(sorted(wanted)) or 'nothing'}",), ("name what it takes",), key_only=True,
                ))
            elif name in wanted and not fits(value.type, wanted[name].type):
                self._mismatch(value, f"`{name}` of {_of(node, what)}", wanted[name].type)
        for name, port in wanted.items():
            if name in (node.value.get("with") or {}):
                continue
            if name in self.inputs and name not in misspelt:
                bound[name] = self._by_name(node, name)
                if not fits(bound[name].type, port.type):
                    self._mismatch(bound[name], f"`{name}` of {_of(node, what)}", port.type)
            elif each is not None and name == ITEM:
                bound[name] = Value(Sourced(ITEM, (node.source("each"),)), node.at("each"), item=True)
            elif port.required and name not in misspelt and not (what == "agent" and "input" in node.value):
                self.problems.append(Problem(
                    node.at(), f"nothing fills `{name}` of {_of(node, what)}", f"no `with: {{{name}: …}}`",
                    found=name, candidates=tuple(self.inputs), key_only=True,
                    help=(f"bind it: `with: {{{name}: …}}`, or give the flow an input of that name",),
                ))
        return bound

    def _by_name(self, node: Node, name: str) -> Value:
        text = Sourced(name, (self.flow.source("inputs", name),))
        return Value(text, node.at(), self.inputs[name].type, input=name)

    def _conditions(self, node: Node) -> Iterator[Condition]:
        for name in node.value.get("when") or {}:
            written = node.get("when", name)
            value = self._follow(Sourced(name, (node.source("when", name),)), node.at("when", name), True, node)
            if value is None or written is None:
                continue
            if written.value in ("present", "absent"):
                yield Condition(value, present=written.value == "present")
            else:
                equals = written.value if isinstance(written.value, list) else [written.value]
                self._possible(node, name, value, equals)
                yield Condition(value, tuple(equals))

    def _possible(self, node: Node, name: str, value: Value, equals: list[Any]) -> None:
        """A condition on a field that has only some values names one of them."""
        if value.step is None:
            return
        before = self.nodes[value.step]
        known = ports.choices(before, ports.verb(before), value.path)
        for number, one in enumerate(equals):
            if known is None or any(type(one) is type(other) and one == other for other in known):
                continue
            keys = ("when", name, number) if isinstance(node.value["when"][name], list) else ("when", name)
            words = [other if isinstance(other, str) else json.dumps(other) for other in known]
            said = one if isinstance(one, str) and one not in words else json.dumps(one)
            self.problems.append(Problem(
                node.at(*keys), f"`{name}` is never `{said}`", "", said, tuple(words),
                (f"by its schema it is: {', '.join(words)}",), ("name a value that it can have",),
            ))

    # --- values -----------------------------------------------------------------------------------------------------

    def _maybe(self, node: Node, name: str) -> Value | None:
        return self.value(node, (name,)) if name in node.value else None

    def _map(self, node: Node, name: str) -> dict[str, Value]:
        found = {key: self.value(node, (name, key)) for key in node.value.get(name) or {}}
        return {key: value for key, value in found.items() if value is not None}

    def value(self, node: Node, keys: tuple[Key, ...]) -> Value | None:
        """The value that is written at a place."""
        written = node.get(*keys)
        at = node.at(*keys)
        if written is None:
            return None
        if isinstance(written.value, str):
            return self._follow(written, at, False, node)
        if "first" in written.value:
            several = []
            for index in range(len(written.value["first"])):
                name = node.get(*keys, "first", index)
                value = self._follow(name, node.at(*keys, "first", index), False, node) if name is not None else None
                several += [value] if value is not None else []
            type_ = several[0].type if several and len({v.type for v in several}) == 1 else ANY
            return Value(written, at, type_, first=tuple(several)) if several else None
        literal = node.tree(*keys, "value")
        return Value(written, at, _type_of(written.value.get("value")), literal=literal)

    def _follow(self, text: Sourced[Any], at: KeyPath, key_only: bool, node: Node) -> Value | None:
        head, _, rest = str(text.value).partition(".")
        path = tuple(rest.split(".")) if rest else ()
        if head == ITEM and isinstance(node.value, Mapping) and "each" in node.value:
            return Value(text, at, item=True, path=path)
        if head in self.inputs:
            return self._of_input(text, at, head, path, key_only)
        if head in self.gives:
            type_ = _given(self.gives[head], rest)
            if type_ is not None:
                several = "each" in self.nodes[head].value
                return Value(text, at, "array" if several else type_, step=head, path=path)
            names = [f"{head}.{name}" if name else head for name in self.gives[head] if not name.endswith(".")]
            self.problems.append(Problem(
                at, f"step `{head}` gives no `{rest}`", "", str(text.value), tuple(names),
                (f"it gives: {', '.join(sorted(names))}",), ("name something that it gives",), key_only=key_only,
            ))
            return None
        self.problems.append(Problem(
            at, f"`{head}` is no input and no step of `{self.flow.address}`", "", str(text.value),
            (*self.inputs, *self.gives), (
                f"inputs: {', '.join(sorted(self.inputs))}", f"steps: {', '.join(sorted(self.gives))}",
            ), ("a text of your own is `{value: …}`",), key_only=key_only,
        ))
        return None

    def _of_input(
        self, text: Sourced[Any], at: KeyPath, head: str, path: tuple[str, ...], key_only: bool
    ) -> Value | None:
        type_ = self.inputs[head].type
        if path and type_ not in ("object", ANY):
            self.problems.append(Problem(
                at, f"input `{head}` is a {type_}: nothing is below it", "", str(text.value), (head,),
                help=(f"write `{head}`, or make it an object",), key_only=key_only,
            ))
            return None
        return Value(text, at, ANY if path else type_, input=head, path=path)

    def _mismatch(self, value: Value, where: str, wanted: str) -> None:
        self.problems.append(Problem(
            value.at, f"{where} is a {wanted}, and `{value.text.value}` gives a {value.type}", f"a {value.type}",
            help=(f"bind it to what gives a {wanted}",),
        ))

    # --- the whole --------------------------------------------------------------------------------------------------

    def ordered(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """An order in which each step comes after those that it needs, else as written. A circle is a problem."""
        waiting = {step.name: step for step in steps}
        done: list[Step] = []
        while waiting:
            ready = next((s for s in waiting.values() if not (s.needs & waiting.keys()) - {s.name}), None)
            circle = ready is None or ready.name in ready.needs
            if circle:
                names = _circle(waiting)
                self.problems.append(Problem(
                    waiting[names[0]].node.at(), f"steps wait for each other: {' → '.join((*names, names[0]))}",
                    "each needs what the next gives", key_only=True,
                    help=("take one of these values from an input, or from a step before",),
                ))
                ready = waiting[names[0]]
            assert ready is not None
            done.append(waiting.pop(ready.name))
        return tuple(done)

    def unused(self, steps: tuple[Step, ...], outputs: Mapping[str, Value]) -> None:
        """Steps that only give a value, which nobody takes."""
        taken = {name for value in outputs.values() for name in value.steps}
        for step in steps:
            taken |= step.needs | ({step.otherwise} if step.otherwise else set())
        for step in steps:
            only_gives = step.verb in ("prompt", "model", "index") and not step.node.value.get("tools")
            if only_gives and step.name not in taken:
                self.problems.append(Problem(
                    step.node.at(), f"nothing takes what step `{step.name}` gives", "runs for nothing", key_only=True,
                    help=("name it in `outputs`, `with` or `query`, or take the step away",), weak=True,
                ))


def _given(gives: Mapping[str, str], path: str) -> str | None:
    """The type of what a step gives at a path; None where it gives nothing there."""
    if path in gives or "." in gives:
        return gives.get(path, ANY)
    parts = path.split(".")
    heads = [".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
    return ANY if any(f"{head}." in gives or gives.get(head) == ANY for head in heads) else None


def _circle(waiting: Mapping[str, Step]) -> tuple[str, ...]:
    """A circle among steps of which each waits for another one."""
    name = next(iter(waiting))
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = sorted(waiting[name].needs & waiting.keys())[0]
    return tuple(seen[seen.index(name):])


def _of(node: Node, what: str) -> str:
    return f"{what} `{node.value.get(what)}`"


def _type_of(literal: Any) -> str:
    """The type of a literal, in JSON Schema's words."""
    types = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"))
    return next((word for kind, word in types if isinstance(literal, kind)), "object")
