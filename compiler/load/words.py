"""The parser's complaints in our words."""

from __future__ import annotations

_SYNTAX = (
    (
        "mapping values are not allowed",
        "a `:` is not expected here",
        "quote a text that holds `: `, or check the indentation",
    ),
    (
        "cannot start any token",
        "this character cannot start a value",
        "quote the text; indent with spaces, never with tabs",
    ),
    ("could not find expected ':'", "a `:` is missing after this key", "write `key: value`"),
    (
        "expected ',' or ']'",
        "a list in brackets is not closed here",
        "add `,` or `]`; quote text that holds `,` or brackets",
    ),
    (
        "expected ',' or '}'",
        "a map in braces is not closed here",
        "add `,` or `}`; quote text that holds `?`, `,` or `:`",
    ),
    ("did not find expected ',' or ']'", "a list in brackets is not closed here", "add `,` or `]`"),
    (
        "did not find expected ',' or '}'",
        "a map in braces is not closed here",
        "add `,` or `}`; quote text that holds `?`, `,` or `:`",
    ),
    ("unexpected end of stream", "a quote is opened and never closed", "close it"),
    (
        "block sequence entries are not allowed",
        "a list item is not expected here",
        "start the list on a line of its own",
    ),
    ("block mapping", "the indentation does not fit the lines above", "line keys up with their neighbours"),
    ("expected <block end>", "the indentation does not fit the lines above", "line keys up with their neighbours"),
    ("did not find expected key", "the indentation does not fit the lines above", "line keys up with their neighbours"),
    ("did not find expected '-'", "the indentation does not fit the list above", "line the items up"),
    ("unknown escape", "this escape is not known inside double quotes", "use single quotes, or double the backslash"),
    ("escape", "this escape does not name a character", "use single quotes, or double the backslash"),
    ("undefined tag handle", "a tag is not allowed", "delete it; quote text that starts with `!`"),
    ("tag", "a tag is not allowed", "delete it; quote text that starts with `!`"),
    ("alias", "an alias or anchor has no name", "quote text that starts with `*` or `&`"),
    ("anchor", "an alias or anchor has no name", "quote text that starts with `*` or `&`"),
    ("<document start>", "a `---` or the end of the file is expected here", "line keys up with their neighbours"),
    ("directive", "a `%` directive is not allowed", "quote text that starts with `%`"),
)


def syntax(problem: str, context: str) -> tuple[str, str]:
    """What is wrong and what helps, for a parser's message."""
    for part, message, cure in _SYNTAX:
        if part in problem:
            return message, cure
    for part, message, cure in _SYNTAX:
        if part in context:
            return message, cure
    return "this is no valid YAML", "check quotes, brackets and indentation from here upwards"
