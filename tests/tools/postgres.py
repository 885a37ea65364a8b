"""A real PostgreSQL with pgvector for tests: no service of the machine, no port, gone when the test ends."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.toolbox import clean_environment, end_group, tool_python


class DatabaseError(Exception):
    """What PostgreSQL answered to a statement that it refuses."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server. It listens on a socket in `folder` alone."""

    folder: str
    process: subprocess.Popen[bytes]

    def uri(self, database: str = "postgres") -> str:
        """What libpq and everything above it connects with."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def sql(self, text: str, database: str = "postgres") -> list[list[Any]]:
        """The rows that statements give; `DatabaseError` with the server's words where it refuses them."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"database": database, "sql": text}).encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise DatabaseError(answer["error"])
        rows: list[list[Any]] = answer["rows"]
        return rows

    def database(self, name: str) -> str:
        """A new empty database; its URI."""
        self.sql(f'CREATE DATABASE "{name}"')
        return self.uri(name)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A server in a temporary folder (of a short name: the path of a socket has a limit)."""
    python = tool_python("retrieval")
    with tempfile.TemporaryDirectory(prefix="llmops-pg-") as folder:
        process = subprocess.Popen(
            [str(python), str(Path(__file__).with_name("pg_server.py")), f"{folder}/data"],
            env=clean_environment(Path(folder)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdin is not None
            where = process.stdout.readline().decode().strip()
            if not where:
                raise RuntimeError(f"PostgreSQL did not start; its starter ended with {process.wait()}")
            yield Postgres(where, process)
            process.stdin.close()
            process.wait(30)
        finally:
            end_group(process)
