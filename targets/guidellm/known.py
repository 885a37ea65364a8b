"""GuideLLM's own names, taken from its classes by `scripts/targets/guidellm_lists.py`, and ours of what it measures.

The metrics are called as vLLM and OpenTelemetry's conventions for generative AI call them; durations are in seconds,
throughputs in a second, `error_rate` and `pass_rate` shares of all requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

_DATA: Mapping[str, Any] = json.loads(files(__package__).joinpath("data", "keys.json").read_bytes())
LATENCIES = ("ttft", "tpot", "e2e_latency")
POINTS = ("p50", "p95", "p99")
METRICS = (
    *(name if point is None else f"{name}_{point}" for name in LATENCIES for point in (None, *POINTS)),
    "request_throughput", "output_throughput", "total_token_throughput", "error_rate", "pass_rate",
)  # fmt: skip
IGNORES_END: frozenset[str] = frozenset(_DATA["ignore_eos"]["engines"])
"""Engines that can be told to go on to a number of tokens, as GuideLLM tells them."""


def profiles() -> frozenset[str]:
    return frozenset(_DATA["kinds"]["profile"])


def check(path: str, data: Any) -> Iterator[str]:
    """Keys and kinds that GuideLLM does not have: an override may bring one, and only a run would tell."""
    if not path.endswith(".yaml") or not isinstance(data, dict):
        return
    yield from _closed(data, _DATA["scenario"], "a scenario")
    spec = data.get("spec")
    if not isinstance(spec, dict):
        return
    yield from _closed(spec, _DATA["spec"], "`spec`")
    for section, kinds in _DATA["kinds"].items():
        written = spec.get(section)
        for one in written if isinstance(written, list) else [written]:
            if isinstance(one, dict):
                yield from _kind(one, kinds, section)


def _kind(one: Mapping[str, Any], kinds: Mapping[str, list[str]], section: str) -> Iterator[str]:
    kind = one.get("kind")
    if kind is None:
        yield f"`{section}` needs a `kind`: {', '.join(kinds)}"
    elif kind not in kinds:
        close = best(str(kind), kinds)
        yield f"GuideLLM has no {section} `{kind}`" + (f"; did you mean `{close}`?" if close else "")
    else:
        yield from _closed(one, kinds[kind], f"the {section} `{kind}`")


def _closed(data: Mapping[str, Any], allowed: list[str], where: str) -> Iterator[str]:
    for name in data:
        if name not in allowed:
            close = best(str(name), allowed)
            yield f"{where} has no key `{name}`" + (f"; did you mean `{close}`?" if close else "")
