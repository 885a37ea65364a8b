"""A new resource's text, and the smallest edit of conf/config.yaml that selects it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_CONF = re.compile(r"""^conf\s*:\s*["']?([\w./-]+)""", re.MULTILINE)


def conf_folder(project: Path) -> str:
    said = _CONF.search((project / "llmops.yaml").read_text(encoding="utf-8", errors="replace"))
    return said.group(1) if said else "conf"


def skeleton(schema: Mapping[str, Any]) -> str:
    """The schema's own example, as YAML."""
    examples = schema.get("examples") or [{}]
    text: str = yaml.dump(examples[0], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


class _Dumper(yaml.SafeDumper):
    """Maps and lists of plain values on one line, as people write them; quoted where YAML versions disagree."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        flow = bool(self.represented_objects) and all(not isinstance(v, Mapping | list) for v in mapping.values())
        return super().represent_mapping(tag, mapping, flow_style=flow)

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        flow = all(not isinstance(value, Mapping | list) for value in sequence)
        return super().represent_sequence(tag, sequence, flow_style=flow)


def select(text: str, kind: str, name: str) -> str | None:
    """config.yaml with the resource in its defaults list; None where the edit is not plain (a person then makes it).

    The name goes into the kind's own list, or into a new line before the profiles (`env`, other scalars).
    """
    before = _defaults(text)
    if before is None:
        return None
    lines = text.split("\n")
    head = next((n for n, line in enumerate(lines) if re.match(r"defaults\s*:\s*(#.*)?$", line)), None)
    if head is None:
        return None
    entry = re.compile(rf"(\s*-\s+{re.escape(kind)}\s*:\s*\[)([^\]\n]*)(\].*)$")
    for at, line in enumerate(lines):
        match = entry.match(line)
        if match:
            names = match.group(2).strip()
            lines[at] = f"{match.group(1)}{names}{', ' if names else ''}{name}{match.group(3)}"
            return _checked("\n".join(lines), before, kind, name)
    items = [n for n, line in enumerate(lines) if n > head and re.match(r"\s*-\s", line)]
    if not items:
        return None
    profiles = [n for n in items if not re.match(r"\s*-\s+\w+\s*:\s*\[", lines[n])]
    at = profiles[0] if profiles else items[-1] + 1
    indent = re.match(r"\s*", lines[items[0]])
    lines.insert(at, f"{indent.group() if indent else '  '}- {kind}: [{name}]")
    return _checked("\n".join(lines), before, kind, name)


def _defaults(text: str) -> list[Any] | None:
    try:
        found = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    defaults = found.get("defaults") if isinstance(found, dict) else None
    return defaults if isinstance(defaults, list) else None


def _checked(text: str, before: list[Any], kind: str, name: str) -> str | None:
    """The edited text, if it says exactly one name more than before."""

    def names(defaults: list[Any]) -> list[tuple[str, str]]:
        pairs = [pair for item in defaults if isinstance(item, dict) for pair in item.items()]
        return [(str(k), str(v)) for k, vs in pairs for v in (vs if isinstance(vs, list) else [vs])]

    after = _defaults(text)
    if after is None or sorted(names(after)) != sorted([*names(before), (kind, name)]):
        return None
    return text
