"""The variables that a template names. Templates are parsed, never rendered."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_NAMED = re.compile(r"(?<!\{)\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}(?!\})")
"""A tag that is a name and nothing else, as nearly all are."""
_WORDS = frozenset((
    "true", "false", "none", "True", "False", "None", "and", "or", "not", "if", "else", "in", "is", "loop", "self",
    "super", "caller", "varargs", "kwargs", "range", "dict", "lipsum", "cycler", "joiner", "namespace", "context",
))
"""Names with a meaning of their own."""
_OPENING = re.compile(r"\{\{|\{%")
_ANY = re.compile(r"\{\{|\{%|\{#|\}\}|%\}|#\}")
_CLOSING = {"{{": "}}", "{%": "%}"}
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


MAX_CHARACTERS = 1_000_000
MAX_TAGS = 10_000
"""Of a template that is parsed."""
_MAX_QUOTED = 10_000
"""Characters of a tag in which what is quoted is left out."""


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
    if len(text) > MAX_CHARACTERS or len(_OPENING.findall(text)) > MAX_TAGS:
        raise MalformedError(f"a template may have {MAX_CHARACTERS:,} characters and {MAX_TAGS:,} tags", 1)
    named = _NAMED.findall(text)
    if not _ANY.search(_NAMED.sub("\0", text)) and _WORDS.isdisjoint(named):
        return named  # without the parser, which takes longer to import than most projects to compile
    from jinja2 import TemplateSyntaxError, meta, nodes

    parser = _parser()
    try:
        tree = parser.parse(text)
        for used in tree.find_all((nodes.Filter, nodes.Test)):
            known = parser.filters if isinstance(used, nodes.Filter) else parser.tests
            known[used.name] = _unjudged  # the runner's own filters are not for us to judge
        return meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise MalformedError("a tag is not closed or not understood", error.lineno) from None


def _unjudged(*_: object) -> str:
    return ""


@cache
def _parser() -> SandboxedEnvironment:
    """Reads templates and computes nothing: jinja2 would work out constant expressions (`9**9**9`) while it reads."""
    from jinja2.sandbox import SandboxedEnvironment

    class Parser(SandboxedEnvironment):
        intercepted_binops = frozenset(SandboxedEnvironment.default_binop_table)
        intercepted_unops = frozenset(SandboxedEnvironment.default_unop_table)

    return Parser(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], optimized=False)


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
    for start, end in _tags(text):
        code = text[start:end]
        if len(code) <= _MAX_QUOTED:
            code = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), code)
        found = word.search(code)
        if found is not None:
            return Stretch(start + found.start(), start + found.end())
    return None


def _tags(text: str) -> Iterator[tuple[int, int]]:
    """From an opening to the next closing of its kind. By hand, since a pattern takes quadratic time on openings."""
    at = 0
    unclosed: set[str] = set()
    while opening := _OPENING.search(text, at):
        closing = _CLOSING[opening[0]]
        end = -1 if closing in unclosed else text.find(closing, opening.end())
        if end < 0:
            unclosed.add(closing)
            at = opening.start() + 1
        else:
            at = end + len(closing)
            yield opening.start(), at
