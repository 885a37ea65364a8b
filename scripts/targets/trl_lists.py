#!/usr/bin/env python3
"""Take the closed lists of TRL's command line from the installed package: `targets/trl/data/keys.json`.

    <environment>/bin/python scripts/targets/trl_lists.py

Run it with the Python of an environment that holds `trl` in the version of the target's lock. `trl` hands keys that it
does not know to `accelerate launch`, and reads a name of no reporter and a rank below one without a word, so the target
checks against what its own parsers declare.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import re
import typing
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = REPOSITORY / "targets" / "trl" / "data" / "keys.json"
COMMANDS = ("sft", "dpo", "grpo", "kto", "reward")
AS_OF = "2026-11-24"


def main() -> None:
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK
    from trl import ModelConfig
    from trl.scripts.utils import DatasetConfig

    found = {command: arguments(command) for command in COMMANDS}
    common = {
        name: row for name, row in found["sft"].items() if all(one.get(name) == row for one in found.values())
    }
    versions = f"trl=={version('trl')}, transformers=={version('transformers')}"
    lists = {
        "source": f"pypi:{versions}, by scripts/targets/trl_lists.py",
        "as_of": AS_OF,
        "common": dict(sorted(common.items())),
        "commands": {
            command: {name: row for name, row in sorted(one.items()) if name not in common}
            for command, one in found.items()
        },
        "datasets": sorted(field.name for field in dataclasses.fields(DatasetConfig)),
        "lora_r": ModelConfig.lora_r,
        "report_to": sorted({*INTEGRATION_TO_CALLBACK, "all", "none"}),
    }
    TARGET.write_text(lines(lists) + "\n")


def lines(lists: dict[str, Any]) -> str:
    """JSON with a line for each setting."""
    text = json.dumps(lists, indent=1)
    return re.sub(r"\{\s+\"types\": .*?\n\s+\}", lambda found: json.dumps(json.loads(found[0])), text, flags=re.DOTALL)


def arguments(command: str) -> dict[str, dict[str, Any]]:
    """What `trl <command>` takes: each name with the types of its value, and its choices where they are closed."""
    parser = importlib.import_module(f"trl.scripts.{command}").make_parser()
    hints: dict[str, Any] = {}
    for holder in parser.dataclass_types:
        hints.update(typing.get_type_hints(holder))
    return {
        action.dest: row(action, hints[action.dest])
        for action in parser._actions
        if action.dest in hints and not isinstance(action, argparse._StoreFalseAction)
    }


def row(action: argparse.Action, hint: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"types": sorted(kinds(hint))}
    if action.choices is not None:
        made["choices"] = [str(getattr(choice, "value", choice)) for choice in action.choices]
    return made


def kinds(hint: Any) -> set[str]:
    """The plain types that a declared type lets through, in JSON's words."""
    origin = typing.get_origin(hint) or hint
    if typing.get_args(hint) and origin not in (list, dict):
        return set().union(*(kinds(part) for part in typing.get_args(hint)))
    plain = {bool: "boolean", int: "integer", float: "number", str: "text", list: "list", dict: "map"}
    if origin is type(None):
        return set()
    return {plain.get(origin, "text")}


if __name__ == "__main__":
    main()
