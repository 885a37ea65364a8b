"""Steps of the project's own."""


def facts(order: str, where: str | None = None) -> dict[str, list[str]]:
    return {"list": [f"order {order}", *([where] if where else [])]}


async def fragile(order: str) -> dict[str, str]:
    if order.startswith("XX"):
        raise ValueError(order)
    return {"text": "fine"}


def sorry(order: str) -> dict[str, str]:
    return {"text": f"sorry for {order}"}
