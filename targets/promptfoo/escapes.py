"""What promptfoo does to a text of its config: it reads most of them more than once, each place in its own way."""

from __future__ import annotations

import re
from collections.abc import Iterable

from llmops.compiler.emit.escapes import Escape, nunjucks
from llmops.compiler.model.target import Refusal

_loads = re.compile(
    r"\s*(?:file://|package:\S|(?:portkey|langfuse|helicone)://|(?:exec|python|javascript|golang|ruby|webhook):\S)",
    re.IGNORECASE,
).match
_calls = re.compile(r"\s*(?:https?|wss?):|\s*(?:mcp|browser)(?::|\Z)", re.IGNORECASE).match


def rendered(text: str) -> str:
    """A text that promptfoo renders: a prompt, an assertion's value, a variable of a prompt that is plain text.

    Variables of a chat prompt (JSON) are put in without rendering; for them take `variable`. Files and code
    that a value names at its start are loaded before anything is rendered. So is what a key `$ref` names, anywhere.
    """
    if _loads(text) or text == "$ref":
        raise Refusal(f"promptfoo would load or run what `{_start(text)}` names")
    return nunjucks(text)


_environment = re.compile(r"\benv[.\[]").search


def unrendered(text: str) -> str:
    """A text that promptfoo does not render. It still puts `{{ env.NAME }}` in everywhere when it reads its config."""
    # By splitting, since a pattern from brace to brace takes quadratic time on a text of opening braces.
    if any(_environment(part.split("}}", 1)[0]) for part in text.split("{{")[1:]):
        raise Refusal("promptfoo would put a variable of the environment in the place of `{{ env.… }}`")
    rendered(text)
    return text


_name = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}").finditer


def variable(names: Iterable[str]) -> Escape:
    """For the variables of a chat prompt (JSON) in a row that has these names.

    promptfoo puts them in without rendering, but for `{{ name }}` of the same row, which nothing can keep as it is.
    """
    known = frozenset(names)

    def escape(text: str) -> str:
        name = next((found[1] for found in _name(text) if found[1] in known), None)
        if name is not None:
            raise Refusal(f"promptfoo would put the row's own `{name}` in the place of its name in braces")
        return unrendered(text)

    return escape


def provider_part(text: str) -> str:
    """A part of a provider's id: as `unrendered`, and no address that promptfoo would call."""
    if _calls(text):
        raise Refusal(f"promptfoo would call `{_start(text)}`")
    return unrendered(text)


def _start(text: str) -> str:
    return re.split(r"(?<=[:/])(?![:/])|\s", text.strip(), maxsplit=1)[0][:20]
