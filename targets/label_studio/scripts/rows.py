#!/usr/bin/env python3
"""Make rows of an export of Label Studio, as a plan says. Standard library only; run in the repository's root.

    python rows.py <dataset>.labels.json

The plan names the export (`export`), the file that is written (`out`), the labels with their types, and the columns
that were shown as text and are not. Of several answers to one row the most frequent counts.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def main(plan_file: str) -> None:
    plan = json.loads(Path(plan_file).read_text(encoding="utf-8"))
    export = Path(plan["export"])
    if not export.is_file():
        sys.exit(f"error: {export} is not there: save the export of the project under that name")
    tasks = json.loads(export.read_text(encoding="utf-8"))
    made = [row for task in tasks if (row := row_of(task, plan)) is not None]
    if not made:
        sys.exit(f"error: {export} holds no answers")
    target = Path(plan["out"])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made), encoding="utf-8")
    print(f"{target}: {len(made)} rows of {len(tasks)} tasks")


def row_of(task: Row, plan: Row) -> Row | None:
    """The row with its labels; None where one of them was not answered, or tied."""
    row = {name: restored(value, plan["types"].get(name)) for name, value in task["data"].items()}
    answers = [a.get("result") or [] for a in task.get("annotations") or [] if not a.get("was_cancelled")]
    for name, label in plan["labels"].items():
        found = [answer(result, name, label) for result in answers]
        agreed = together([one for one in found if one is not None], label["type"])
        if agreed is None:
            return None
        row[name] = agreed
        if label["type"] == "preference":
            first, second = label["between"]
            row["chosen"], row["rejected"] = (row[first], row[second]) if agreed == first else (row[second], row[first])
    return row


def restored(value: Any, kind: str | None) -> Any:
    """What was shown as text, as it was."""
    if kind is None or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value or None


def answer(result: list[Row], name: str, label: Row) -> Any:
    """What one person said; None for nothing."""
    said = [one["value"] for one in result if one.get("from_name") == name]
    kind = label["type"]
    if kind == "spans":
        return [span(value) for value in said]
    if not said:
        return None
    if kind == "choice":
        return said[0]["choices"][0]
    if kind == "choices":
        return sorted({choice for value in said for choice in value["choices"]})
    if kind == "rating":
        return said[0]["rating"]
    if kind == "text":
        return "\n".join(text for value in said for text in value["text"])
    return label["between"][0 if said[0]["selected"] == "left" else 1]


def span(value: Row) -> Row:
    labels = value.get("labels") or value.get("paragraphlabels") or []
    kept: Row = {key: value[key] for key in ("start", "end", "startOffset", "endOffset", "text") if key in value}
    return {**kept, "label": labels[0] if labels else None}


def together(found: list[Any], kind: str) -> Any:
    """The most frequent answer; of ratings the mean, of several choices each that more than half have chosen."""
    if not found:
        return None
    if kind == "rating":
        return sum(found) / len(found)
    if kind == "choices":
        counts = Counter(choice for one in found for choice in one)
        return sorted(choice for choice, count in counts.items() if 2 * count > len(found))
    if kind in ("text", "spans"):
        return found[0]
    (first, most), *others = Counter(found).most_common(2)
    return None if others and others[0][1] == most else first


if __name__ == "__main__":
    main(sys.argv[1])
