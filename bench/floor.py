"""The floor of a compile: read and parse the same input bytes with the fastest parser at hand, write the same output
bytes, and nothing else. `floor.py PROJECT OUTPUT` copies what a compile wrote to OUTPUT into a folder beside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import yaml_rs


def main(project: str, compiled: str) -> None:
    for folder, _, names in os.walk(Path(project) / "conf"):
        for name in names:
            with open(f"{folder}/{name}", encoding="utf-8") as file:  # noqa: PTH123 - the fastest way is the point
                yaml_rs.loads(file.read())
    target = compiled.rstrip("/") + ".floor"
    for folder, _, names in os.walk(compiled):
        below = folder[len(compiled):]
        os.makedirs(target + below, exist_ok=True)  # noqa: PTH103
        for name in names:
            with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123
                data = file.read()
            handle = os.open(f"{target}{below}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.write(handle, data)
            os.close(handle)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
