"""SQL as text: names and literals that hold nothing but what they say."""

from __future__ import annotations

import re

from llmops.compiler.model.target import Refusal

SAFE = re.compile(r"[A-Za-z0-9 _.,:;+*/=?!%&@#<>()\[\]{}|~^$'\"-]*")
"""Printable characters without a backslash: what a literal takes as it is, whatever the server's settings."""


def name(text: str) -> str:
    """An identifier, in quotes: no word of it is a keyword, and its case is kept."""
    if not text or not text.isprintable():
        raise Refusal("a name in SQL needs visible characters")
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text. More than plain characters are written by code points, which no setting reads otherwise."""
    if SAFE.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    if "\x00" in text:
        raise Refusal("PostgreSQL keeps no text with a NUL in it")
    return "U&'" + "".join(_unicode(sign) for sign in text) + "'"


def _unicode(sign: str) -> str:
    if sign == "'":
        return "''"
    if SAFE.fullmatch(sign):
        return sign
    return f"\\{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\+{ord(sign):06x}"


def escape(text: str) -> str:
    """Anything else of a config is put into SQL by the target as a name, a literal or a number, or not at all."""
    return literal(text)
