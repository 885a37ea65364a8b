"""Second pass: each resource against its kind's schema, with messages of ours; the schema's defaults are filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.model.finding import Code, Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.kinds import Kind
from llmops.compiler.model.project import Composed, Resource
from llmops.compiler.validate import same
from llmops.compiler.validate.resources import ENVIRONMENT, Options, check_environment, check_tree

__all__ = ["Validated", "same_everywhere", "validate"]


@dataclass(frozen=True, slots=True)
class Validated:
    """One environment's resources in the config's order, with defaults; broken ones are kept, and marked."""

    resources: Mapping[Address, Resource]
    environment: Resource
    findings: tuple[tuple[Code, Finding], ...] = ()


def validate(
    composed: Composed, kinds: Mapping[str, Kind[Any]], options: Options, targets: tuple[str, ...] = ()
) -> Validated:
    """`options` gives the JSON Schema of a target's options, or None for a name that is no target; `targets` are the
    names that are near to a misspelt one.
    """
    findings: list[tuple[Code, Finding]] = []
    resources = {r.address: r for r in check_tree(composed, kinds, options, findings, targets)}
    environment = check_environment(composed, kinds[ENVIRONMENT], findings)
    return Validated(resources, environment, tuple(findings))


def same_everywhere(validated: Mapping[str, Validated]) -> Iterator[tuple[str, Code, Finding]]:
    """What must be the same in all environments and is not, each with the environment that its places are in."""
    return same.same_everywhere({env: valid.resources for env, valid in validated.items()})
