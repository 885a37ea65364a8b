import re


def pick(text: str) -> dict[str, object]:
    found = re.findall(r"[A-Z]{2}-[0-9]+", text)
    return {"number": found[0] if found else "", "count": len(found)}
