#!/usr/bin/env python3
"""Make the files of rows that a job reads, as a JSON file says. Standard library only.

    python rows.py <recipes>.json

The file holds a list of recipes: `to` is the file that is written, one row of JSON a line; `parts` are what goes into
it, in order. A part has `files` (JSON Lines, JSON or CSV, by their names) or `rows`, of which `first` says how many are
read; `split` with `splits` takes a part of them by its share, dealt by the rows' content, so that no row is in two
parts; `max_rows` takes the first ones of that; `columns` calls columns by what they mean; where parts have a `weight`,
as many of the first rows of each are taken as keep their proportion.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def main(recipes: str) -> None:
    for recipe in json.loads(Path(recipes).read_text(encoding="utf-8")):
        made = proportioned([(part.get("weight"), rows_of(part)) for part in recipe["parts"]])
        target = Path(recipe["to"])
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in made)
        target.write_text("".join(lines), encoding="utf-8")
        print(f"{target}: {len(made)} rows")
        if not made:
            raise SystemExit(f"error: {target} would hold no row")


def rows_of(part: dict[str, Any]) -> list[Row]:
    rows: list[Row] = list(part.get("rows") or ())
    for file in part.get("files") or ():
        rows.extend(read(Path(file)))
    rows = rows[: part.get("first")]
    if "split" in part:
        rows = dealt(rows, part["splits"], part["split"])
    columns = part.get("columns") or {}
    rows = [{**{k: v for k, v in row.items() if k not in columns.values()}, **named(row, columns)} for row in rows]
    return rows[: part.get("max_rows")]


def named(row: Row, columns: dict[str, str]) -> Row:
    return {meaning: row[column] for meaning, column in columns.items() if column in row}


def read(file: Path) -> list[Row]:
    text = file.read_text(encoding="utf-8-sig")
    if file.suffix == ".csv":
        return [dict(row) for row in csv.DictReader(text.splitlines(keepends=True))]
    if file.suffix == ".json":
        return list(json.loads(text))
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except ValueError:
                raise SystemExit(f"error: {file}:{number} is no JSON") from None
    return found


def dealt(rows: list[Row], splits: dict[str, float], split: str) -> list[Row]:
    """Ranked by their digests, the first shares get the first ranks; the rows keep their order."""
    before = sum(share for _, share in list(splits.items())[: list(splits).index(split)])
    ranked = sorted(range(len(rows)), key=lambda n: (digest(rows[n]), n))
    first, last = round(before * len(rows)), round((before + splits[split]) * len(rows))
    return [rows[n] for n in sorted(ranked[first:last])]


def digest(row: Row) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest()


def proportioned(parts: list[tuple[float | None, list[Row]]]) -> list[Row]:
    """All rows; with weights, as many of each as keep the proportion without taking any row twice."""
    weights = [weight for weight, _ in parts if weight is not None]
    if not weights:
        return [row for _, rows in parts for row in rows]
    shares = [(1.0 if weight is None else weight, rows) for weight, rows in parts]
    total = min(len(rows) / weight for weight, rows in shares)
    return [row for weight, rows in shares for row in rows[: round(weight * total)]]


if __name__ == "__main__":
    main(sys.argv[1])
