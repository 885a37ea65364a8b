"""Run by the Python of the validator: what `mlcroissant` says of each description, and the rows that it reads.

    python reader.py FILE …

Prints one JSON document: of each file its errors, and the rows of each record set, or why they cannot be read.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any


def plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {key.rpartition("/")[2]: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value


def cause(error: BaseException) -> str:
    """What the first of a chain of errors says."""
    return str(error) if error.__cause__ is None else cause(error.__cause__)


def read(path: str) -> dict[str, Any]:
    import mlcroissant

    try:
        dataset = mlcroissant.Dataset(jsonld=path)
    except Exception as error:
        return {"errors": str(error)}
    rows: dict[str, Any] = {}
    for found in dataset.metadata.record_sets:
        try:
            rows[found.id] = [plain(record) for record in dataset.records(found.id)]
        except Exception as error:
            rows[found.id] = cause(error)
    return {"errors": "", "warnings": sorted(dataset.metadata.ctx.issues.warnings), "rows": rows}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps({path: read(path) for path in sys.argv[1:]}, ensure_ascii=False))
