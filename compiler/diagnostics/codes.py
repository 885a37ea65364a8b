"""Every code that a run may report, found by walking the passes and the rules."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec

from llmops.compiler.diagnostics.finding import Code

PASSES = ("load", "validate", "link", "check", "lower", "emit", "write", "cli")
_PACKAGE = "llmops.compiler"


def doc_page(code: str) -> str:
    """The page of a code, relative to the top of the llmops repository."""
    return f"docs/reference/codes/{code}.md"


@cache
def all_codes() -> tuple[Code, ...]:
    """Every code, sorted. A code that is declared twice is a bug: ValueError."""
    found: dict[str, Code] = {}
    for code in (*_of_passes(), *(code for _, code in rules())):
        if found.setdefault(code.code, code) != code:
            raise ValueError(f"{code.code} is declared twice")
    return tuple(found[name] for name in sorted(found))


def rules() -> Iterator[tuple[str, Code]]:
    """The codes of the rules, each with its area: the folder that the rule's file stands in."""
    package = importlib.import_module(f"{_PACKAGE}.rules")
    for area in pkgutil.iter_modules(package.__path__):
        if area.ispkg:
            name = f"{package.__name__}.{area.name}"
            for module in pkgutil.iter_modules(importlib.import_module(name).__path__):
                rule = getattr(importlib.import_module(f"{name}.{module.name}"), "RULE", None)
                if rule is not None:
                    yield area.name, rule.code


def _of_passes() -> Iterator[Code]:
    for name in PASSES:
        module = f"{_PACKAGE}.{name}.codes"
        if find_spec(module) is not None:
            codes: Iterable[Code] = importlib.import_module(module).CODES
            yield from codes
