"""What targets say of resources: the exports that are their only channel, asked from a test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from llmops.compiler.driver import Compilation, compile_project, toolkit
from llmops.compiler.lower.registry import Registry
from llmops.compiler.model.request import Files, Request
from llmops.compiler.model.target import Lowering, Target

E = TypeVar("E")


class Asking(Registry):
    """The targets as they are, the named ones of which note an export of every resource while they lower."""

    def __init__(self, export: type[Any], found: dict[str, Any], names: tuple[str, ...]) -> None:
        super().__init__()
        self._export, self._found, self._names = export, found, names

    def get(self, name: str) -> Target | None:
        target = super().get(name)
        if target is None or name not in self._names:
            return target
        real = target.lower

        def lower(lowering: Lowering) -> Iterable[Any]:
            for address in lowering.reader.project.resources:
                view = lowering.reader.view(address)
                said = None if view is None else target.exports[self._export](lowering, view, None)
                if said is not None:
                    self._found[f"{lowering.reader.project.env}.{address}"] = said
            return real(lowering)

        return replace(target, lower=lower)


def asked(files: Files, export: type[E], *targets: str) -> tuple[Compilation, dict[str, E]]:
    """A compilation, and what the named targets say by `<environment>.<kind>.<name>`."""
    found: dict[str, E] = {}
    tools = replace(toolkit(), registry=Asking(export, found, targets))
    return compile_project(files, Request(), tools=tools), found
