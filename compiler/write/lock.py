"""llmops.lock: what the last compile wrote. Reading forgives everything; writing is the same on every machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from llmops.compiler.model.artifact import Lock, LockEntry
from llmops.compiler.model.finding import Diagnostic, Outcome, diagnose
from llmops.compiler.model.sources import Span

from . import codes
from .paths import LOCK_NAME, is_normal

MAX_LINES = 1_000_000
_MARKER = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?: .*)?$")
_SHA256 = re.compile(r"[0-9a-f]{64}$")
_MAX_REPORTED = 5

EMPTY = Lock("", MappingProxyType({}), MappingProxyType({}))


def parse_lock(data: bytes | None, path: str = LOCK_NAME) -> Outcome[Lock]:
    """The lock in these bytes; `None` for no file. Lines that cannot be read are reported and taken for unknown.

    After a merge, both sides of a conflict count: `entries` then hold what either side wrote. Two lines for one path
    (a union merge) mean the same.
    """
    if not data:
        return Outcome(EMPTY)
    compiler, targets = "", dict[str, str]()
    entries: dict[str, dict[str, LockEntry]] = {}
    corrupt: list[tuple[int, str]] = []
    conflicted = False
    lines = data.decode("utf-8", errors="replace").split("\n")
    for number, line in _sides(lines[:MAX_LINES]):
        if not number:
            conflicted = True
            continue
        row = _row(line)
        if row is None:
            corrupt.append((number, line))
        elif "path" not in row:
            compiler = max(compiler, str(row.get("compiler", "")))
            if isinstance(row.get("targets"), dict):
                targets |= {str(name): str(version) for name, version in row["targets"].items()}
        elif entry := _entry(row):
            conflicted |= entry.path in entries
            entries.setdefault(entry.path, {})[entry.sha256] = entry
        else:
            corrupt.append((number, line))
    if len(lines) > MAX_LINES:
        corrupt.append((MAX_LINES, lines[MAX_LINES - 1]))
    lock = Lock(
        compiler,
        MappingProxyType(targets),
        MappingProxyType({path: tuple(found.values()) for path, found in entries.items()}),
        conflicted,
    )
    return Outcome(lock, tuple(_complaints(path, corrupt)))


def format_lock(compiler: str, targets: Mapping[str, str], entries: Iterable[LockEntry]) -> bytes:
    """The bytes of a lock: one line for the versions, then one for each artifact, sorted by path."""
    head = {"schema": 1, "compiler": compiler, "targets": dict(sorted(targets.items()))}
    rows = (
        {"path": e.path, "sha256": e.sha256, "target": e.target, "scope": e.scope, "resources": list(e.resources)}
        for e in sorted(entries, key=lambda e: (e.path, e.sha256))
    )
    encode = json.JSONEncoder(separators=(",", ":")).encode
    return "".join(f"{encode(row)}\n" for row in (head, *rows)).encode("ascii")


def _sides(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, without git's markers and the common ancestor that diff3 shows; 0 is a marker."""
    ancestor = False
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\r")
        if marker := _MARKER.match(line):
            ancestor = marker[1][0] == "|"
            yield 0, line
        elif line.strip() and not ancestor:
            yield number, line


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _entry(row: dict[str, Any]) -> LockEntry | None:
    path, digest, target, scope, resources = (
        row.get(key) for key in ("path", "sha256", "target", "scope", "resources")
    )
    if not (isinstance(path, str) and is_normal(path) and isinstance(digest, str) and _SHA256.match(digest)):
        return None
    if not (isinstance(target, str) and isinstance(scope, str) and isinstance(resources, list)):
        return None
    return LockEntry(path, digest, target, scope, tuple(str(name) for name in resources))


def _complaints(path: str, corrupt: list[tuple[int, str]]) -> Iterator[Diagnostic]:
    for number, line in corrupt[:_MAX_REPORTED]:
        more = len(corrupt) - _MAX_REPORTED if number == corrupt[:_MAX_REPORTED][-1][0] else 0
        yield diagnose(
            codes.CORRUPT_LOCK,
            f"line {number} of `{path}` cannot be read",
            Span(path, number, 1, number, max(2, len(line) + 1)),
            "taken for unknown",
            notes=(f"{more} more lines cannot be read",) if more > 0 else (),
            help=("compile, which writes it anew; a file that it no longer knows may need `--force`",),
        )
