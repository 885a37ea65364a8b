"""Run by a Python with Label Studio's SDK: what it says of configs, their tasks, and answers to them.

    python reader.py <folder> <name> …

Reads `<name>.xml`, and `<name>.tasks.json` and `<name>.export.json` where they are there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def read(folder: Path, name: str) -> dict[str, Any]:
    from label_studio_sdk.label_interface import LabelInterface

    try:
        interface = LabelInterface((folder / f"{name}.xml").read_text(encoding="utf-8"))
        interface.validate()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    made: dict[str, Any] = {
        "controls": {c.name: [type(c).__name__, list(c.to_name), list(c.labels or [])] for c in interface.controls},
        "variables": sorted(o.value_name for o in interface.objects),
    }
    tasks, export = folder / f"{name}.tasks.json", folder / f"{name}.export.json"
    if tasks.is_file():
        made["tasks"] = [interface.validate_task(task) for task in json.loads(tasks.read_bytes())]
    if export.is_file():
        made["answers"] = [
            interface._validate_object(annotation, return_errors=True)
            for task in json.loads(export.read_bytes())
            for annotation in task["annotations"]
            if not annotation.get("was_cancelled")
        ]
    return made


if __name__ == "__main__":
    print(json.dumps({name: read(Path(sys.argv[1]), name) for name in sys.argv[2:]}))
