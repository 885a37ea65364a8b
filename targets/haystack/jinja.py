"""Haystack's second language: templates in prompts, adapters and conditions."""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import Any

from llmops.compiler.derive.template import MalformedError, names
from llmops.compiler.emit.escapes import jinja
from llmops.compiler.model.target import Refusal

FORBIDDEN = "templatize_part"
"""A word that the builder of chat prompts refuses anywhere in a message."""


def passages(fields: Iterable[str]) -> str:
    """Documents as plain data, what an app returns: without their vectors, and with no field but those of the index."""
    kept = ", ".join(f"{value(name)}: one.meta.get({value(name)})" for name in ("file", *fields))
    return (
        "{% set out = namespace(all=[]) %}{% for one in documents %}"
        "{% set out.all = out.all + [{'content': one.content, 'score': one.score, 'meta': {" + kept + "}}] %}"
        "{% endfor %}{{ out.all }}"
    )


JOINED = "{{ documents | map(attribute='content') | join('\\n\\n') }}"
"""Documents as one text."""
SCORES = "{{ documents | map(attribute='score') | list }}"


def value(data: Any) -> str:
    """A value of a config as a literal of the language, in characters that no one reads otherwise."""
    if isinstance(data, bool):
        return "true" if data else "false"
    if data is None:
        return "none"
    if isinstance(data, str):
        return ascii(data)
    if isinstance(data, list | tuple):
        return "[" + ", ".join(value(item) for item in data) + "]"
    if isinstance(data, dict):
        return "{" + ", ".join(f"{value(str(key))}: {value(item)}" for key, item in data.items()) + "}"
    return repr(data)


def template(text: str, syntax: str) -> str:
    """A message of a prompt as Jinja2 reads it, in whichever syntax it is written."""
    if FORBIDDEN in text:
        raise Refusal(f"the word `{FORBIDDEN}` has a meaning of its own there")
    if syntax == "none":
        return jinja(text)
    if syntax == "f-string":
        return _f_string(text)
    try:
        names(text, "jinja2")
    except MalformedError as error:
        raise Refusal(f"Jinja2 cannot read it: {error.why}") from None
    return text


def _f_string(text: str) -> str:
    out = ""
    try:
        for before, name, spec, conversion in string.Formatter().parse(text):
            written = jinja(before)
            out += f"{written[:-1]}{{{{ '{{' }}}}" if written.endswith("{") else written
            if name is not None:
                if spec or conversion or not name.isidentifier():
                    raise Refusal(f"`{{{name}}}` is more than a name")
                out += f"{{{{ {name} }}}}"
    except ValueError:
        raise Refusal("a brace is not closed") from None
    return out


def condition(name: str, equals: tuple[Any, ...], present: bool | None) -> str:
    """Whether a variable holds one of some values, or anything at all."""
    if present is not None:
        return f"({name} is not none and {name} != '')" if present else f"({name} is none or {name} == '')"
    return f"({name} == {value(equals[0])})" if len(equals) == 1 else f"({name} in {value(list(equals))})"
