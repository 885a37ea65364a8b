"""The functions of a shop."""

import os
import time


def refund(order: str, amount: float | None = None) -> dict[str, object]:
    print("a line that is no message of the protocol")
    return {"status": "started", "order": order, "amount": amount, "key": os.environ["SHOP_KEY"][:4]}


class orders:  # noqa: N801
    @staticmethod
    async def status(order: str) -> str:
        return "sent" if order != "AB000000" else "lost"


def wait(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


def broken(text: str) -> str:
    raise ValueError(f"a detail that callers must not see: {text}")
