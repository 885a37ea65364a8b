"""What the lowering of one environment carries along."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmops.compiler.derive.cases import problem
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.target import Lowering, Unsupported

CONSUMER = "guidellm"


@dataclass(slots=True)
class Work:
    lowering: Lowering
    problems: list[Finding | Unsupported] = field(default_factory=list)

    def unsupported(self, at: KeyPath, why: str, cure: str = "") -> None:
        if not any(isinstance(p, Unsupported) and p.at == at for p in self.problems):
            self.problems.append(Unsupported(at, why, cure))

    def error(self, at: KeyPath, message: str, label: str = "", cure: str = "") -> None:
        """What cannot be left out without changing what is measured."""
        self.told(problem(at, message, label, cure))

    def told(self, finding: Finding) -> None:
        at = finding.labels[0].at
        if not any(isinstance(p, Finding) and p.labels[0].at == at for p in self.problems):
            self.problems.append(finding)
