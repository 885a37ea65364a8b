"""Every code that a run may report, found by walking the passes and the rules."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

from llmops.compiler.model.finding import Code

PASSES = ("load", "validate", "link", "check", "lower", "emit", "write", "cli")
_PACKAGE = "llmops.compiler"


def doc_page(code: str) -> str:
    """The page of a code, relative to the top of the llmops repository."""
    return f"docs/reference/rules/{code}.md"


@cache
def all_codes() -> tuple[Code, ...]:
    """Every code, sorted. A code that is declared twice is a bug: ValueError."""
    found: dict[str, Code] = {}
    for code in (*_of_passes(), *(code for _, code in rules())):
        if found.setdefault(code.code, code) != code:
            raise ValueError(f"{code.code} is declared twice")
    return tuple(found[name] for name in sorted(found))


def code_named(text: str) -> Code | None:
    """The code with this code or name. Imports only rules in whose text it stands, since `explain CODE` is quick."""
    codes = (*_of_passes(), *(code for _, code in rules(text)))
    return next((code for code in codes if text in (code.code, code.name)), None)


def is_rule(code: Code) -> bool:
    """Whether a rule reports it, so that it has levels and silences; all else is reported by a pass."""
    return any(found == code for _, found in rules(code.code))


def rules(word: str = "") -> Iterator[tuple[str, Code]]:
    """The codes of the rules (of those whose text has `word` in it), each with its area, the folder of its file."""
    package = importlib.import_module(f"{_PACKAGE}.rules")
    for area in pkgutil.iter_modules(package.__path__):
        if not area.ispkg:
            continue
        folder = importlib.import_module(f"{package.__name__}.{area.name}")
        for module in pkgutil.iter_modules(folder.__path__):
            name = f"{folder.__name__}.{module.name}"
            if word and name not in sys.modules and word not in _source(module):
                continue
            rule = getattr(importlib.import_module(name), "RULE", None)
            if rule is not None:
                yield area.name, rule.code


def _source(module: pkgutil.ModuleInfo) -> str:
    spec = module.module_finder.find_spec(module.name, None)
    get_source = getattr(spec.loader, "get_source", None) if spec else None
    return (get_source(module.name) or "") if get_source else ""


def _of_passes() -> Iterator[Code]:
    folder = importlib.import_module(_PACKAGE).__path__[0]
    for name in PASSES:
        codes: Iterable[Code] = _module(name, folder).CODES
        yield from codes


def _module(name: str, folder: str) -> Any:
    """A pass's codes alone: importing its package first would bring the libraries that the pass works with."""
    full = f"{_PACKAGE}.{name}.codes"
    if full in sys.modules:
        return sys.modules[full]
    spec = PathFinder.find_spec("codes", [f"{folder}/{name}"])
    if spec is None or spec.loader is None:
        raise ImportError(full)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
