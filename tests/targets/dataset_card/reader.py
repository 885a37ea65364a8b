"""Run by a Python with huggingface_hub: what it reads in each card, or why it reads none.

    python reader.py FILE …
"""

from __future__ import annotations

import json
import sys
from typing import Any


def read(path: str) -> dict[str, Any]:
    from huggingface_hub import DatasetCard

    try:
        card = DatasetCard.load(path, ignore_metadata_errors=False)
    except Exception as error:
        return {"error": str(error).splitlines()[0]}
    return {"data": card.data.to_dict(), "begins": card.text.strip().splitlines()[1]}


if __name__ == "__main__":
    print(json.dumps({path: read(path) for path in sys.argv[1:]}, ensure_ascii=False))
