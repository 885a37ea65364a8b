"""Rows as promptfoo's tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive import cases as derived
from llmops.compiler.derive.cases import Case
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node
from llmops.targets.promptfoo.escapes import variable
from llmops.targets.promptfoo.work import Work


def cases(work: Work, holder: Node, field: str) -> list[Case]:
    """What `rows` of an eval, or `examples` of a prompt, hold."""
    found, problems = derived.cases(work.lowering, holder, field)
    work.told(problems)
    return found


def variables(work: Work, case: Case) -> dict[str, Any]:
    """A row's variables as promptfoo is to read them: put in without being rendered."""
    return {str(name): value for name, value in work.tree(case.vars, variable(case.vars)).items()}


def holds_lists(found: list[Case]) -> bool:
    """Whether promptfoo would make several cases of a row, one for each item of a list."""
    return any(_is_list(value) for case in found for value in case.vars.values())


def _is_list(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, Sourced) and _is_list(value.value))


def described(work: Work, case: Case) -> Iterator[tuple[str, Any]]:
    for field in ("description", "metadata"):
        value = work.tree(case.node.tree(field)) if case.node is not None else None
        if value is not None:
            yield field, value


__all__ = ["Case", "cases", "described", "holds_lists", "variables"]
