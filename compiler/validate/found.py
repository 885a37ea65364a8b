"""What a problem becomes: a code and a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.model.finding import Code, Finding, Fix, Label
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.kinds import Shape
from llmops.compiler.validate.explain import Problem
from llmops.compiler.validate.words import plain, quoted

FEW = 8
"""So many fields or values are listed; of more, the nearest are named."""
Found = tuple[Code, Finding]


@dataclass(frozen=True, slots=True)
class Whole:
    """The resource that a problem is in: where it starts, and its shape."""

    path: KeyPath
    shape: Shape
    tree: Mapping[str, Any] = field(default_factory=dict)
    """All that the environment selects, for what a reference was likely meant to be."""


def found_at(
    code: Code, problem: Problem, message: str, label: str, *cures: str | None, key_only: bool = False,
    expected: str | None = None, more: tuple[Label, ...] = (), fixes: tuple[Fix, ...] = (),
) -> Found:
    value = problem.value
    hidden = isinstance(value, str) and quoted(value, problem.shape) is None
    shown = None if hidden or key_only or isinstance(value, (Mapping, list, tuple)) else plain(value)
    return code, Finding(
        message, (Label(problem.path, label, primary=True, key_only=key_only and not hidden), *more),
        help=tuple(line for line in cures if line), expected=expected, found=shown, fixes=fixes, secret=hidden,
    )
