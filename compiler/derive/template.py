"""The variables that a template names. Templates are parsed, never rendered."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


class MalformedError(ValueError):
    """The text is no template of that syntax. `line` counts from 1 within the text."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.why, self.line = why, line


@lru_cache(maxsize=4096)
def names(text: str, syntax: str) -> tuple[str, ...]:
    """The variables that must be given from outside, sorted. Raises `MalformedError`.

    nunjucks is read by the parser of jinja2, whose language it nearly is: what it cannot parse is malformed too.
    """
    if syntax == "none":
        return ()
    try:
        found = _format_names(text) if syntax == "f-string" else _jinja_names(text)
        return tuple(sorted(set(found)))
    except RecursionError:
        raise MalformedError("it is nested too deeply", 1) from None


def _jinja_names(text: str) -> Iterable[str]:
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return ()
    from jinja2 import Environment, TemplateSyntaxError, meta, nodes

    environment = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    try:
        tree = environment.parse(text)
        for used in tree.find_all((nodes.Filter, nodes.Test)):
            known = environment.filters if isinstance(used, nodes.Filter) else environment.tests
            known.setdefault(used.name, _unjudged)  # the runner's own filters are not for us to judge
        return meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise MalformedError("a tag is not closed or not understood", error.lineno) from None


def _unjudged(*_: object) -> str:
    return ""


def _format_names(text: str) -> Iterator[str]:
    try:
        for _, name, spec, _ in string.Formatter().parse(text):
            if name is None:
                continue
            head = re.split(r"[.\[]", name, maxsplit=1)[0]
            if not head.isidentifier():
                raise MalformedError(f"`{{{name}}}` names no variable; a brace that is meant as text is doubled", 1)
            yield head
            yield from _format_names(spec or "")
    except MalformedError:
        raise
    except ValueError:
        raise MalformedError("a brace is not closed; one that is meant as text is doubled", 1) from None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a text: from character `start` to before `end`."""

    start: int
    end: int


def find(name: str, text: str, syntax: str) -> Stretch | None:
    """The first place in a text (or in the source of a config that holds it) where a tag names the variable."""
    word = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
    if syntax == "f-string":
        found = re.search(rf"(?<!\{{)\{{({re.escape(name)})(?=[.\[!:}}])", text)
        return None if found is None else Stretch(*found.span(1))
    for tag in _TAG.finditer(text):
        code = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), tag[0])
        found = word.search(code)
        if found is not None:
            return Stretch(tag.start() + found.start(), tag.start() + found.end())
    return None
