"""How much of what teams write in the files of other tools has a place here: docs/coverage.md, from the schemas.

    python scripts/coverage.py          write the page
    python scripts/coverage.py --check  fail if it is not up to date

Each key of tests/coverage/keys.json names the field that holds it: `native` a typed field, `open` an open map;
`override` is left to a patch of the artifact, `none` has no place, both with the reason. Each field must exist.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from llmops.compiler.model.kinds import Shape
from llmops.schemas import load_kinds

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests/coverage/keys.json"
PAGE = ROOT / "docs/coverage.md"
HOWS = ("native", "open", "override", "none")
Row = Mapping[str, Any]


def tools() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = json.loads(DATA.read_text(encoding="utf-8"))["tools"]
    return found


def origin() -> str:
    return str(json.loads(DATA.read_text(encoding="utf-8"))["origin"])


def shape_at(field: str) -> Shape | None:
    """The shape at a path such as `gateway.routes.*.limits`; None where the schemas have none."""
    kind, *steps = field.split(".")
    kinds = load_kinds()
    found = [kinds[kind].shape] if kind in kinds else []
    for step in steps:
        found = [below for shape in found for one in shape.branches or (shape,) if (below := _below(one, step))]
    return found[0] if found else None


def _below(shape: Shape, step: str) -> Shape | None:
    if step == "*":
        return shape.additional
    return shape.items if step == "[]" else shape.properties.get(step)


def wrong(rows: Sequence[Row]) -> Iterator[str]:
    """Mappings that the schemas do not bear out."""
    for row in rows:
        if row["how"] in ("override", "none"):
            if not row.get("reason"):
                yield f"{row['key']}: no reason"
            continue
        shape = shape_at(row["field"])
        if shape is None:
            yield f"{row['key']}: there is no field {row['field']}"
        elif row["how"] == "open" and not any(one.flag("x-open") for one in (shape, *shape.branches)):
            yield f"{row['key']}: {row['field']} is no open map"


def shares(rows: Sequence[Row]) -> dict[str, float]:
    total = sum(row["files"] for row in rows)
    return {how: sum(row["files"] for row in rows if row["how"] == how) / total for how in HOWS}


def page() -> str:
    every = [row for rows in tools().values() for row in rows]
    lines = [
        "# What the language covers", "",
        "Of the keys that teams write in the files of other tools, the share that has a field here, an open map, or",
        f"only an override. Each key weighs as many times as files hold it ({origin()}).", "",
        "| tool | keys | occurrences | field | open map | override | none |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for name, rows in (*tools().items(), ("**all**", every)):
        cells = " | ".join(f"{share:.1%}" for share in shares(rows).values())
        lines.append(f"| {name} | {len(rows)} | {sum(row['files'] for row in rows)} | {cells} |")
    lines += ["", "Without a field or an open map:", ""]
    for name, rows in tools().items():
        lines += [f"- {name}: `{row['key']}` ({row['how']}): {row['reason']}" for row in rows if "reason" in row]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    text = page()
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text else f"{PAGE.name} is not up to date")
    PAGE.write_text(text, encoding="utf-8")
    for problem in wrong([row for rows in tools().values() for row in rows]):
        print(problem)
    sys.stdout.write(text)
