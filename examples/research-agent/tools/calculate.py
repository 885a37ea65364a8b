"""Sums that a model should not do in its head."""

from __future__ import annotations

import operator

_WAYS = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv}


def calculate(left: float, operation: str, right: float) -> float:
    """The result; ZeroDivisionError where `right` is 0 and something is divided by it."""
    return float(_WAYS[operation](left, right))
