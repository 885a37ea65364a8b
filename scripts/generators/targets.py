"""docs/reference/targets/: a page a target, from its README.md and options.json, and a table of all of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from llmops.compiler.lower.registry import Registry, built_in, module_name
from llmops.compiler.model.kinds import Shape
from llmops.compiler.model.target import Target
from llmops.schemas import lookup
from scripts.generators.kinds import rows

ROOT = Path(__file__).resolve().parent.parent.parent
UNVERSIONED = next(field.default for field in fields(Target) if field.name == "version")
_LINK = re.compile(r"\]\((?![a-z]+:|#|/)([^)\s]+)\)")


def files() -> Iterator[tuple[str, str]]:
    registry = Registry()
    found: list[tuple[Target, dict[str, Any]]] = []
    for name in built_in():
        target = registry.get(name)
        assert target is not None
        found.append((target, dict(registry.options(name) or {})))
    for target, options in found:
        yield f"docs/reference/targets/{target.name}.md", page(target, options)
    yield "docs/reference/targets/README.md", index([target for target, _ in found])


def summary(target: Target) -> str:
    """What it writes: the words after the title in the docstring of its package."""
    text = sys.modules[f"llmops.targets.{module_name(target.name)}"].__doc__ or ""
    return " ".join(text.partition(": ")[2].split()).removesuffix(".")


def index(targets: list[Target]) -> str:
    lines = [
        "# Targets", "",
        "A target turns resources into the files of one tool. A resource enables it by naming the tool "
        "(`engine: litellm`, `runner: promptfoo`). All that it writes stands in `generated/<environment>/<target>/`, "
        "or in `generated/project/<target>/` where it is the same in every environment, and at the places named below.",
        "",
        "The version is that of the tool for which the files are written. Each page says how that is proven.", "",
        "| target | title | tool's version | what it writes | also writes at |", "| --- | --- | --- | --- | --- |",
        *(
            f"| [{one.name}]({one.name}.md) | {one.title} | {version(one)} | {summary(one)} | {places(one)} |"
            for one in targets
        ),
        "",
        "Options stand in `conf/target/<target>.yaml`, a resource like every other: selected, varied, explained.",
        "",
    ]
    return "\n".join(lines)


def version(target: Target) -> str:
    return "—" if target.version == UNVERSIONED else target.version


def places(target: Target) -> str:
    return ", ".join(f"`{place}`" for place in target.places)


def page(target: Target, options: dict[str, Any]) -> str:
    folder = f"targets/{module_name(target.name)}"
    readme = ROOT / folder / "README.md"
    text = f"# {target.title}\n\nWrites {summary(target)}."
    if readme.exists():
        text = readme.read_text(encoding="utf-8").strip()
    lines = [_LINK.sub(rf"](../../../{folder}/\1)", text), "", f"## Fields of `conf/target/{target.name}.yaml`", ""]
    if not options.get("properties"):
        return "\n".join([*lines, "It has no options.", ""])
    lines += [
        "| option | type | required | default | may vary by environment | what it is | example |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows(Shape(options, folder, lookup), "", target.scope == "project", 0), "",
    ]
    return "\n".join(lines)
