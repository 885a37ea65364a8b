"""What every part of the target works with: the pipeline, the target's options, and what it cannot express."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.model.exports import Variable
from llmops.compiler.model.sourced import Remark, Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import SECRET
from llmops.targets.github_actions.words import is_label, is_variable

TARGET = "github-actions"
RUNNER, PYTHON, NODE = "ubuntu-24.04", "3.11", "24"


@dataclass(slots=True)
class Work:
    """One pipeline while it becomes a workflow. `problems` gathers what has no effect."""

    lowering: Lowering
    pipeline: View[Any]
    problems: list[Unsupported] = field(default_factory=list)

    @property
    def name(self) -> Sourced[str]:
        """The workflow's name, and its file's: unique in the repository, so that projects can share it."""
        return self.called(self.pipeline.address.name)

    def called(self, pipeline: str) -> Sourced[str]:
        """The name of a pipeline's workflow."""
        prefix = self.option("prefix") or literal("llmops")
        return Sourced(f"{prefix.value}-{self.lowering.reader.project.name}-{pipeline}", prefix.sources, raw=True)

    def option(self, *keys: str) -> Sourced[str] | None:
        """A text of conf/target/github-actions.yaml."""
        return self.lowering.options.maybe_text(*keys) if self.lowering.options else None

    @property
    def runner(self) -> Sourced[str]:
        for chosen in (self.pipeline.maybe_text("runner"), self.option("runner")):
            if chosen is not None and is_label(chosen.value):
                return chosen
        return literal(RUNNER)

    def check_runner(self) -> None:
        """Say once that a runner's name is none."""
        for place in (self.pipeline, self.options):
            chosen = place.maybe_text("runner") if place is not None else None
            if place is not None and chosen is not None and not is_label(chosen.value):
                self.cannot(place, ("runner",), "a runner is called by letters, digits, `.`, `_` and `-`")

    @property
    def options(self) -> Node | None:
        return self.lowering.options

    def action(self, name: str) -> Remark:
        """A pinned action: 40 hex digits, its version behind `#`."""
        pin = self.lowering.facts.action(name)
        if pin is None:
            raise LookupError(f"the catalogue pins no {name}")
        return Remark(f"{name}@{pin.commit}", pin.tag)

    def pinned(self, name: str) -> bool:
        return self.lowering.facts.action(name) is not None

    def in_project(self, path: str) -> str:
        """A path of the project, relative to the repository."""
        return path if self.lowering.root == "." else f"{self.lowering.root}/{path}"

    def triggered_by(self, *events: str) -> bool:
        return any(self.pipeline.has("triggers", event) for event in events)

    def cannot(self, node: Node, keys: tuple[str | int, ...], why: str, cure: str = "") -> None:
        self.problems.append(Unsupported(node.at(*keys), why, cure))

    def stored(self, variable: Variable, reader: Reader) -> Sourced[str]:
        """The expression that gives a variable its value: from Actions' secrets, or its plain variables."""
        if variable.secret is None:
            return variable.name.express(lambda name: _expression("vars", name))
        secret = reader.get(SECRET, variable.secret.name)
        place = secret.maybe_text("stores", TARGET, "name") if secret is not None else None
        if secret is None or place is None:
            return variable.name.express(lambda name: _expression("secrets", name))
        if not is_variable(place.value):
            self.cannot(secret, ("stores", TARGET, "name"), "the name of a secret is letters, digits and `_`")
            return variable.name.express(lambda name: _expression("secrets", name))
        return place.express(lambda name: _expression("secrets", name))


def _expression(store: str, name: str) -> str:
    # A name that is no name never gets here: the schema and `is_variable` have looked at it.
    return f"${{{{ {store}.{name} }}}}"
