#!/usr/bin/env python3
"""Take the names of request parameters from Inspect's own class: `targets/inspect/data/keys.json`.

    <python of an environment with inspect-ai> scripts/targets/inspect_lists.py
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from inspect_ai.model import GenerateConfig

TARGET = Path(__file__).resolve().parents[2] / "targets" / "inspect" / "data" / "keys.json"

if __name__ == "__main__":
    made = {
        "source": f"pypi:inspect-ai=={version('inspect-ai')}, GenerateConfig, by scripts/targets/inspect_lists.py",
        "as_of": datetime.now(UTC).date().isoformat(),
        "generate_config": sorted(GenerateConfig.model_fields),
    }
    TARGET.write_text(json.dumps(made, indent=1) + "\n")
