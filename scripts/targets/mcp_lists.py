#!/usr/bin/env python3
"""Take the protocol's closed lists of what a tool is told as: `targets/mcp/data/protocol.json`.

    <environment>/bin/python scripts/targets/mcp_lists.py

Run it with the Python of an environment that holds `mcp` in the version of the target's lock: its types take unknown
keys without a word.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "targets" / "mcp" / "data" / "protocol.json"


def main() -> None:
    import mcp_types

    def keys(model: type) -> list[str]:
        fields = model.model_fields  # type: ignore[attr-defined]
        return sorted(field.serialization_alias or field.alias or name for name, field in fields.items())

    lists = {
        "source": f"pypi:mcp=={version('mcp')}, by scripts/targets/mcp_lists.py",
        "tool": keys(mcp_types.Tool),
        "annotations": keys(mcp_types.ToolAnnotations),
    }
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


if __name__ == "__main__":
    main()
