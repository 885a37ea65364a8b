"""NeMo Guardrails' own closed lists, taken from its package by `scripts/targets/nemo_guardrails_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import nearest

STAGES = ("input", "output", "retrieval", "tool_input", "tool_output")
OWN = "guard "
"""How the names of flows begin that the target itself writes."""
SECRET = ("api_key",)
"""Parameters that hold a secret itself."""


@cache
def data(name: str) -> Mapping[str, Any]:
    """One of the target's files of data."""
    return dict(json.loads(files(__package__).joinpath("data", name).read_bytes()))


@cache
def settings(rail: str) -> frozenset[str]:
    """The settings of a rail below `rails.config`."""
    return frozenset(data("keys.json")["config"]["rails"]["config"][rail])


@cache
def version() -> str:
    """The release that the target's lock installs."""
    text = files(__package__).joinpath("lock", "requirements.in").read_text()
    return next(line.partition("==")[2].strip() for line in text.splitlines() if line.startswith("nemoguardrails"))


def check(path: str, found: Any) -> Iterator[str]:
    """Keys that would be passed over without a word, so that no rail stood; flows that there are not."""
    if not path.endswith((".yml", ".yaml")) or not isinstance(found, dict):
        return
    yield from _unknown(path.rpartition("/")[2], found, data("keys.json")["config"])
    rails = found.get("rails")
    for stage in STAGES:
        named = rails.get(stage) if isinstance(rails, dict) else None
        for flow in (named.get("flows") or ()) if isinstance(named, dict) else ():
            yield from _flow(stage, str(flow))
    for model in found.get("models") or ():
        parameters = model.get("parameters") if isinstance(model, dict) else None
        for name in SECRET:
            if isinstance(parameters, dict) and name in parameters:
                yield f"a key stands in the file (`{name}`): name its variable as `api_key_env_var`"


def _flow(stage: str, flow: str) -> Iterator[str]:
    name = flow.partition("$")[0].strip()
    known = data("keys.json")["flows"].get(stage, ())
    if name not in known and not name.startswith(OWN):
        yield f"there is no {stage} rail `{name}`{_close(name, known)}"


def _unknown(where: str, found: Any, keys: Any) -> Iterator[str]:
    """Keys that the classes do not have; null in the list means that anything may stand there."""
    if isinstance(keys, list) and isinstance(found, list):
        for item in found:
            yield from _unknown(where, item, keys[0])
    elif isinstance(keys, dict) and isinstance(found, dict):
        if "*" in keys:
            for name, below in found.items():
                yield from _unknown(f"{where}: {name}", below, keys["*"])
            return
        for name, below in found.items():
            if name not in keys:
                yield f"{where} has no key `{name}`{_close(name, keys)}"
            else:
                yield from _unknown(name, below, keys[name])


def _close(name: str, names: Iterable[str]) -> str:
    close = nearest(str(name), sorted(names))
    return f"; did you mean `{close[0]}`?" if close else ""
