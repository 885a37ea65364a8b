"""Presidio's own closed lists, taken from its packages by `scripts/targets/presidio_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import nearest


@cache
def data() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "lists.json").read_bytes()))


@cache
def recognizers() -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    """The recognizers of patterns and checksums, by what they find."""
    found: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for row in data()["recognizers"]:
        for entity in row["entities"]:
            found[entity] = (*found.get(entity, ()), row)
    return found


@cache
def entities() -> frozenset[str]:
    """All that can be found: by patterns, and by a model of names."""
    return frozenset(recognizers()) | frozenset(data()["named_entities"])


@cache
def version() -> str:
    """The release that the target's lock installs."""
    text = files(__package__).joinpath("lock", "requirements.in").read_text()
    return next(line.partition("==")[2].strip() for line in text.splitlines() if line.startswith("presidio-analyzer"))


def check(path: str, found: Any) -> Iterator[str]:
    """What Presidio would pass over, so that nothing of it were found."""
    if not isinstance(found, dict):
        return
    if path.endswith(".analyzer.yaml"):
        yield from _unknown("the analyser", found, data()["analyzer_keys"])
        registry = found.get("recognizer_registry")
        for one in registry.get("recognizers") or () if isinstance(registry, dict) else ():
            if isinstance(one, dict):
                yield from _unknown(f"recognizer `{one.get('name')}`", one, data()["recognizer_keys"])
                yield from _entity(one.get("supported_entities"), one)
    elif path.endswith(".json"):
        yield from _unknown("the guardrail", found, KEYS)
        for entity, operator in (found.get("operators") or {}).items():
            name = operator.get("type") if isinstance(operator, dict) else operator
            if name not in data()["operators"]:
                yield f"there is no operator `{name}` for `{entity}`{close(str(name), data()['operators'])}"


KEYS = ("action", "entities", "languages", "threshold", "message", "operators", "allow_list")
"""Of the file that `guard.py` reads."""


def _entity(named: Any, recognizer: Mapping[str, Any]) -> Iterator[str]:
    if recognizer.get("type") == "custom":
        return
    for entity in named or ():
        if entity not in entities():
            yield f"nothing finds `{entity}`{close(str(entity), entities())}"


def _unknown(where: str, found: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in found:
        if name not in names:
            yield f"{where} has no key `{name}`{close(name, names)}"


def close(name: str, names: Iterable[str]) -> str:
    found = nearest(str(name), sorted(names))
    return f"; did you mean `{found[0]}`?" if found else ""
