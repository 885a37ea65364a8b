"""Request parameters, merged per call: model < prompt < step, agent, judge or eval subject; null takes one away."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node


def params(*layers: Node | None) -> dict[str, Any]:
    """The merged parameters with the origins of each, later layers winning."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in (layer.tree("params") or {}).items() if layer is not None else ():
            if isinstance(value, Sourced) and value.value is None:
                merged.pop(name, None)
            else:
                merged[name] = value
    return merged
