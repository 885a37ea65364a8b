"""The variables that templates name, and where."""

from __future__ import annotations

import re
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.compiler.derive import template
from llmops.compiler.derive.template import MalformedError, find, names


@pytest.mark.parametrize(
    ("text", "syntax", "expected"),
    [
        ("{{ a }} {{ b.c }} {{ d['e'] }}", "jinja2", ("a", "b", "d")),
        ("{% for x in xs %}{{ x }}{{ loop.index }}{% endfor %}", "jinja2", ("xs",)),
        ("{% set a = b %}{{ a | upper }}", "jinja2", ("b",)),
        ("{% macro m(p) %}{{ p }}{% endmacro %}{{ m(q) }}", "jinja2", ("q",)),
        ("{{ range(3) }} {{ '{{ no }}' }} {# {{ no }} #}", "jinja2", ()),
        ("{% raw %}{{ no }}{% endraw %}", "jinja2", ()),
        ("{{ a if b else c }} {{ d is defined }}", "nunjucks", ("a", "b", "c", "d")),
        ("{{ a | of_the_runner }}{% if b is of_its_own %}{% endif %}", "jinja2", ("a", "b")),
        ("plain { text } 100 %", "jinja2", ()),
        ("{a} {b.c} {d[0]} {e!r:>{width}} {{no}}", "f-string", ("a", "b", "d", "e", "width")),
        ("{{ anything } at all", "none", ()),
    ],
)
def test_names(text: str, syntax: str, expected: tuple[str, ...]) -> None:
    assert names(text, syntax) == expected


@pytest.mark.parametrize(
    ("text", "syntax"),
    [
        ("{{ " + "(" * 9000 + "a" + ")" * 9000 + " }}", "jinja2"), ("{a:" * 9000 + "}" * 9000, "f-string"),
        ("{{ a", "jinja2"), ("{% if a %}", "jinja2"), ("{a", "f-string"), ('{"a": 1}', "f-string"), ("{}", "f-string"),
    ],
)
def test_malformed(text: str, syntax: str) -> None:
    with pytest.raises(MalformedError):
        names(text, syntax)


PIECES = st.sampled_from((
    "{{ a }}", "{{b}}", "{{ a_1 }}", "{{  c\n}}", "{{ true }}", "{{ loop }}", "{{ a.b }}", "{{ a | upper }}",
    "{{", "}}", "{", "}", "{%", "%}", "{#", "#}", "{% if a %}", "{% endif %}", "text", " ", "\n", "{{ '}}' }}",
    "{{ range }}",
))


@given(st.lists(PIECES, max_size=6).map("".join))
def test_the_short_way_is_the_parsers(text: str) -> None:
    """What is read without the parser is what the parser would say."""
    with mock.patch.object(template, "_NAMED", re.compile(r"(?!)")):
        names.cache_clear()
        slow = outcome(text)
    names.cache_clear()
    assert outcome(text) == slow


def outcome(text: str) -> tuple[str, ...] | None:
    try:
        return names(text, "jinja2")
    except MalformedError:
        return None


def test_nothing_is_rendered() -> None:
    """A template that would never end, or would reach into the process, is only parsed."""
    assert names("{% for a in range(10**9) %}{{ ''.__class__.__mro__ }}{% endfor %}", "jinja2") == ()


@pytest.mark.parametrize(
    ("name", "text", "syntax", "expected"),
    [
        ("a", "a {{ a }}", "jinja2", (5, 6)),
        ("a", "{{ 'a' }}{{ b.a }}{{ a }}", "jinja2", (21, 22)),
        ("a", "{% if b\n and a %}", "jinja2", (13, 14)),
        ("a", "{{a}} {a}", "f-string", (7, 8)),
        ("a", "{ab} {a!r}", "f-string", (6, 7)),
        ("a", "no a", "jinja2", None),
    ],
)
def test_find(name: str, text: str, syntax: str, expected: tuple[int, int] | None) -> None:
    found = find(name, text, syntax)
    assert (None if found is None else (found.start, found.end)) == expected
