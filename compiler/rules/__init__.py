"""All rules: one file each, `<area>/<name>.py` with a `RULE`. Found by walking; nothing registers itself."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmops.compiler.check.rule import Rule


def load_rules() -> tuple[Rule, ...]:
    """Every rule, sorted by code."""
    rules: list[Rule] = []
    for area in pkgutil.iter_modules(__path__):
        if not area.ispkg:
            continue
        package = importlib.import_module(f"{__name__}.{area.name}")
        for module in pkgutil.iter_modules(package.__path__):
            rules.append(importlib.import_module(f"{package.__name__}.{module.name}").RULE)
    return tuple(sorted(rules, key=lambda rule: rule.code.code))
