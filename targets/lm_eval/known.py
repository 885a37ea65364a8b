"""The harness's own lists, taken from its package by `scripts/targets/lm_eval_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

METRIC_KEYS = ("metric", "aggregation", "higher_is_better")


@cache
def _data() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "keys.json").read_bytes()))


@cache
def tasks() -> frozenset[str]:
    """The names of all published tasks, groups and tags; read only where an eval asks for one."""
    return frozenset(files(__package__).joinpath("data", "tasks.txt").read_text(encoding="utf-8").split())


def close(name: str) -> str | None:
    """The nearest name of a published task, of those that start alike: there are too many to compare with all."""
    return best(name, [one for one in tasks() if one[:2] == name[:2] and abs(len(one) - len(name)) < 4])


def check(path: str, data: Any) -> Iterator[str]:
    """Keys, metrics and kinds of output that the harness does not have: an override may bring one."""
    if not path.endswith(".yaml") or not isinstance(data, dict):
        return
    yield from _unknown("a task", data, _data()["task"])
    kind = data.get("output_type")
    if kind is not None and kind not in _data()["output_types"]:
        yield f"there is no output type `{kind}`{_close(str(kind), _data()['output_types'])}"
    listed = data.get("metric_list")
    for metric in listed if isinstance(listed, list) else ():
        name = metric.get("metric") if isinstance(metric, dict) else None
        if name not in _data()["metrics"]:
            yield f"there is no metric `{name}`{_close(str(name), _data()['metrics'])}"
        how = metric.get("aggregation") if isinstance(metric, dict) else None
        if how is not None and how not in _data()["aggregations"]:
            yield f"there is no aggregation `{how}`{_close(str(how), _data()['aggregations'])}"


def _unknown(where: str, found: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    for name in found:
        if name not in names:
            yield f"{where} has no key `{name}`{_close(str(name), names)}"


def _close(name: str, names: list[str]) -> str:
    found = best(name, names)
    return f"; did you mean `{found}`?" if found else ""
