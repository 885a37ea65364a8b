"""What the lowering of one environment carries along: what it was asked, and the problems that it meets."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sources import Span
from llmops.compiler.model.target import Lowering, Unsupported

CONSUMER = "langgraph"


@dataclass(slots=True)
class Work:
    lowering: Lowering
    problems: list[Finding | Unsupported] = field(default_factory=list)
    failed: bool = False

    def unsupported(self, at: KeyPath | Span, why: str, cure: str = "") -> None:
        if not any(isinstance(p, Unsupported) and p.at == at for p in self.problems):
            self.problems.append(Unsupported(at, why, cure))

    def error(self, at: KeyPath | Span, message: str, label: str = "", cure: str = "") -> None:
        """What cannot be left out without a graph that does something else."""
        self.failed = True
        if not any(isinstance(p, Finding) and p.labels[0].at == at for p in self.problems):
            labels = (Label(at, label, primary=True),)
            self.problems.append(Finding(message, labels, help=(cure,) if cure else (), severity=Severity.ERROR))
