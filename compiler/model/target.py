"""What a target is: one folder that turns resources into the files of one tool."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from llmops.compiler.model.artifact import Artifact
from llmops.compiler.model.finding import Finding, Label
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.sources import Span
from llmops.compiler.model.view import Node, Reader, View

if TYPE_CHECKING:
    from llmops.compiler.facts import Facts

E = TypeVar("E")


class Refusal(ValueError):
    """Raised by an escape: this text cannot be written safely in the target's language. The message says why."""


class Lowering(Protocol):
    """What a target sees while it lowers one environment (or, in project scope, all of them)."""

    @property
    def reader(self) -> Reader:
        """The environment; in project scope the first that selects the target."""

    @property
    def readers(self) -> Mapping[str, Reader]:
        """All environments, for targets of project scope."""

    @property
    def options(self) -> Node | None:
        """The resource `target.<name>`, if there is one."""

    @property
    def folder(self) -> str:
        """Where the target's artifacts stand, relative to the repository: `generated/prod/vllm`."""

    @property
    def shared_folder(self) -> str:
        """Where its artifacts stand that are the same in every environment: `generated/project/vllm`."""

    @property
    def root(self) -> str:
        """The project's folder, relative to the repository; `.` for its top."""

    @property
    def facts(self) -> Facts:
        """The catalogue."""

    def ask(
        self, kind: type[E], resource: View[Any], near: str | None = None, of: str | None = None
    ) -> E | None:
        """A fact that the target in charge of a resource declares, such as its `Endpoint`.

        `near` is the platform from which the answer is used (`compose`: inside that network); None is the host that
        runs the workflow. `of` is the target whose answer alone counts, where a config names it: one that stands
        before a flow and the one that runs it both serve the flow. None is returned where no target answers.
        """


Export = Callable[[Lowering, View[Any], str | None], Any]
"""Answers `ask` for one resource, or returns None if the target is not in charge of it."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A field that the target cannot express: reported, never dropped silently."""

    at: KeyPath | Span
    why: str
    help: str = ""

    def finding(self, target: str) -> Finding:
        return Finding(
            f"{target} cannot express this: {self.why}",
            (Label(self.at, "has no effect there", primary=True),),
            help=(self.help,) if self.help else (),
        )


@dataclass(frozen=True, slots=True)
class Target:
    """A target. `lower` yields artifacts and what it cannot express; it is pure.

    `exports` answer questions of other targets; they are the only channel between targets. `escape` makes a text from
    a config harmless in the target's language (Actions' `${{ }}`, compose's `$`) or raises `Refusal`; it is applied to
    every sourced text that is not `raw`. `places` are the roots outside `generated/` at which it may write. `order`
    decides who answers first when two could: platforms (10) before engines (20).
    """

    name: str
    title: str
    since: str
    lower: Callable[[Lowering], Iterable[Artifact | Unsupported | Finding]]
    version: str = "1"
    scope: str = "environment"
    exports: Mapping[type, Export] = field(default_factory=dict)
    escape: Callable[[str], str] = str
    places: tuple[str, ...] = ()
    order: int = 20
    check: Callable[[str, Any], Iterable[str]] | None = None
    """`(artifact path, its data) -> complaints`: the tool's own closed lists, checked after `overrides`."""


__all__ = ["Address", "Export", "Lowering", "Refusal", "Target", "Unsupported"]
