"""Text from a template, whose words know where they come from.

The template is rendered with marks in the place of values; the lines are then put together from its own words and the
values. So a text of a config is never read as a template, and becomes code in Markdown.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from llmops.compiler.model.sourced import Sourced

Line = str | tuple[str | Sourced[Any], ...]
_mark = re.compile(r"\x00([0-9]+)\x00").split


@cache
def _template(name: str) -> Template:
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    return environment.from_string(files(__package__).joinpath("templates", name).read_text("utf-8"))


def render(template: str, values: dict[str, Any]) -> list[Line]:
    """The lines of a template of templates/. Values may be `Sourced`, alone or in maps and lists."""
    found: list[Sourced[Any]] = []
    text = _template(template).render(_marked(values, found))
    lines: list[Line] = []
    for line in re.sub(r"\n{3,}", "\n\n", text).strip("\n").split("\n"):
        parts = _mark(line)
        made = tuple(found[int(part)] if n % 2 else part for n, part in enumerate(parts) if n % 2 or part)
        lines.append(made if len(parts) > 1 else line)
    return lines


def _marked(value: Any, found: list[Sourced[Any]]) -> Any:
    if isinstance(value, Sourced):
        found.append(value)
        return f"\x00{len(found) - 1}\x00"
    if isinstance(value, dict):
        return {key: _marked(item, found) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(item, found) for item in value]
    return value
