"""Finding targets: built-in ones by module name, others by an entry point, read for no name that is built in."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from llmops.compiler.model.target import Target

GROUP = "llmops.targets"


def module_name(target: str) -> str:
    return target.replace("-", "_")


def built_in() -> tuple[str, ...]:
    """The names of the targets that come with the compiler, sorted, without importing one."""
    package = importlib.import_module("llmops.targets")
    return tuple(sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(package.__path__) if m.ispkg))


class Registry:
    """The targets that a run may use, each imported when it is first asked for."""

    def __init__(self) -> None:
        self._targets: dict[str, Target | None] = {}
        self._packages: dict[str, str] = {}
        self.foreign: dict[str, str] = {}
        """Targets of other distributions that were used: name to distribution and version, for the lock."""

    def get(self, name: str) -> Target | None:
        if name not in self._targets:
            self._targets[name] = self._load(name)
        return self._targets[name]

    def options(self, name: str) -> Mapping[str, Any] | None:
        """The JSON Schema of a target's options; None for an unknown target."""
        if self.get(name) is None:
            return None
        path = files(self._packages[name]).joinpath("options.json")
        return dict(json.loads(path.read_bytes())) if path.is_file() else {}

    def _load(self, name: str) -> Target | None:
        if name in built_in():
            self._packages[name] = f"llmops.targets.{module_name(name)}"
            return _target(importlib.import_module(self._packages[name]))
        from importlib.metadata import entry_points

        for point in entry_points(group=GROUP, name=name):
            module = importlib.import_module(point.module)
            self._packages[name] = point.module
            dist = point.dist
            self.foreign[name] = f"{dist.name} {dist.version}" if dist else "unknown"
            return _target(module)
        return None


def _target(module: Any) -> Target:
    target = module.TARGET
    if not isinstance(target, Target):
        raise TypeError(f"{module.__name__}.TARGET is no Target")
    return target
