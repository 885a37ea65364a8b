#!/usr/bin/env python3
"""Take the closed lists of NeMo Guardrails from the installed package: `targets/nemo_guardrails/data/keys.json`.

    <environment>/bin/python scripts/targets/nemo_guardrails_lists.py

Run it with the Python of an environment that holds `nemoguardrails` in the version of the target's lock. The package
passes over unknown keys without a word (`rails.inputs`, `flow:`: no rail stands then), so the target checks against
the fields of its own classes and the flows that its own manifests name.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Union, get_args, get_origin

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = REPOSITORY / "targets" / "nemo_guardrails" / "data" / "keys.json"
COMPUTED = ("config_path", "imported_paths", "docs")
"""Fields that are made while a folder is loaded: written by hand they would be overwritten."""


def main() -> None:
    from nemoguardrails.llm.taskmanager import LLMTaskManager
    from nemoguardrails.manifests import all_rail_manifests
    from nemoguardrails.rails.llm.config import RailsConfig

    surfaces = [surface for manifest in all_rail_manifests().values() for surface in manifest.spec.surfaces]
    lists: dict[str, Any] = {
        "source": f"pypi:nemoguardrails=={version('nemoguardrails')}, by scripts/targets/nemo_guardrails_lists.py",
        "config": {k: v for k, v in fields(RailsConfig).items() if k not in COMPUTED},
        "flows": {
            direction: sorted(s.name for s in surfaces if s.direction.value == direction)
            for direction in sorted({s.direction.value for s in surfaces})
        },
        "output_parsers": sorted(
            name for name in LLMTaskManager(RailsConfig(models=[])).output_parsers if name is not None
        ),
    }
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


def fields(model: Any, seen: tuple[Any, ...] = ()) -> dict[str, Any]:
    """The keys of a class, each with those below it: null where anything may stand."""
    return {
        (field.alias or name): below(field.annotation, (*seen, model)) for name, field in model.model_fields.items()
    }


def below(annotation: Any, seen: tuple[Any, ...]) -> Any:
    """A map for a class, a list with one member for a list, `{"*": …}` for a map with any keys, null for the rest."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        found = [part for part in (below(one, seen) for one in inside) if part is not None]
        return found[0] if len(found) == 1 else None
    if origin in (list, tuple, set, Iterable):
        item = below(inside[0], seen) if inside else None
        return None if item is None else [item]
    if origin in (dict, Mapping):
        item = below(inside[1], seen) if len(inside) == 2 else None
        return None if item is None else {"*": item}
    if isinstance(annotation, type) and hasattr(annotation, "model_fields") and annotation not in seen:
        return fields(annotation, seen)
    return None


if __name__ == "__main__":
    main()
