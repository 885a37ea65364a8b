"""Values on their way: from an input or a step to the socket that takes them, in the form that it wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.derive.flow import Plan, Step, Value
from llmops.compiler.derive.ports import DOCUMENTS
from llmops.compiler.model.sourced import Sourced
from llmops.targets.haystack import jinja
from llmops.targets.haystack.pipe import Pipe, because

TEXT, DATA, PASSAGES = "text", "data", "documents"
"""What a socket wants: a text, data of any kind, or Haystack's documents."""
STRING, LIST, ANYTHING = "str", "list", "typing.Any"


Giving = Callable[[str], "str | None"]
Nested = Callable[[Value, str], "str | None"]


@dataclass(slots=True)
class Wiring:
    """A plan on its way into a pipeline. `gives` are the sockets of the steps that are in it already."""

    pipe: Pipe
    plan: Plan
    gives: dict[str, str]
    remembers: bool = False
    """Whether the app takes what was said before."""
    why: dict[str, Sourced[Any]] = field(default_factory=dict)
    """What decided by which socket a step gives its value: whether its model has tools."""
    giving: dict[str, Giving] = field(default_factory=dict)
    """Steps that give data by name: what asks for one of them, and says the socket."""
    nested: dict[str, Nested] = field(default_factory=dict)
    """Steps that are pipelines of their own: what asks for a value, and says the socket."""

    def feed(self, value: Value, receiver: str, want: str) -> bool:
        """Connect a value with a socket. False where it cannot be, which is reported."""
        if value.input is not None:
            return self._of_input(value, receiver)
        if value.step is not None:
            return self._of_step(value, receiver, want)
        if value.first:
            return self._first(value, receiver, want)
        if value.item:
            self.pipe.error(value.at, "a Haystack pipeline asks nothing of an entry before its step runs")
            return False
        self.pipe.connect(self._literal(value, receiver, want), receiver, value.text)
        return True

    def _literal(self, value: Value, receiver: str, want: str) -> str:
        if isinstance(value.literal, dict) and "type" in value.literal:
            self.pipe.error(value.at, "Haystack would take a map with the key `type` for an object")
        name = self.pipe.add(f"{receiver.replace('.', '-')}-value", "Constant", {"value": value.literal}, value.text)
        return self._said(name, f"{name}.value", value) if want == TEXT else f"{name}.value"

    def _of_input(self, value: Value, receiver: str) -> bool:
        assert value.input is not None
        if not value.path:
            self.pipe.takes(value.input, receiver, value.text)
            return True
        name = self.pipe.add("-".join((value.input, *value.path)), "OutputAdapter", {
            "template": "{{ " + ".".join(("value", *value.path)) + " }}", "output_type": STRING,
        }, value.text)
        self.pipe.takes(value.input, f"{name}.value", value.text)
        self.pipe.connect(f"{name}.output", receiver, value.text)
        return True

    def _of_step(self, value: Value, receiver: str, want: str) -> bool:
        step = self.plan.step(value.step or "")
        sender = self.gives.get(value.step or "")
        if step is None or sender is None:
            return False  # the step has been reported
        made = self.given(step, value, sender, want)
        if made is None:
            return False
        self.pipe.connect(made, receiver, value.text)
        return True

    def given(self, step: Step, value: Value, sender: str, want: str) -> str | None:
        """The socket that gives a step's value in the form that is wanted."""
        if step.name in self.nested:
            given = self.nested[step.name](value, want)
            several = step.each is not None
            return self._said(step.name, given, value) if given and several and want == TEXT else given
        if step.name in self.giving:
            return self._data(step, value, want)
        if step.verb == "index" or (step.verb == "model" and step.gives.get("") == DOCUMENTS):
            return self._passages(step, value, sender, want)
        if step.verb in ("prompt", "agent") and value.path in ((), ("text",)):
            return self._text(step, value, sender)
        if step.verb == "prompt" and value.path[:1] == ("output",) and len(value.path) > 1:
            return self._field(step, value, sender)
        if step.verb == "model" and value.path in ((), ("vector",), ("text",)):
            return self._text(step, value, sender) if step.gives.get("") == "string" else sender
        self.pipe.error(value.at, f"Haystack gives no `{value.text.value}` to other steps",
                        "only its text, passages, and plain fields of its schema")
        return None

    def _data(self, step: Step, value: Value, want: str) -> str | None:
        """What a tool, a function or a flow gives: as it is, or as a text."""
        name, *below = value.path or ("",)
        given = self.giving[step.name](name)
        if given is None:
            self.pipe.error(value.at, f"Haystack gives no `{value.text.value}` to other steps", "",
                            "name one of what it gives")
            return None
        if below or (want == TEXT and step.gives.get(".".join(value.path)) != "string"):
            return self._said(step.name, given, value, tuple(below), STRING if want == TEXT else ANYTHING)
        return given

    def _said(
        self, prefix: str, sender: str, value: Value, below: tuple[str, ...] = (), kind: str = STRING
    ) -> str:
        """A value as a text, or one of the fields below it."""
        own = "-".join((prefix, sender.partition(".")[2], *below, "text" if kind == STRING else "data"))
        name = self.pipe.add(own, "OutputAdapter", {
            "template": "{{ " + ".".join(("value", *below)) + " }}", "output_type": kind,
        }, value.text)
        self.pipe.connect(sender, f"{name}.value", value.text)
        return f"{name}.output"

    def _passages(self, step: Step, value: Value, sender: str, want: str) -> str:
        if value.path == ("scores",):
            name = self.pipe.add(f"{step.name}-scores", "OutputAdapter",
                                 {"template": jinja.SCORES, "output_type": "list[float]"}, value.text)
            self.pipe.connect(sender, f"{name}.documents", value.text)
            return f"{name}.output"
        if want == PASSAGES:
            return sender
        found = searched(self.plan, step)
        template, kind = (jinja.JOINED, STRING) if want == TEXT else (passages_of(found), "list[dict]")
        name = self.pipe.add(f"{step.name}-{'joined' if want == TEXT else 'list'}", "OutputAdapter",
                             {"template": template, "output_type": kind}, value.text)
        self.pipe.connect(sender, f"{name}.documents", value.text)
        return f"{name}.output"

    def _text(self, step: Step, value: Value, sender: str) -> str:
        socket = sender.rpartition(".")[2]
        reason = value.text.because(self.why.get(step.name))
        name = self.pipe.add(f"{step.name}-text", "OutputAdapter", {"template": _said(socket), "output_type": STRING},
                             reason)
        self.pipe.connect(sender, f"{name}.{socket}", reason)
        return f"{name}.output"

    def _field(self, step: Step, value: Value, sender: str) -> str | None:
        """A field of an answer that is JSON: found by a pattern, as no component reads JSON."""
        kind = step.gives.get(".".join(value.path))
        if len(value.path) != 2 or kind not in ("string", "boolean", "number", "integer"):
            self.pipe.error(value.at, f"Haystack reads no `{value.text.value}` out of an answer",
                            "it finds plain fields at the top of the answer's schema")
            return None
        name = self.pipe.add(f"{step.name}-{value.path[1]}", "RegexTextExtractor", {"regex_pattern": Sourced(
            f'"{value.path[1]}"\\s*:\\s*' + ('"([^"\\\\]*)"' if kind == "string" else "([-+.0-9eE]+|true|false)"),
            value.text.sources, raw=True,
        )})
        self.pipe.connect(sender, f"{name}.text_or_messages", value.text)
        return f"{name}.captured_text"

    def _first(self, value: Value, receiver: str, want: str) -> bool:
        """Of several, the one that is there: branches of which one runs."""
        name = f"{receiver.partition('.')[0]}-{receiver.partition('.')[2]}-first"
        kind = "list[haystack.dataclasses.document.Document]" if want == PASSAGES else STRING if want == TEXT else LIST
        self.pipe.add(name, "BranchJoiner", {"type_": kind}, value.text)
        joined = [self.feed(one, f"{name}.value", want) for one in value.first]
        self.pipe.connect(f"{name}.value", receiver, value.text)
        return all(joined)


