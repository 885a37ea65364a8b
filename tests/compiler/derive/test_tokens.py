"""Bounds on tokens: they hold for what the tokenizers themselves count, and are not far off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmops.compiler.derive.tokens import fewest, fixed, most
from llmops.compiler.facts import Facts, Tokenizer

COUNTED = json.loads((Path(__file__).parents[1] / "facts" / "token_counts.json").read_text(encoding="utf-8"))
FACTS = Facts()


def tokenizer(name: str) -> Tokenizer:
    found = FACTS.tokenizer(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", sorted(COUNTED["rows"]))
def test_the_bounds_hold_for_what_was_counted(name: str) -> None:
    row = tokenizer(name)
    for title, text in COUNTED["texts"].items():
        count = COUNTED["rows"][name]["counts"][title]
        highest = most(row, text)
        assert highest is not None
        assert fewest(row, text) <= count <= highest, title


def test_the_lower_bound_is_of_use() -> None:
    """Of English prose it sees more than half of the tokens."""
    text, counts = COUNTED["texts"]["english"], COUNTED["rows"]
    for name, row in counts.items():
        assert fewest(tokenizer(name), text) * 2 > row["counts"]["english"], name


@pytest.mark.parametrize(
    ("text", "syntax", "shown"),
    [
        ("Answer {{ question }} now", "jinja2", "Answer  now"),
        ("Answer {{- question -}} now", "jinja2", "Answernow"),
        ("One {# never #}two", "jinja2", "One two"),
        ("Be brief. {% if long %}Be long. {% endif %}End", "jinja2", "Be brief.End"),
        ("{% for p in passages %}{{ p }}{% endfor %}", "jinja2", ""),
        ("{% set x = 1 %}Hello {{ x }}", "nunjucks", "Hello "),
        ("{% if a %}never closed", "jinja2", ""),
        ("a{% set x = 1 %}\nb{% set y = 2 %}\nc", "jinja2", "abc"),
        ("{% for p in ps %}{% if p %}x{% else %}y{% endif %}{% endfor %} after", "jinja2", "after"),
        ("Answer {question:>10} {{twice}}", "f-string", "Answer  {twice}"),
        ("As {{ it }} is", "none", "As {{ it }} is"),
    ],
)
def test_what_every_filling_shows(text: str, syntax: str, shown: str) -> None:
    assert "".join(fixed(text, syntax)) == shown


def test_filling_a_template_never_makes_fewer_tokens() -> None:
    row = tokenizer("qwen")
    template = "Guten {{ time }}tag, {{ name }}! Es ist {{ time }}."
    assert fewest(row, "".join(fixed(template, "jinja2"))) == 4
    for value in ("", "x", " ", "Mittwoch und Donnerstag", "!"):
        filled = template.replace("{{ time }}", value).replace("{{ name }}", value)
        assert fewest(row, filled) >= 4, value
