#!/usr/bin/env python3
"""Take the closed lists of axolotl's config from the installed package: `targets/axolotl/data/keys.json`.

    <environment>/bin/python scripts/targets/axolotl_lists.py

Run it with the Python of an environment that holds `axolotl` in the version of the target's lock. axolotl passes over
keys that it does not know, and takes any name of a scheduler, so the target checks against its own classes.
"""

from __future__ import annotations

import enum
import importlib
import json
import re
import types
import typing
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = REPOSITORY / "targets" / "axolotl" / "data" / "keys.json"
AS_OF = "2026-11-24"
SCHEDULERS = ("one_cycle", "rex")
"""axolotl/core/builders/base.py: taken beside those of transformers."""


def main() -> None:
    from axolotl.utils.schemas import datasets
    from axolotl.utils.schemas.config import AxolotlInputConfig
    from axolotl.utils.schemas.enums import CANONICAL_ATTN_IMPLS, CustomSupportedOptimizers
    from transformers.trainer_utils import SchedulerType
    from transformers.training_args import OptimizerNames

    settings = {
        called: row(field.annotation)
        for name, field in sorted(AxolotlInputConfig.model_fields.items())
        for called in ((name, field.alias) if field.alias not in (None, name) else (name,))
    }
    settings["lr_scheduler"]["choices"] = sorted({*(one.value for one in SchedulerType), *SCHEDULERS})
    settings["optimizer"]["choices"] = sorted(one.value for one in (*OptimizerNames, *CustomSupportedOptimizers))
    settings["attn_implementation"]["choices"] = sorted(CANONICAL_ATTN_IMPLS)
    nested = {
        name: sorted(fields) for name, field in AxolotlInputConfig.model_fields.items()
        if (fields := keys(field.annotation)) and "dict" not in settings[name].get("open", [])
    }
    versions = f"axolotl=={version('axolotl')}, transformers=={version('transformers')}"
    lists = {
        "source": f"pypi:{versions}, by scripts/targets/axolotl_lists.py",
        "as_of": AS_OF,
        "settings": dict(sorted(settings.items())),
        "nested": dict(sorted(nested.items())),
        "plugins": dict(sorted(plugins())),
        "datasets": {
            "sft": sorted(datasets.SFTDataset.model_fields), "dpo": sorted(datasets.DPODataset.model_fields),
            "kto": sorted(datasets.KTODataset.model_fields),
            "pretrain": sorted(datasets.PretrainingDataset.model_fields),
        },
    }
    text = json.dumps(lists, indent=1)
    flat = re.sub(r"\{\s+\"types\": .*?\n\s+\}", lambda found: json.dumps(json.loads(found[0])), text, flags=re.DOTALL)
    TARGET.write_text(re.sub(r"\[\n[^\[\]]*\]", lambda found: json.dumps(json.loads(found[0])), flat) + "\n")


def plugins() -> Iterator[tuple[str, dict[str, Any]]]:
    """The plugins that come with it, each with the settings that it adds; without those whose libraries are absent."""
    import axolotl.integrations

    for folder in sorted(Path(axolotl.integrations.__path__[0]).iterdir()):
        texts = [(folder / name).read_text() for name in ("__init__.py", "plugin.py") if (folder / name).is_file()]
        for name in re.findall(r"class (\w+Plugin)\(", "\n".join(texts)):
            said = re.search(r"def get_input_args.*?return \"([\w.]+)\"", "\n".join(texts), flags=re.DOTALL)
            fields = {}
            if said is not None:
                module, _, cls = said[1].rpartition(".")
                try:
                    fields = getattr(importlib.import_module(module), cls).model_fields
                except ImportError:
                    continue
            rows = {name: row(field.annotation) for name, field in sorted(fields.items())}
            yield f"axolotl.integrations.{folder.name}.{name}", rows


def parts(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a declared type."""
    if typing.get_origin(hint) is typing.Annotated:
        return parts(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(one for part in typing.get_args(hint) for one in parts(part))
    return (hint,)


def row(hint: Any) -> dict[str, Any]:
    plain = {bool: "boolean", int: "integer", float: "number", str: "text", list: "list", dict: "map"}
    found: set[str] = set()
    choices: list[str] = []
    closed = True
    for part in parts(hint):
        origin = typing.get_origin(part) or part
        if origin is type(None):
            continue
        if origin is typing.Literal:
            found |= {plain[type(value)] for value in typing.get_args(part)}
            choices += [str(value) for value in typing.get_args(part)]
        elif isinstance(origin, type) and issubclass(origin, enum.Enum):
            found.add("text")
            choices += [str(one.value) for one in origin]
        elif isinstance(origin, type) and hasattr(origin, "model_fields"):
            found.add("map")
        else:
            word = plain.get(origin, "list" if origin in (set, tuple) else "text")
            found.add(word)
            closed = closed and word not in ("text", "integer", "number")
    made: dict[str, Any] = {"types": sorted(found)}
    return made | ({"choices": choices} if choices and closed else {})


def keys(hint: Any) -> set[str]:
    """The keys of a map whose class declares them; none where another map would do as well."""
    classes = [part for part in parts(hint) if isinstance(part, type) and hasattr(part, "model_fields")]
    if any((typing.get_origin(part) or part) is dict for part in parts(hint)):
        return set()
    return {name for one in classes for name in one.model_fields}


if __name__ == "__main__":
    main()
