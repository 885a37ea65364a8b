"""Fills an index: runs a pipeline of Haystack's on the files and rows that belong to it.

    python fill.py --fetch PIPELINE.yaml
    python fill.py PIPELINE.yaml SOURCES.json

The first is needed once, where chunks are counted in tokens: it brings the embedder's tokenizer onto this machine.
The second runs in the folder from which the paths in SOURCES.json start. Chunks are written over those of the same text
and source; what no source says any more is deleted. So it may run again at any time.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from haystack import Pipeline
from haystack.core.serialization_security import allow_deserialization_module
from haystack.dataclasses import ByteStream

PARTS = "haystack_parts"
"""Our own components, which stand in the file beside this one where a pipeline has some."""


def fetch(pipeline_path: str) -> int:
    """The tokenizers that the pipeline counts with."""
    parts = import_module(PARTS)
    recipe = yaml.safe_load(Path(pipeline_path).read_text(encoding="utf-8"))
    for component in recipe["components"].values():
        if component["type"] == f"{PARTS}.TokenSplitter":
            parts.fetch(component["init_parameters"]["tokenizer"])
    return 0


def documents(source: dict[str, Any], fields: list[str]) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Name, bytes and fields of each document of a source."""
    if "rows" in source:
        yield from rows(source["name"], source["rows"], source, fields)
        return
    for path in sorted(Path().glob(source["files"])):
        if not path.is_file() or path.suffix.lower() != f".{source['extension']}":
            continue
        if "text" in source:
            yield from rows(path.as_posix(), read_rows(path), source, fields)
        else:
            yield path.as_posix(), path.read_bytes(), {}


def read_rows(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".csv":
        return list(csv.DictReader(text.splitlines()))
    if path.suffix.lower() == ".jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return list(json.loads(text))


def rows(
    name: str, found: list[dict[str, Any]], source: dict[str, Any], fields: list[str]
) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    for number, row in enumerate(found, start=1):
        text = row.get(source["text"])
        if text:
            kept = {field: row[field] for field in fields if field in row}
            yield f"{name}:{number}", str(text).encode(), kept


def main(pipeline_path: str, sources_path: str) -> int:
    recipe = Path(pipeline_path).read_text(encoding="utf-8")
    told = json.loads(Path(sources_path).read_text(encoding="utf-8"))
    inputs: dict[str, dict[str, list[Any]]] = defaultdict(lambda: {"sources": [], "meta": []})
    origins: list[str] = []
    for source in told["sources"]:
        for name, data, kept in documents(source, told["fields"]):
            # a changed recipe makes other chunks of the same file: both decide what is stale
            origin = hashlib.sha256(b"\0".join((recipe.encode(), name.encode(), data))).hexdigest()
            origins.append(origin)
            meta = {**kept, "index": told["index"], "file": name, "origin": origin}
            loader = inputs[source["loader"]]
            loader["sources"].append(ByteStream(data=data, mime_type=None, meta={"file_path": name}))
            loader["meta"].append(meta)
    if not origins:
        print("no documents were found: nothing is written, nothing deleted", file=sys.stderr)
        return 1
    allow_deserialization_module(PARTS)
    pipeline = Pipeline.loads(recipe)
    written = pipeline.run(dict(inputs))["writer"]["documents_written"]
    stale = {
        "operator": "AND",
        "conditions": [
            {"field": "meta.index", "operator": "==", "value": told["index"]},
            {"field": "meta.origin", "operator": "not in", "value": sorted(set(origins))},
        ],
    }
    deleted = pipeline.get_component("writer").document_store.delete_by_filter(stale)
    print(f"{told['index']}: {len(origins)} documents, {written} chunks written, {deleted} deleted", flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: fill.py [--fetch] PIPELINE.yaml [SOURCES.json]")
    if sys.argv[1] == "--fetch":
        sys.exit(fetch(sys.argv[2]))
    sys.exit(main(sys.argv[1], sys.argv[2]))
