"""What a rule is: a documented code and a function that looks at one environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from llmops.compiler.model.finding import Code, Finding
from llmops.compiler.model.sources import Sources
from llmops.compiler.model.view import Reader

if TYPE_CHECKING:
    from llmops.compiler.facts import Facts


@dataclass(frozen=True, slots=True)
class Scope:
    """What a rule sees: its environment, the others behind it, the catalogue, and the date to judge by.

    `as_of` is None where no date was given: what depends on time is then silent.
    """

    reader: Reader
    facts: Facts
    environments: Mapping[str, Reader]
    as_of: date | None = None
    sources: Sources = field(default_factory=dict)
    """The config files as they were read."""

    @property
    def production(self) -> bool:
        return self.reader.project.production


@dataclass(frozen=True, slots=True)
class Rule:
    """A check that no single file shows. `check` yields findings with symbolic places, and says nothing of levels.

    A finding with `unknown=True` says that a fact is missing: it is counted, and never an error.
    """

    code: Code
    check: Callable[[Scope], Iterable[Finding]]

    @property
    def name(self) -> str:
        return self.code.name
