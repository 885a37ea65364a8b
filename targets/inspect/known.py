"""Inspect's own names of request parameters, taken from its package by `scripts/targets/inspect_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

_DATA: Mapping[str, Any] = json.loads(files(__package__).joinpath("data", "keys.json").read_bytes())
CONFIG = frozenset(_DATA["generate_config"]) & {
    "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "parallel_tool_calls", "presence_penalty",
    "reasoning_effort", "seed", "temperature", "top_logprobs", "top_p",
}
"""Parameters that Inspect calls as OpenAI does; the others are sent in the body as they are."""


def check(path: str, data: Any) -> Iterator[str]:
    """Names of parameters that Inspect does not have: an override may bring one."""
    if not path.endswith(".json") or not isinstance(data, dict):
        return
    subjects = data.get("subjects")
    models = [data.get("judge"), *(one.get("model") for one in subjects or () if isinstance(one, dict))]
    for model in models:
        config = model.get("config") if isinstance(model, dict) else None
        for name in config if isinstance(config, dict) else ():
            if name not in _DATA["generate_config"]:
                close = best(str(name), _DATA["generate_config"])
                yield f"Inspect has no parameter `{name}`" + (f"; did you mean `{close}`?" if close else "")
