#!/usr/bin/env python3
"""Take the harness's own lists from its package: `targets/lm_eval/data/keys.json` and `tasks.txt`.

    <python of an environment with lm-eval> scripts/targets/lm_eval_lists.py
"""

from __future__ import annotations

import dataclasses
import json
import logging
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import lm_eval.api.metrics  # noqa: F401  (registers them)
from lm_eval.api import registry
from lm_eval.api.instance import OutputType
from lm_eval.config.task import TaskConfig
from lm_eval.tasks import TaskManager

DATA = Path(__file__).resolve().parents[2] / "targets" / "lm_eval" / "data"

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    made = {
        "source": f"pypi:lm-eval=={version('lm-eval')}, by scripts/targets/lm_eval_lists.py",
        "as_of": datetime.now(UTC).date().isoformat(),
        "task": sorted(field.name for field in dataclasses.fields(TaskConfig)),
        "output_types": sorted(get_args(OutputType)),
        "metrics": sorted(registry.metric_registry.keys()),
        "aggregations": sorted(registry.aggregation_registry.keys()),
    }
    (DATA / "keys.json").write_text(json.dumps(made, indent=1) + "\n")
    (DATA / "tasks.txt").write_text("\n".join(sorted(TaskManager().all_tasks)) + "\n")
