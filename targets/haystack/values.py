"""Values on their way: from an input or a step to the socket that takes them, in the form that it wants."""

from __future__ import annotations

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


@dataclass(slots=True)
class Wiring:
    """A plan on its way into a pipeline. `gives` are the sockets of the steps that are in it already."""

    pipe: Pipe
    plan: Plan
    gives: dict[str, str]
    why: dict[str, Sourced[Any]] = field(default_factory=dict)
    """What decided by which socket a step gives its value: whether its model has tools."""

    def feed(self, value: Value, receiver: str, want: str) -> bool:
        """Connect a value with a socket. False where it cannot be, which is reported."""
        if value.input is not None:
            return self._of_input(value, receiver)
        if value.step is not None:
            return self._of_step(value, receiver, want)
        if value.first:
            return self._first(value, receiver, want)
        what = "the entries of a list" if value.item else "a value that is written here"
        self.pipe.error(value.at, f"a Haystack pipeline has no place for {what}", "",
                        "" if value.item else "give the flow an input for it")
        return False

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
        made = self._given(step, value, sender, want)
        if made is None:
            return False
        self.pipe.connect(made, receiver, value.text)
        return True

    def _given(self, step: Step, value: Value, sender: str, want: str) -> str | None:
        """The socket that gives a step's value in the form that is wanted."""
        if step.verb == "index":
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

    def _passages(self, step: Step, value: Value, sender: str, want: str) -> str:
        if want == PASSAGES:
            return sender
        template, kind = (jinja.JOINED, STRING) if want == TEXT else (passages_of(step), "list[dict]")
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


def _said(socket: str) -> str:
    """The text of what a model said."""
    return "{{ " + ("replies[0].text" if socket == "replies" else f"{socket}.text") + " }}"


def wanted(type_: str) -> str:
    """The form in which a variable of a type takes passages: as one text, else as a list."""
    return TEXT if type_ in ("string", "any", DOCUMENTS) else DATA


def output(wiring: Wiring, name: str, value: Value) -> str | None:
    """The component that gives an output of the flow under its own name; the socket."""
    pipe = wiring.pipe
    texts = value.type in ("string", "any")
    step = wiring.plan.step(value.step or "")
    sender = wiring.gives.get(value.step or "")
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
        template, kind, want, socket = passages_of(found), "list[dict]", PASSAGES, "documents"
    pipe.add(name, "OutputAdapter", because({"template": template, "output_type": kind}, value.text))
    return f"{name}.output" if wiring.feed(value, f"{name}.{socket}", want) else None
