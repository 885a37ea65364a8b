"""The functions of a shop."""


def refund(order: str, amount: float | None = None) -> str:
    return f"refund of {order} started"


def status(order: str) -> str:
    return f"{order} was sent"
