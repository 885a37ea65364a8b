"""Ready-made escapes for second languages, called by the language: what a tool does to a string after it has read the
file. What only one tool does to its strings is escaped in its target.

Each takes a text from a config and gives the text to write, so that the tool ends up with the config's text; or it
raises Refusal where there is no such writing. They are pure, and joined by `chain`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from llmops.compiler.model.target import Refusal

Escape = Callable[[str], str]


def chain(*escapes: Escape) -> Escape:
    """One escape after the other: the innermost language first, the one that the tool reads first last."""

    def escape(text: str) -> str:
        for step in escapes:
            text = step(text)
        return text

    return escape


def actions_expression(text: str) -> str:
    """Workflows evaluate `${{ }}` in any value. An expression can hold the sign itself as a string."""
    return text.replace("${{", "${{ '${{' }}")


def dollar(text: str) -> str:
    """Where `$X`, `${X}` or `$(X)` in a value is replaced by a variable, and `$$` is read as `$`."""
    return text.replace("$", "$$")


def go_template(text: str) -> str:
    """Where `{{ }}` is rendered as Go's text/template does: in an alert's annotations, or in a whole file."""
    return text.replace("{{", '{{ "{{" }}')


_nunjucks_signs = re.compile(r"\{(?=[{%#])|(?<=#)\}").sub


def nunjucks(text: str) -> str:
    """A text that nunjucks renders exactly once.

    Of `{{`, `{%` and `{#` the first brace is written as an expression, never the pair: some tools take a line with an
    opening pair and no closing one for a broken template and render nothing of it, or replace `{{ word }}` by hand
    before nunjucks does. `#}` without an opening is an error in nunjucks, unlike in Jinja.
    """
    return _nunjucks_signs(lambda found: f"{{{{ '{found[0]}' }}}}", text)


_jinja_signs = re.compile(r"\{(?=[{%#\r]|\n\Z)|\r|\n\Z").sub


def jinja(text: str) -> str:
    """A text that Jinja2 renders exactly once, with the settings that it has by itself.

    An opening pair is broken up as in `nunjucks`. A carriage return would become a line feed, and the last line feed
    of a template is dropped: both are written as expressions.
    """
    return _jinja_signs(lambda found: f"{{{{ {found[0]!r} }}}}", text)


def argv_value(text: str) -> str:
    """An argument of its own, which a command must not take for an option."""
    if text.startswith("-"):
        raise Refusal("it starts with `-` and would be an option")
    if "\x00" in text:
        raise Refusal("an argument cannot hold a NUL")
    return text


def env_line(text: str) -> str:
    """A value in a file of `NAME=value` lines, which has no escape for a line's end that all readers know."""
    if re.search(r"[\x00\n\r\x85\u2028\u2029]", text):
        raise Refusal("a line break or NUL would start another line of the env file")
    return text


CANARIES: tuple[str, ...] = (
    # second languages
    "${{ secrets.TOKEN }}", "$${{ github.token }}", "a ${{ b", "}} ${{", "$[[ inputs.x ]]", "$HOME", "${HOME}",
    "$$", "$(id)", "`id`",
    "{{ 7 * 7 }}", "{{7*7}} {%if x%}", "{{{ x }}}", "{{ question }}", "{% raw %}", "{% endraw %}", "{%- x -%}",
    "{# x #}", "{#} #}", "{{ env.HOME }}",
    "os.environ/PATH", "Bearer os.environ/PATH", "file:///etc/passwd", "package:os:exec", "exec:id", "python:x.py",
    "javascript:process.exit()", "https://example.com/", "portkey://x", "$ref",
    "--help", "-rf", "-", "a; id", "a && id", "%0A::error::x", "::error::x", "a\n::error::x", "a\nB=c", "a\r\nb",
    "\n", "\n\n a\n",
    # YAML
    "on", "y", "~", "null", "=", "<<", "1e-5", "1e3", "08", "0o10", "0x1F", "1_000", "12:30:45", "2026-01-01",
    ".inf", "-.NaN", "1.", ".5",
    "", " ", " lead", "trail ", "a\tb", "\ta", "a:", ": a", "a: b", "a #b", "#a", "- a", "-a", "---", "...", "? a",
    "*a", "&a", "!a", "!!str a",
    "%a", "@a", "|", ">", "[a]", "{a}", ",a", "'", '"', "\\", "\\n", "a\n\n", "a\n b", "  a\nb", "a \nb\n",
    "a\n\tb", "a\n  ",
    # what the eye does not see
    "a\x7fb", "a\x85b", "a\u2028b", "a\u2029b", "\ufeffa", "a\u200bb", "a\u202eb", "a\u2066b", "\U000e0041", "\xa0",
    "\u3000", "\ufffe",
    "\U0001f600", "\U0001f468\u200d\U0001f469", "é", "e\u0301",
    # Markdown and HTML
    "</script><script>alert(1)</script>", "<!-- a -->", "--> a", "<img src=x>", "![a](https://example.com/)",
    "[a](b)", "@here", "#12",
    "a|b", "a\\|b", "```", "``a`", "`", "&lt;",
)  # fmt: skip
"""Hostile texts, which are pushed through every text field of every target. A config's own gate refuses some of them
before a target sees them; files of a project may still hold those."""
