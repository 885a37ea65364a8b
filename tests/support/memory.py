"""A repository in memory, for tests that compile without a disk."""

from __future__ import annotations

from collections.abc import Mapping


class Memory:
    """`Files` over a map from path to text or bytes."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self.files = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def list(self, folder: str) -> tuple[str, ...]:
        prefix = "" if folder in (".", "") else folder.rstrip("/") + "/"
        names = set()
        for path in self.files:
            if path.startswith(prefix):
                name, slash, _ = path[len(prefix):].partition("/")
                names.add(name + slash)
        return tuple(sorted(names))
