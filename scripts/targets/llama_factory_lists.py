#!/usr/bin/env python3
"""Take the closed lists of LLaMA-Factory's config from the installed package: `targets/llama_factory/data/keys.json`.

    <environment>/bin/python scripts/targets/llama_factory_lists.py

Run it with the Python of an environment that holds `llamafactory` in the version of the target's lock. It takes any
stage, a learning rate that is no number, and no template at all, so the target checks against its own classes.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import types
import typing
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = REPOSITORY / "targets" / "llama_factory" / "data" / "keys.json"
AS_OF = "2026-11-24"


def main() -> None:
    import llamafactory
    from llamafactory.hparams.parser import _TRAIN_ARGS
    from transformers import HfArgumentParser
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    parser = HfArgumentParser(_TRAIN_ARGS)
    hints: dict[str, Any] = {}
    for holder in _TRAIN_ARGS:
        hints.update(typing.get_type_hints(holder))
    settings = {
        action.dest: row(action, hints[action.dest])
        for action in parser._actions
        if action.dest in hints and not isinstance(action, argparse._StoreFalseAction)
    }
    data = Path(llamafactory.__file__).parent / "data"  # read, not imported: it would load what decodes sounds
    settings["template"]["choices"] = sorted(templates(ast.parse((data / "template.py").read_text())))
    versions = f"llamafactory=={version('llamafactory')}, transformers=={version('transformers')}"
    lists = {
        "source": f"pypi:{versions}, by scripts/targets/llama_factory_lists.py",
        "as_of": AS_OF,
        "settings": dict(sorted(settings.items())),
        "lora_rank": next(action.default for action in parser._actions if action.dest == "lora_rank"),
        "dataset": sorted(fields(ast.parse((data / "parser.py").read_text()), "DatasetAttr")),
        "report_to": sorted({*INTEGRATION_TO_CALLBACK, "all", "none"}),
    }
    text = json.dumps(lists, indent=1)
    flat = re.sub(r"\{\s+\"types\": .*?\n\s+\}", lambda found: json.dumps(json.loads(found[0])), text, flags=re.DOTALL)
    TARGET.write_text(re.sub(r"\[\n[^\[\]]*\]", lambda found: json.dumps(json.loads(found[0])), flat) + "\n")


def templates(tree: ast.Module) -> Iterator[str]:
    """The names under which templates are registered."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "register_template":
            for word in node.keywords:
                if word.arg == "name" and isinstance(word.value, ast.Constant):
                    yield str(word.value.value)


def fields(tree: ast.Module, name: str) -> Iterator[str]:
    """The fields of a class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == name:
            yield from (
                part.target.id for part in node.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            )


def row(action: argparse.Action, hint: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"types": sorted(kinds(hint))}
    choices = literals(hint) or [str(getattr(choice, "value", choice)) for choice in action.choices or ()]
    return made | ({"choices": choices} if choices else {})


def kinds(hint: Any) -> set[str]:
    """The plain types that a declared type lets through, in JSON's words."""
    origin = typing.get_origin(hint) or hint
    if origin is typing.Literal:
        return {"text"}
    if origin in (typing.Union, types.UnionType):
        return set().union(*(kinds(part) for part in typing.get_args(hint)))
    if origin is type(None):
        return set()
    plain = {bool: "boolean", int: "integer", float: "number", str: "text", list: "list", dict: "map"}
    return {plain.get(origin, "text")}


def literals(hint: Any) -> list[str]:
    if typing.get_origin(hint) is typing.Literal:
        return [str(value) for value in typing.get_args(hint)]
    return []


if __name__ == "__main__":
    main()
