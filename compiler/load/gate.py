"""What may be in a config at all: limits, forbidden characters, and scalars that mean one thing to every reader.

Bytes are checked before a parser sees them; the rest is checked on the parser's events (parse.py), so that nothing is
built from a hostile file first.
"""

from __future__ import annotations

import re
from typing import Any

from llmops.compiler.load import codes
from llmops.compiler.model.finding import Code, Diagnostic, diagnose
from llmops.compiler.model.sources import Span

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 50_000
MAX_TEXT = 200_000
"""Characters of one scalar."""
MAX_KEY = 1_000
MAX_DIGITS = 18
"""Of a number; a larger one is read differently by different tools."""
MAX_PROBLEMS = 50
"""Of one file; what comes after is not worth reading."""

# C0 without tab and line end, DEL, C1, a carriage return that ends no line, the separators that some readers take for a
# line end, byte order marks, non-characters, surrogates.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]|\r(?!\n)")
# Bidirectional controls, zero-width space, invisible operators, tags. The joiners U+200C and U+200D are ordinary text.
INVISIBLE = re.compile("[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\U000e0000-\U000e007f]")

_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+][0-9]+)?|[-+]?(?:0|[1-9][0-9]*)[eE]-[0-9]+"
)
# Whatever some reader of YAML 1.1 or 1.2 takes for something other than text, and that is none of the above.
_AMBIGUOUS = re.compile(
    r"""(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|=)
    |[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN)
    |[-+]?0b[01_]+|[-+]?0o[0-7_]+|[-+]?0x[0-9a-fA-F_]+
    |[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?
    |[-+]?\.[0-9_]+(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
    |[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*)?""",
    re.VERBOSE,
)
_MAYBE = frozenset("0123456789+-.~nNtTfFyYoO=<")
"""A plain scalar that starts otherwise is text."""


class UnclearError(Exception):
    """A plain scalar that is refused: the code and the words."""

    def __init__(self, code: Code, message: str, cure: str) -> None:
        super().__init__(message)
        self.code, self.message, self.cure = code, message, cure


def plain(text: str) -> Any:
    """The value of an unquoted scalar, by OmegaConf's rules where all agree; raises `UnclearError` elsewhere."""
    if text in _NULLS:
        return None
    if text[0] not in _MAYBE:
        return text
    if text in _BOOLS:
        return _BOOLS[text]
    if _INTEGER.fullmatch(text):
        if len(text.lstrip("+-")) > MAX_DIGITS:
            raise UnclearError(
                codes.NUMBER, f"a whole number may have at most {MAX_DIGITS} digits", f'quote it: "{cut(text)}"'
            )
        return int(text, 16) if text[:2] == "0x" else int(text)
    if _FLOAT.fullmatch(text):
        number = float(text) if len(text) <= 64 else float("inf")
        if number - number != 0:
            raise UnclearError(codes.NUMBER, "the number is too large or too long", "write a smaller one")
        return number
    if _AMBIGUOUS.fullmatch(text):
        raise UnclearError(codes.AMBIGUOUS, f"`{cut(text)}` is read differently by different tools", _cure(text))
    if text == "<<":
        raise UnclearError(
            codes.MERGE_KEY, "a merge key `<<` is not allowed", "write the values out, or select them with `defaults`"
        )
    return text


def _cure(text: str) -> str:
    word = text.lower()
    if word in ("yes", "on"):
        return f'write `true`, or quote it if the text is meant: "{text}"'
    if word in ("no", "off"):
        return f'write `false`, or quote it if the text is meant: "{text}"'
    if re.fullmatch(r"[-+]?[0-9]+[eE]\+?[0-9]+", text):
        return f'write it out, or with a point, or quote it if the text is meant: "{cut(text)}"'
    if "_" in text and re.fullmatch(r"[0-9_]+", text):
        return f"write {cut(text.replace('_', ''))}, or quote it if the text is meant"
    return f'quote it if the text is meant: "{cut(text)}"'


def cut(text: str, limit: int = 32) -> str:
    """A name from a config as a message shows it."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def decode(path: str, data: bytes) -> tuple[str | None, list[Diagnostic]]:
    """A file's text, or why it cannot be a config; warnings may come with a text."""
    if len(data) > MAX_BYTES:
        return None, [too_large(path, len(data))]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        span = at_index(path, before, len(before))
        return None, [
            diagnose(
                codes.NOT_UTF8,
                "the file is not UTF-8 text",
                span,
                f"byte 0x{data[error.start]:02x}",
                help=["save it as UTF-8"],
            )
        ]
    if text.startswith("\ufeff"):
        return None, [
            diagnose(
                codes.BOM,
                "the file starts with a byte order mark",
                Span(path, 1, 1, 1, 2),
                help=["save it as UTF-8 without a byte order mark"],
            )
        ]
    found = []
    for match in FORBIDDEN.finditer(text):
        name = f"U+{ord(match[0]):04X}"
        found.append(
            diagnose(
                codes.CONTROL,
                f"the character {name} is not allowed",
                at_index(path, text, match.start()),
                name,
                help=["delete it, or describe it in words"],
            )
        )
        if len(found) == MAX_PROBLEMS:
            break
    if found:
        return None, found
    if not text.isascii():
        hidden = INVISIBLE.search(text)
        if hidden:
            name = f"U+{ord(hidden[0]):04X}"
            found.append(
                diagnose(
                    codes.INVISIBLE,
                    f"the invisible character {name} may hide what a reader sees",
                    at_index(path, text, hidden.start()),
                    name,
                    help=["delete it"],
                )
            )
    return text, found


def too_large(path: str, size: int) -> Diagnostic:
    return diagnose(
        codes.TOO_LARGE,
        f"the file has {size:,} bytes, a config may have {MAX_BYTES:,}",
        Span(path, 1, 1, 1, 1),
        help=["move data to a file of its own and name it from the config"],
    )


def too_much(path: str, code: Code, limit: str) -> Diagnostic:
    return diagnose(
        code,
        f"the configs have more than {limit} together",
        Span(path, 1, 1, 1, 1),
        "not read any more",
        help=["move data to files of their own and name them from the configs"],
    )


def at_index(path: str, text: str, index: int) -> Span:
    """The span of one character."""
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    return Span(path, line, column, line, column + 1)
