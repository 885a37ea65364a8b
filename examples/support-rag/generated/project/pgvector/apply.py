"""Runs SQL files in one transaction each, on the database that an environment variable names.

    python apply.py VARIABLE FILE.sql …
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psycopg


def main(variable: str, *paths: str) -> int:
    where = os.environ.get(variable)
    if not where:
        print(f"{variable} is not set: it must hold the connection string", file=sys.stderr)
        return 2
    with psycopg.connect(where) as connection:
        for path in paths:
            try:
                with connection.transaction():
                    connection.execute(Path(path).read_bytes())
            except psycopg.Error as error:
                print(f"{path}: {error}", file=sys.stderr)
                return 1
            print(f"{path}: done", flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: apply.py VARIABLE FILE.sql ...")
    sys.exit(main(*sys.argv[1:]))
