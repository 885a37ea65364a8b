#!/usr/bin/env python3
"""Take GuideLLM's kinds and keys from its own classes: `targets/guidellm/data/keys.json`.

    <python of an environment with guidellm> scripts/targets/guidellm_lists.py
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from guidellm.schemas.backends import BackendArgs
from guidellm.schemas.benchmark import BenchmarkArgs, BenchmarkScenario
from guidellm.schemas.benchmark.entrypoints import MetricsArgs
from guidellm.schemas.benchmark.outputs import BenchmarkOutputArgs
from guidellm.schemas.benchmark.profiles import ProfileArgs
from guidellm.schemas.benchmark.random import RandomArgs
from guidellm.schemas.data import DataArgs, DataFinalizerArgs, DataLoaderArgs, DataPreprocessorArgs, DataTokenizerArgs
from guidellm.schemas.scheduler import ConstraintArgs

TARGET = Path(__file__).resolve().parents[2] / "targets" / "guidellm" / "data" / "keys.json"
SECTIONS: dict[str, Any] = {
    "backend": BackendArgs, "profile": ProfileArgs, "constraints": ConstraintArgs, "tokenizer": DataTokenizerArgs,
    "data": DataArgs, "data_column_mapper": DataPreprocessorArgs, "data_preprocessors": DataPreprocessorArgs,
    "data_finalizer": DataFinalizerArgs, "data_loader": DataLoaderArgs, "seed": RandomArgs, "metrics": MetricsArgs,
    "outputs": BenchmarkOutputArgs,
}  # fmt: skip


def kinds(base: Any) -> dict[str, list[str]]:
    return {kind: sorted(made.model_fields) for kind, made in sorted(base.registry.items())}


if __name__ == "__main__":
    package = f"pypi:guidellm=={version('guidellm')}"
    made = {
        "source": f"{package}, its classes of arguments, by scripts/targets/guidellm_lists.py",
        "as_of": datetime.now(UTC).date().isoformat(),
        "scenario": sorted(BenchmarkScenario.model_fields),
        "spec": sorted(BenchmarkArgs.model_fields),
        "kinds": {section: kinds(base) for section, base in SECTIONS.items()},
        "ignore_eos": {
            "engines": ["vllm"],
            "source": f"{package}, backends/openai/request_handlers.py: a sampling parameter of vLLM's own",
        },
    }
    TARGET.write_text(json.dumps(made, indent=1) + "\n")