def passages_of(step: Step | None) -> Sourced[str]:
    """The template for what a search found, with the fields that its index has."""
    nodes = list(step.resource.entries("fields")) if step is not None and step.resource is not None else []
    return Sourced(jinja.passages(node.name for node in nodes), (), raw=True)


def plain(tree: Any) -> Any:
    """A literal without its origins."""
    if isinstance(tree, Sourced):
        return plain(tree.value)
    if isinstance(tree, dict):
        return {key: plain(item) for key, item in tree.items()}
    return [plain(item) for item in tree] if isinstance(tree, list) else tree


def searched(followed: Plan, step: Step | None) -> Step | None:
    """The search whose passages a step gives: its own, or those that it sorts again."""
    while step is not None and step.verb == "model":
        value = step.values.get("input")
        value = value.first[0] if value is not None and value.first else value
        step = followed.step(value.step or "") if value is not None else None
    return step


def _said(socket: str) -> str:
    """The text of what a model said."""
    return "{{ " + ("replies[0].text" if socket == "replies" else f"{socket}.text") + " }}"


def wanted(type_: str) -> str:
    """The form in which a variable of a type takes passages: as one text, else as a list."""
    return TEXT if type_ in ("string", "any", DOCUMENTS) else DATA


def output(wiring: Wiring, name: str, value: Value) -> str | None:
    """The component that gives an output of the flow under its own name; the socket."""
    pipe = wiring.pipe
    step = wiring.plan.step(value.step or "")
    sender = wiring.gives.get(value.step or "")
    if step is not None and (step.name in wiring.giving or step.name in wiring.nested):
        return _as_it_is(wiring, name, value)
    texts = value.type in ("string", "any")
    if step is not None and sender is not None and step.verb in ("prompt", "agent") and value.path in ((), ("text",)):
        socket = sender.rpartition(".")[2]
        said = because(because(_said(socket), value.text), wiring.why.get(step.name))
        pipe.add(name, "OutputAdapter", {"template": said, "output_type": because(STRING, value.text)})
        pipe.connect(sender, f"{name}.{socket}", value.text.because(wiring.why.get(step.name)))
        return f"{name}.output"
    template: str | Sourced[str] = "{{ value }}"
    kind, want, socket = (STRING, TEXT, "value") if texts else (ANYTHING, DATA, "value")
    if value.type == DOCUMENTS:
        found = step or (wiring.plan.step(value.first[0].step or "") if value.first else None)
        template, kind, want, socket = passages_of(searched(wiring.plan, found)), "list[dict]", PASSAGES, "documents"
    pipe.add(name, "OutputAdapter", because({"template": template, "output_type": kind}, value.text))
    return f"{name}.output" if wiring.feed(value, f"{name}.{socket}", want) else None


def _as_it_is(wiring: Wiring, name: str, value: Value) -> str | None:
    """An output that is data of any kind: a router with one way, which leaves it alone."""
    wiring.pipe.add(name, "ConditionalRouter", because({"routes": [{
        "condition": "{{ True }}", "output": "value", "output_name": "output", "output_type": ANYTHING,
        "output_passthrough": True,
    }]}, value.text))
    return f"{name}.output" if wiring.feed(value, f"{name}.value", DATA) else None
