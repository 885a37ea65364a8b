"""promptfoo's own closed lists, taken from its package by `scripts/targets/promptfoo_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best


@cache
def assertion_types() -> frozenset[str]:
    """What an assertion's `type` may be, `not-…` and sets of assertions included."""
    data: Mapping[str, Any] = json.loads(files(__package__).joinpath("data", "assertions.json").read_bytes())
    plain = data["types"]
    return frozenset([*plain, *(f"not-{name}" for name in plain), *data["special"], "assert-set"])


def check(path: str, data: Any) -> Iterator[str]:
    """Types of assertions that promptfoo would stumble over at the first answer."""
    if not path.endswith(".yaml") or not isinstance(data, dict):
        return
    shared = data.get("defaultTest")
    tests = data.get("tests")
    for row in [shared, *(tests if isinstance(tests, list) else [])]:
        if isinstance(row, dict):
            yield from _types(row.get("assert"))


def _types(assertions: Any) -> Iterator[str]:
    for assertion in assertions if isinstance(assertions, list) else []:
        if not isinstance(assertion, dict):
            continue
        kind = assertion.get("type")
        if isinstance(kind, str) and kind not in assertion_types():
            near = best(kind, assertion_types())
            yield f"there is no assertion of type `{kind}`" + (f"; did you mean `{near}`?" if near else "")
        yield from _types(assertion.get("assert"))
