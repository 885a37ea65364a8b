from __future__ import annotations

import re

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.compiler.emit import escapes
from llmops.compiler.emit.escapes import CANARIES
from tests.compiler.emit.trees import TEXTS
from tests.support.escapes import refuses, survives_canaries, takes_no_time

BRACES = st.text(alphabet=st.sampled_from("{}%#$-'\" x\n"), max_size=30)
JINJA = jinja2.Environment(keep_trailing_newline=True)


def evaluate_actions(text: str) -> str:
    """As the runner's TemplateReader does: an expression runs from `${{` to the first `}}` outside of quotes."""
    out, at = "", 0
    while (start := text.find("${{", at)) >= 0:
        end, quoted = start + 3, False
        while quoted or text[end : end + 2] != "}}":
            quoted ^= text[end] == "'"
            end += 1
        inside = text[start + 3 : end].strip()
        assert inside[0] == inside[-1] == "'", "only a string may be evaluated"
        out += text[at:start] + inside[1:-1].replace("''", "'")
        at = end + 2
    return out + text[at:]


@given(TEXTS | BRACES)
def test_actions_gives_the_text_back(text: str) -> None:
    assert evaluate_actions(escapes.actions_expression(text)) == text


@given(TEXTS | BRACES)
def test_dollars_give_the_text_back(text: str) -> None:
    written = escapes.dollar(text)
    assert re.search(r"(?<!\$)(?:\$\$)*\$(?!\$)", written) is None
    assert written.replace("$$", "$") == text


@given(TEXTS | BRACES)
def test_nunjucks_gives_the_text_back(text: str) -> None:
    text = re.sub(r"\r\n?", "\n", text)  # Jinja alone turns these into one
    written = escapes.nunjucks(text)
    assert JINJA.from_string(written).render() == text
    # What a tool may do before: refuse a pair that is open at the end of a line, put a variable in by hand, miss one.
    assert re.search(r"({%[^%]*$|{{[^}]*$|{#[^#]*$)", written, re.MULTILINE) is None
    assert re.search(r"\{\{\s*(\w+)\s*\}\}", written) is None
    assert re.search(r"\{\{\s*([^{}\s|]+)\s*(\|[^}]+)?\}\}|\{%", written) is None
    assert "#}" not in written, "nunjucks refuses the end of a comment that has no start"


@given(TEXTS | BRACES | st.text(alphabet="{}%#\r\n a", max_size=12))
def test_jinja_gives_the_text_back(text: str) -> None:
    written = escapes.jinja(text)
    assert jinja2.Environment().from_string(written).render() == text
    assert JINJA.from_string(written).render() == text


@given(TEXTS | BRACES)
def test_go_templates_give_the_text_back(text: str) -> None:
    written = escapes.go_template(text)
    pieces = re.split(r'\{\{ "(\{\{)" \}\}', written)
    assert "".join(pieces) == text
    assert all("{{" not in piece for piece in pieces[::2])


@pytest.mark.parametrize(
    ("escape", "refused", "taken"),
    [
        (escapes.argv_value, ["-", "--help", "-rf", "a\x00"], ["", "a-b", " -x"]),
        (escapes.env_line, ["a\nb", "a\rb", "a\x00", "a\u2028b"], ["", "a=b #c", "'"]),
    ],
)
def test_what_has_no_writing_is_refused(escape: escapes.Escape, refused: list[str], taken: list[str]) -> None:
    refuses(escape, refused, taken)


def test_a_chain_goes_from_the_inner_language_to_the_outer() -> None:
    escape = escapes.chain(escapes.nunjucks, escapes.actions_expression)
    assert escape("{{ x }}") == "{{ '{' }}{ x }}"
    assert escape("${{ x }}") == "${{ '${{' }} '{' }}{ x }}"
    assert evaluate_actions(escape("${{ x }}")) == escapes.nunjucks("${{ x }}")


ALL = [
    escapes.actions_expression,
    escapes.dollar,
    escapes.nunjucks,
    escapes.jinja,
    escapes.go_template,
    escapes.argv_value,
    escapes.env_line,
]


@pytest.mark.parametrize("escape", ALL)
def test_an_escape_takes_or_refuses_every_text_at_once(escape: escapes.Escape) -> None:
    survives_canaries(escape)
    takes_no_time(escape)


def test_canaries_are_texts_that_a_file_can_hold() -> None:
    assert len(set(CANARIES)) == len(CANARIES) > 120
    for text in CANARIES:
        text.encode()
