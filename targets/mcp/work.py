"""What the lowering of one environment carries along: what it was asked, and the problems that it meets."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmops.compiler.derive.secrets import variable
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import Span
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import Node

CONSUMER = "mcp"


@dataclass(slots=True)
class Work:
    lowering: Lowering
    problems: list[Finding | Unsupported] = field(default_factory=list)

    def unsupported(self, at: KeyPath | Span, why: str, cure: str = "") -> None:
        if not any(isinstance(p, Unsupported) and p.at == at for p in self.problems):
            self.problems.append(Unsupported(at, why, cure))

    def error(self, at: KeyPath | Span, message: str, label: str = "", cure: str = "") -> None:
        """What cannot be left out without a file that does something else."""
        if not any(isinstance(p, Finding) and p.labels[0].at == at for p in self.problems):
            labels = (Label(at, label, primary=True),)
            self.problems.append(Finding(message, labels, help=(cure,) if cure else (), severity=Severity.ERROR))

    @property
    def python(self) -> Sourced[str]:
        """The interpreter that runs the server."""
        chosen = None if self.lowering.options is None else self.lowering.options.maybe_text("python")
        return chosen or literal("python")

    @property
    def http(self) -> Node | None:
        """The options of a server that listens; None for one that each client starts."""
        return None if self.lowering.options is None else self.lowering.options.node("http")

    @property
    def key(self) -> Variable | None:
        """What the clients of a server that listens must show."""
        secret = None if self.http is None else self.http.ref("secret")
        if self.http is None or secret is None:
            return None
        return Variable(variable(secret, CONSUMER).because(self.http.ref_name("secret")), secret.address)
