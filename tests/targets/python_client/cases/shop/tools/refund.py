def refund(order: str, amount: float = 0) -> str:
    return f"{order}: {amount}"
