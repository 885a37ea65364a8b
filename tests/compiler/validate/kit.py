"""Validate a snippet of a composed config, and show findings as plain tuples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from llmops.compiler.model.finding import Code, Finding
from llmops.compiler.model.keys import Address, KeyPath, dotted
from llmops.compiler.model.project import Composed
from llmops.compiler.validate import Validated, validate
from llmops.schemas import load_kinds

Row = tuple[str, str, str, tuple[str, ...]]


class NoHistory:
    """Validation finds key paths; who wrote what is nothing to it."""

    def writes(self, path: KeyPath) -> tuple[()]:
        raise AssertionError("validate does not ask for the history")

    key = through = writes


def run(
    tree: str | Mapping[str, Any],
    options: Callable[[str], Mapping[str, Any] | None] = {}.get,
    broken: frozenset[Address] = frozenset(),
    env: str = "dev",
) -> Validated:
    data = yaml.safe_load(tree) if isinstance(tree, str) else tree
    return validate(Composed(env, data, NoHistory(), broken), load_kinds(), options)


def row(code: Code, finding: Finding) -> Row:
    primary = next(label for label in finding.labels if label.primary)
    assert not hasattr(primary.at, "line")
    return code.code, dotted(primary.at), finding.message, finding.help  # type: ignore[arg-type]


def rows(validated: Validated) -> list[Row]:
    return [row(code, finding) for code, finding in validated.findings]
