"""LiteLLM's own closed lists, taken from its package by `scripts/targets/litellm_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import nearest

SECTIONS = ("litellm_settings", "router_settings", "general_settings")


@cache
def known(name: str) -> frozenset[str]:
    """One of the lists: `router_settings`, `callbacks` …"""
    return frozenset(_data("keys.json")[name])


@cache
def _data(name: str) -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", name).read_bytes()))


def image(version: str) -> str:
    """The published image of a release."""
    row = _data("image.json")
    return f"{row['image']}:{row['tag'].format(version=version)}"


@cache
def locked_version() -> str:
    """The release that the target's lock installs."""
    text = files(__package__).joinpath("lock", "requirements.in").read_text()
    return next(line.partition("==")[2].strip() for line in text.splitlines() if line.startswith("litellm["))


def section(name: str) -> str | None:
    """Where a setting of the engine belongs; None for one that the proxy would pass over.

    What both the package and its router take goes to the router, whose own list is strict; only `set_verbose` is two
    settings of one name.
    """
    if name == "set_verbose":
        return "litellm_settings"
    order = ("router_settings", "litellm_settings", "general_settings")
    return next((where for where in order if name in known(where)), None)


def check(path: str, data: Any) -> Iterator[str]:
    """Keys that the proxy would pass over without a word, and what would make it run code."""
    if not path.endswith(".yaml") or not isinstance(data, dict):
        return
    yield from _unknown("the config", data, known("sections"))
    for row in data.get("model_list") or ():
        if isinstance(row, dict) and isinstance(row.get("litellm_params"), dict):
            yield from _unknown(f"litellm_params of `{row.get('model_name')}`", row["litellm_params"],
                                known("litellm_params") | known("provider_params"))
    for name in SECTIONS:
        settings = data.get(name)
        if isinstance(settings, dict):
            yield from _unknown(name, settings, known(name))
    settings = data.get("litellm_settings")
    if isinstance(settings, dict):
        if isinstance(settings.get("cache_params"), dict):
            yield from _unknown("cache_params", settings["cache_params"], known("cache_params"))
        for callback in settings.get("callbacks") or ():
            if callback not in known("callbacks"):
                yield f"`{callback}` is no callback of LiteLLM{_close(callback, known('callbacks'))}"
    general = data.get("general_settings")
    key = general.get("master_key") if isinstance(general, dict) else None
    if isinstance(key, str) and not key.startswith("os.environ/"):
        yield "the master key stands in the file: name its variable"


def _unknown(where: str, found: Mapping[str, Any], names: frozenset[str]) -> Iterator[str]:
    for name in found:
        if name not in names:
            yield f"{where} has no key `{name}`{_close(name, names)}"


def _close(name: str, names: Iterable[str]) -> str:
    close = nearest(str(name), sorted(names))
    return f"; did you mean `{close[0]}`?" if close else ""
