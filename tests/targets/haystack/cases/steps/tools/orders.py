def status(order: str) -> str:
    return f"order {order} is on its way"
