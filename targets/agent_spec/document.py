"""A document while it is made: its components by their ids, and the problems that its making meets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Source, Span
from llmops.compiler.model.target import Lowering, Unsupported

VERSION = "25.4.2"
"""Of the standard: the oldest that has all that is written here, so that older runtimes read it too."""
Problems = list[Finding | Unsupported]


@dataclass(slots=True)
class Document:
    """`components` are those that others refer to, in the order in which they were needed."""

    lowering: Lowering
    problems: Problems
    components: dict[str, dict[str, Any]] = field(default_factory=dict)
    why: dict[str, tuple[Source, ...]] = field(default_factory=dict)
    """The references that components stand there for; of two none alone decides."""
    failed: bool = False

    def add(
        self, kind: str, id_: str, name: Any, because: Sourced[Any] | None = None, **fields: Any
    ) -> dict[str, Any]:
        """A component, and the reference to it. One that is there already stays as it is; what is None is left out."""
        sources = because.sources if because is not None else ()
        if id_ not in self.components:
            self.components[id_] = component(kind, id_, name, **fields)
            self.why[id_] = sources
        elif self.why[id_] != sources:
            self.why[id_] = ()
        return reference(id_)

    def finish(self, main: dict[str, Any]) -> dict[str, Any]:
        """The whole, with the component that it is about at its head."""
        others = {
            id_: Sourced(found, self.why[id_], raw=True) for id_, found in self.components.items() if id_ != main["id"]
        }
        return {**main, **({"$referenced_components": others} if others else {}), "agentspec_version": VERSION}

    def unsupported(self, at: KeyPath | Span, why: str, cure: str = "") -> None:
        if not any(isinstance(p, Unsupported) and p.at == at for p in self.problems):
            self.problems.append(Unsupported(at, why, cure))

    def error(self, at: KeyPath | Span, message: str, label: str = "", cure: str = "") -> None:
        """What cannot be left out without a document that does something else: it is not written."""
        self.failed = True
        if not any(isinstance(p, Finding) and p.labels[0].at == at for p in self.problems):
            labels = (Label(at, label, primary=True),)
            self.problems.append(Finding(message, labels, help=(cure,) if cure else (), severity=Severity.ERROR))


def component(kind: str, id_: str, name: Any, **fields: Any) -> dict[str, Any]:
    given = {key: value for key, value in fields.items() if value is not None}
    return {"component_type": kind, "id": id_, "name": name, **given}


def reference(id_: str | Sourced[str]) -> dict[str, Any]:
    return {"$component_ref": id_}


TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"}, "number": {"type": "number"}, "integer": {"type": "integer"},
    "boolean": {"type": "boolean"}, "array": {"type": "array", "items": {}},
    "object": {"type": "object", "additionalProperties": {}},
    "documents": {"type": "array", "items": {"type": "string"}}, "any": {},
}
"""Types of ours as JSON Schemas. `image`, `audio` and `messages` have none."""


def typed(title: Any, type_: str) -> dict[str, Any] | None:
    """An input or output; None for a type that the standard has no word for."""
    schema = TYPES.get(type_)
    return None if schema is None else {"title": title, **schema}
