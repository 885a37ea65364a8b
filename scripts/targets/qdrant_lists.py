#!/usr/bin/env python3
"""Take the closed lists of Qdrant's collections from its client: `targets/qdrant/data/lists.json`.

    <environment>/bin/python scripts/targets/qdrant_lists.py

Run it with the Python of an environment that holds `qdrant-client`, whose models are made from the server's own API.
"""

from __future__ import annotations

import json
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[2] / "targets" / "qdrant" / "data" / "lists.json"
SHAPES = {
    "collection": "CreateCollection", "vector": "VectorParams", "graph": "HnswConfigDiff",
    "scalar": "ScalarQuantizationConfig", "binary": "BinaryQuantizationConfig", "product": "ProductQuantizationConfig",
    "index": "CreateFieldIndex", "keyword": "KeywordIndexParams", "text": "TextIndexParams",
}
WORDS = {
    "distances": "Distance", "numbers": "Datatype", "fields": "PayloadSchemaType", "languages": "SnowballLanguage",
    "tokenizers": "TokenizerType", "ratios": "CompressionRatio",
}


def main() -> None:
    models: Any = import_module("qdrant_client.models")
    found: dict[str, Any] = {
        "source": f"pypi:qdrant-client=={version('qdrant-client')}, by scripts/targets/qdrant_lists.py",
        "as_of": "2026-11-24",
        "keys": {name: list(getattr(models, shape).model_fields) for name, shape in SHAPES.items()},
        "words": {name: [one.value for one in getattr(models, words)] for name, words in WORDS.items()},
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
