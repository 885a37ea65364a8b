"""Makes collections of Qdrant's, with their indexes of fields. It may run again: what is there already is looked at.

    python apply.py ADDRESS KEY NAME=COLLECTION.json …

ADDRESS and KEY are the names of environment variables, KEY `-` without one. The fields of `x.json` are in
`x.fields.json` beside it. An address that is a folder is a database of the client's own, without a server.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient, models


def connect(address: str, key: str | None) -> QdrantClient:
    if "://" in address:
        return QdrantClient(url=address, api_key=key)
    return QdrantClient(path=address)


def make(client: QdrantClient, name: str, path: Path) -> str:
    wanted = models.CreateCollection.model_validate_json(path.read_bytes())
    done = "is there already"
    if not client.collection_exists(name):
        # the client takes the body's parts by names of its own
        given: dict[str, Any] = {field: getattr(wanted, field) for field in wanted.model_fields_set}
        client.create_collection(name, vectors_config=given.pop("vectors"), **given)
        done = "is made"
    found = client.get_collection(name).config.params.vectors
    if shape(found) != shape(wanted.vectors):
        raise SystemExit(
            f"the collection {name} holds other vectors ({shape(found)}): give the index another collection, or drop it"
        )
    for field in json.loads(path.with_suffix(".fields.json").read_bytes()):
        one = models.CreateFieldIndex.model_validate(field)
        client.create_payload_index(name, one.field_name, one.field_schema)
    return done


def shape(vectors: Any) -> dict[str, tuple[int, str]]:
    named = vectors if isinstance(vectors, dict) else {"": vectors}
    return {name: (one.size, str(one.distance.value)) for name, one in named.items()}


def main(address: str, key: str, *collections: str) -> int:
    where = os.environ.get(address)
    if not where:
        print(f"{address} is not set: it must hold the server's address", file=sys.stderr)
        return 2
    client = connect(where, None if key == "-" else os.environ.get(key))
    for one in collections:
        name, _, path = one.partition("=")
        print(f"{name} {make(client, name, Path(path))}", flush=True)
    client.close()
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: apply.py ADDRESS KEY NAME=COLLECTION.json ...")
    sys.exit(main(*sys.argv[1:]))
