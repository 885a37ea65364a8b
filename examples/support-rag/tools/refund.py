"""The refund desk: writes down what a person has to agree to."""

from __future__ import annotations


def start_refund(order: str, amount: float) -> dict[str, object]:
    """Take a refund down; a person pays it out."""
    return {"order": order, "amount": amount, "status": "waits for a person"}
