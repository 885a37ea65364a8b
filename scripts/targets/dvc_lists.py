#!/usr/bin/env python3
"""Take the closed lists of dvc.yaml from the installed DVC: `targets/dvc/data/keys.json`.

    <environment>/bin/python scripts/targets/dvc_lists.py

Run it with the Python of an environment that holds `dvc` in the version of the target's lock.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[2] / "targets" / "dvc" / "data" / "keys.json"


def main() -> None:
    from dvc import schema

    def keys(mapping: Any) -> list[str]:
        return sorted(str(getattr(key, "schema", key)) for key in mapping)

    lists = {
        "source": f"pypi:dvc=={version('dvc')}#dvc/schema.py, by scripts/targets/dvc_lists.py",
        "file": keys(schema.MULTI_STAGE_SCHEMA),
        "stage": keys(schema.STAGE_DEFINITION),
        "foreach": keys(schema.FOREACH_IN),
        "output": keys(schema.OUT_PSTAGE_DETAILED_SCHEMA[str]),
        "plot": keys(schema.PLOT_PROPS_SCHEMA),
    }
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


if __name__ == "__main__":
    main()
