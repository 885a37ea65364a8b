"""DVC's own closed lists of keys, taken from its package by `scripts/targets/dvc_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

PIPELINE, PARAMS = "dvc.yaml", "params.yaml"


@cache
def known(name: str) -> frozenset[str]:
    return frozenset(_data()[name])


@cache
def _data() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "keys.json").read_bytes()))


def check(path: str, data: Any) -> Iterator[str]:
    """What DVC refuses or, of a parameter, finds missing only when the stage runs."""
    if path != PIPELINE or not isinstance(data, dict):
        return
    yield from _unknown("the file", data, "file")
    written = data.get("stages")
    stages: dict[str, Any] = written if isinstance(written, dict) else {}
    for name, stage in stages.items():
        if isinstance(stage, dict):
            yield from _stage(name, stage, set(stages))


def _stage(name: str, stage: Mapping[str, Any], names: set[str]) -> Iterator[str]:
    yield from _unknown(f"stage `{name}`", stage, "foreach" if "foreach" in stage else "stage")
    if "foreach" in stage:
        return
    if not stage.get("cmd"):
        yield f"stage `{name}` has no `cmd`"
    outputs: set[str] = set()
    for word in ("outs", "metrics", "plots"):
        for output in _listed(stage, word):
            outputs.update([output] if isinstance(output, str) else output)
            for path, options in output.items() if isinstance(output, dict) else ():
                kind = "plot" if word == "plots" else "output"
                yield from _unknown(f"`{path}` of stage `{name}`", options, kind)
    for path in _listed(stage, "deps"):
        if path in outputs:
            yield f"stage `{name}` depends on its own output `{path}`"
    for param in _listed(stage, "params"):
        if isinstance(param, str) and param.partition(".")[0] not in names:
            yield f"stage `{name}` reads `{param}`, and {PARAMS} has a section for each stage only"


def _listed(stage: Mapping[str, Any], word: str) -> list[Any]:
    found = stage.get(word)
    return found if isinstance(found, list) else []


def _unknown(where: str, found: Any, names: str) -> Iterator[str]:
    for name in found if isinstance(found, dict) else ():
        if name not in known(names):
            close = best(str(name), known(names))
            yield f"{where} has no key `{name}`" + (f"; did you mean `{close}`?" if close else "")
