"""schemas/types.py: for each kind the names of its fields, and the kind as a typed constant."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.schemas import ENVIRONMENT, kind_names, schema

WIDTH = 120

HEAD = '''"""The kinds as typed constants, and the names of their fields.

Written by `make generate` from the schemas: edit those instead.
"""

from __future__ import annotations

from typing import Literal

from llmops.compiler.model.kinds import Kind
from llmops.schemas import kind
'''


def files() -> Iterator[tuple[str, str]]:
    names = [*kind_names(), ENVIRONMENT]
    parts = [HEAD, *(_literal(name) for name in names), "".join(_constant(name) for name in names)]
    yield "schemas/types.py", "\n".join(parts)


def _field(name: str) -> str:
    return f"{name.title().replace('_', '')}Field"


def _literal(name: str) -> str:
    fields = [f'"{field}"' for field in schema(name)["properties"]]
    return _wrapped(f"{_field(name)} = Literal[", fields, "]")


def _constant(name: str) -> str:
    return f'{name.upper()}: Kind[{_field(name)}] = kind("{name}")\n'


def _wrapped(opening: str, items: list[str], closing: str) -> str:
    line = f"{opening}{', '.join(items)}{closing}"
    if len(line) <= WIDTH:
        return line + "\n"
    lines, current = [opening], ""
    for item in items:
        if current and len(current) + len(item) + 2 > WIDTH - 4:
            lines.append(f"    {current.rstrip()}")
            current = ""
        current += f"{item}, "
    return "\n".join([*lines, f"    {current.rstrip()}", closing, ""])
