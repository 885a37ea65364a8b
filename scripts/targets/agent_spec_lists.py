#!/usr/bin/env python3
"""Take the closed lists of Open Agent Spec from its package: `targets/agent_spec/data/components.json`.

    <environment>/bin/python scripts/targets/agent_spec_lists.py

Run it with the Python of an environment that holds `pyagentspec` in the version that the tests pin. Its deserializer
takes unknown fields without a word.
"""

from __future__ import annotations

import json
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

TARGET = Path(__file__).resolve().parents[2] / "targets" / "agent_spec" / "data" / "components.json"
SKIPPED = ("adapters", "evaluation", "tracing")
"""Parts of the package for other frameworks, which import those."""


def main() -> None:
    import pyagentspec
    from pyagentspec.component import Component

    for module in walk_packages(pyagentspec.__path__, "pyagentspec."):
        if module.name.split(".")[1] not in SKIPPED:
            import_module(module.name)
    concrete = sorted((c for c in everything(Component) if not c._is_abstract), key=lambda c: c.__name__)
    lists = {
        "source": f"pypi:pyagentspec=={version('pyagentspec')}, by scripts/targets/agent_spec_lists.py",
        "components": {c.__name__: fields(c) for c in concrete},
    }
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


def everything(of: Any) -> set[Any]:
    return {below for one in of.__subclasses__() for below in (one, *everything(one))}


def fields(component: Any) -> list[str]:
    return sorted(name for name, field in component.model_fields.items() if not field.exclude)


if __name__ == "__main__":
    main()
