#!/usr/bin/env python3
"""Take the closed list of assertion types from an installed promptfoo: `targets/promptfoo/data/assertions.json`.

    python scripts/targets/promptfoo_lists.py <folder of node_modules/promptfoo>

promptfoo accepts a file with any type, and finds out when it judges the first answer.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = REPOSITORY / "targets" / "promptfoo" / "data" / "assertions.json"
LISTS = {"types": "BaseAssertionTypesSchema", "special": "SpecialAssertionTypesSchema"}
"""Types that `not-` may stand before, and those that it may not."""


def main(package: Path) -> None:
    version = json.loads((package / "package.json").read_text())["version"]
    bundles = [path.read_text() for path in sorted((package / "dist" / "src").glob("*.js"))]
    data: dict[str, object] = {"source": f"npm:promptfoo@{version}, by scripts/targets/promptfoo_lists.py"}
    for name, schema in LISTS.items():
        data[name] = sorted(found(bundles, schema))
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(data, indent=1) + "\n")


def found(bundles: list[str], schema: str) -> set[str]:
    """The members of the enumeration that the package checks its own files with."""
    pattern = re.compile(rf"const {schema} = [\w$.]+\.enum\(\[(.*?)\]\)", re.DOTALL)
    members = [match[1] for text in bundles for match in pattern.finditer(text)]
    names = {name for text in members for name in re.findall(r'"([^"]+)"', text)}
    if not names:
        raise SystemExit(f"{schema} is not in this version")
    return names


if __name__ == "__main__":
    main(Path(sys.argv[1]))
