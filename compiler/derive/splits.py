"""The rows of one part of a dataset, the same in every run and for everyone who asks."""

from __future__ import annotations

import hashlib
import json
import posixpath
from typing import Any

from llmops.compiler.derive.rows import Row
from llmops.compiler.model.view import View


def part(dataset: View[Any], rows: list[Row], split: str) -> list[Row] | None:
    """The rows of a split in their own order; None where the dataset has no such split, or no file of it can be seen.

    Shares are dealt by the rows' content: ranked by their digests, the first shares get the first ranks. So the parts
    do not overlap, keep to their shares, and hardly change when rows are added or change their order.
    """
    splits = dataset.value.get("splits") or {}
    if split not in splits:
        return None
    dataset.has("splits", split)
    wanted = splits[split]
    if isinstance(wanted, str):
        found = [row for row in rows if row.file and wanted in (row.file, *_names(row.file))]
        return found or None
    before = 0.0
    for name, share in splits.items():
        if name == split:
            break
        before += share if isinstance(share, int | float) else 0
    ranked = sorted(range(len(rows)), key=lambda n: (_digest(rows[n]), n))
    first, last = round(before * len(rows)), round((before + wanted) * len(rows))
    return [rows[n] for n in sorted(ranked[first:last])]


def _names(file: str) -> tuple[str, str]:
    name = posixpath.basename(file)
    return name, name.partition(".")[0]


def _digest(row: Row) -> str:
    return hashlib.sha256(json.dumps(row.vars, sort_keys=True, default=str).encode()).hexdigest()
