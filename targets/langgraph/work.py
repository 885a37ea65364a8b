"""What the lowering of one environment carries along: what it was asked, and the problems that it meets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.model.exports import Screen, ToolServer, Variable
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Source, Span
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View

NAME = CONSUMER = "langgraph"


@dataclass(slots=True)
class Work:
    lowering: Lowering
    problems: list[Finding | Unsupported] = field(default_factory=list)
    failed: bool = False
    servers: dict[str, Any] = field(default_factory=dict)
    """Of the tools that were met, by the tools' names."""
    found: list[ToolServer] = field(default_factory=list)
    """The same, as their targets declare them."""
    variables: list[Variable] = field(default_factory=list)
    needs: list[Address] = field(default_factory=list)
    """What calls go through, and must answer."""
    guards: dict[str, Any] = field(default_factory=dict)
    """Guardrails that the graphs ask, by their names, and how their targets say that it is done."""
    screens: list[Screen] = field(default_factory=list)
    stores: set[str] = field(default_factory=set)
    """The engines of stores that are searched."""
    priced: bool = False
    """Whether a budget counts what calls cost."""
    code: list[Sourced[str]] = field(default_factory=list)
    """Files of the project that steps run, from the repository's root."""
    agents: list[tuple[View[Any], Sourced[str] | None]] = field(default_factory=list)
    flows: list[tuple[View[Any], Sourced[str] | None]] = field(default_factory=list)
    """Those that steps call, which have to be described too, with the references to them."""
    drawn: dict[str, tuple[Source, ...]] = field(default_factory=dict)
    """The flows that were described, with what brought each."""

    def unsupported(self, at: KeyPath | Span, why: str, cure: str = "") -> None:
        if not any(isinstance(p, Unsupported) and p.at == at for p in self.problems):
            self.problems.append(Unsupported(at, why, cure))

    def error(self, at: KeyPath | Span, message: str, label: str = "", cure: str = "") -> None:
        """What cannot be left out without a graph that does something else."""
        self.failed = True
        if not any(isinstance(p, Finding) and p.labels[0].at == at for p in self.problems):
            labels = (Label(at, label, primary=True),)
            self.problems.append(Finding(message, labels, help=(cure,) if cure else (), severity=Severity.ERROR))
