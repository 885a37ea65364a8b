"""promptfoo's own closed lists, taken from its package by `scripts/targets/promptfoo_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import best

SET = "assert-set"
"""The type of an entry that holds others; the one type that no list of promptfoo's names."""
RUNS_CODE = ("exec", "python", "golang", "ruby", "package", "webhook", "mcp", "browser", "script", "ws", "wss")
"""Providers that run or load what they name, or open another way out: never written, and refused in an override."""


@cache
def known(name: str) -> frozenset[str]:
    """One of the lists: `assertions`, `tests` …"""
    return frozenset(_data()[name])


@cache
def assertion_types() -> frozenset[str]:
    """What an assertion's `type` may be, `not-…` and sets of assertions included."""
    plain = known("assertions")
    return plain | {f"not-{name}" for name in plain} | known("special_assertions") | {SET}


@cache
def _data() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "keys.json").read_bytes()))


def check(path: str, data: Any) -> Iterator[str]:
    """Keys and names that promptfoo would pass over, or understand only when the eval has begun."""
    if "/" in path or not path.endswith(".yaml") or not isinstance(data, dict):
        return
    yield from _unknown("the suite", data, "suite")
    yield from _unknown("evaluateOptions", data.get("evaluateOptions"), "evaluate_options")
    for provider in (*_list(data, "providers"), *_list(data, "targets")):
        yield from _provider(provider)
    yield from _attacks(data.get("redteam"))
    for prompt in _list(data, "prompts"):
        yield from _unknown("a prompt", prompt, "prompts")
    tests = [test for test in (data.get("defaultTest"), *_list(data, "tests")) if isinstance(test, dict)]
    for test in tests:
        yield from _unknown("a test", test, "tests")
        options = test.get("options")
        if isinstance(options, dict):
            yield from _unknown("options", options, "options")
            if options.get("provider"):
                yield from _provider(options["provider"])
        for assertion in _list(test, "assert"):
            yield from _assertion(assertion)


def _attacks(section: Any) -> Iterator[str]:
    if not isinstance(section, dict):
        return
    yield from _unknown("redteam", section, "redteam")
    if section.get("provider"):
        yield from _provider(section["provider"])
    for field, kind in (("plugins", "plugin"), ("strategies", "strategy")):
        for one in _list(section, field):
            name = one.get("id") if isinstance(one, dict) else one
            if name not in known(field):
                yield f"there is no {kind} `{name}`{_close(str(name), known(field))}"


def _list(holder: Mapping[str, Any], name: str) -> list[Any]:
    """Another shape there is for promptfoo's own schema to refuse."""
    found = holder.get(name)
    return found if isinstance(found, list) else []


def _assertion(assertion: Any) -> Iterator[str]:
    if not isinstance(assertion, dict):
        return
    name = assertion.get("type")
    if isinstance(name, str) and name not in assertion_types():
        yield f"there is no assertion of type `{name}`{_close(name, assertion_types())}"
    yield from _unknown("an assertion", assertion, "assertion_sets" if name == SET else "assertion_keys")
    if assertion.get("provider"):
        yield from _provider(assertion["provider"])
    below = assertion.get("assert")
    for one in below if isinstance(below, list) else []:
        yield from _assertion(one)


def _provider(provider: Any) -> Iterator[str]:
    id_ = provider.get("id") if isinstance(provider, dict) else provider
    yield from _unknown("a provider", provider, "provider_keys")
    if not isinstance(id_, str):
        return
    prefix = id_.partition(":")[0]
    if prefix in RUNS_CODE:
        yield f"`{prefix}:` runs or loads what it names"
    elif prefix not in known("providers") and not id_.startswith("file://"):
        yield f"there is no provider `{prefix}`{_close(prefix, known('providers'))}"


def _unknown(where: str, found: Any, names: str) -> Iterator[str]:
    for name in found if isinstance(found, dict) else ():
        if name not in known(names):
            yield f"{where} has no key `{name}`{_close(str(name), known(names))}"


def _close(name: str, names: frozenset[str]) -> str:
    close = best(name, names)
    return f"; did you mean `{close}`?" if close else ""
