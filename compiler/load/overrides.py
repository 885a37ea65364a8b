"""Overrides, from llmops.yaml and from the command line: the same gates as for files, then Hydra's grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmops.compiler.load import codes, gate
from llmops.compiler.model.finding import Code, Diagnostic, diagnose
from llmops.compiler.model.sources import Span

if TYPE_CHECKING:
    from llmops.compiler.load.hydra import Change

MAX_CHARACTERS = 10_000
MAX_DEPTH = 16
"""Brackets inside each other; Hydra's parser calls itself for each."""
MAX_KEYS = 32
"""Of an override's path."""
MAX_COUNT = 500

_FUNCTION = re.compile(r"[A-Za-z_]\w*\(")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_SPLIT = re.compile(r"[\[\]{},]|:(?= )")


@dataclass(frozen=True, slots=True)
class Given:
    """An override as it was written, and where."""

    text: str
    span: Span
    command_line: bool = False
    implied: bool = False
    """Stands for an empty list in llmops.yaml: `[]` means `[env=<name>]`."""


@dataclass(frozen=True, slots=True)
class Read:
    """An override that passed the gates."""

    given: Given
    change: Change

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(p for p in re.split(r"[.\[\]]+", self.change.key) if p)


class RejectedError(Exception):
    """An override that is refused, before it is known what it would do."""

    def __init__(self, code: Code, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.cure = code, message, cure


def problem(given: Given, code: Code, message: str, cure: str = "", env: str | None = None) -> Diagnostic:
    return diagnose(code, message, given.span, help=[cure] if cure else (), environments=[env] if env else ())


def read(given: Given) -> Read:
    """Parse an override; raises `RejectedError`."""
    return Read(given, parse(given.text))


def parse(text: str) -> Change:
    """Gate and parse an override's text; raises `RejectedError`."""
    from llmops.compiler.load import hydra

    if len(text) > MAX_CHARACTERS:
        raise RejectedError(
            codes.TEXT_LENGTH, f"an override may have {MAX_CHARACTERS:,} characters", "write the values into a profile"
        )
    bad = gate.FORBIDDEN.search(text)
    if bad or "\n" in text:
        raise RejectedError(
            codes.CONTROL, f"the character U+{ord(bad[0] if bad else chr(10)):04X} is not allowed in an override"
        )
    bare = _QUOTED.sub("", text)
    _depth(bare)
    if bare.count("'") or bare.count('"'):
        raise RejectedError(
            codes.OVERRIDE_SYNTAX, "a quote in the override is not closed", "quote the whole for your shell as well"
        )
    if _FUNCTION.search(bare):
        raise RejectedError(
            codes.OVERRIDE_FUNCTION, "an override calls a function", "write the value itself; quote text that holds `(`"
        )
    _unclear(bare)
    try:
        change = hydra.parse_override(text)
    except hydra.RefusedError:
        raise RejectedError(
            codes.OVERRIDE_SYNTAX,
            f"`{gate.cut(text, 50)}` is no override",
            "write `folder=option`, `+folder=option`, `path=value` or `~path`; quote unusual text",
        ) from None
    if change.key.count(".") + change.key.count("[") >= MAX_KEYS:
        raise RejectedError(codes.DEPTH, f"an override's path has more than {MAX_KEYS} keys", "write it into a profile")
    if change.hydra:
        raise RejectedError(
            codes.OVERRIDE_HYDRA,
            "Hydra's own settings cannot be overridden",
            "remove it; `search_path` stands in llmops.yaml",
        )
    if change.sweep:
        raise RejectedError(
            codes.OVERRIDE_FUNCTION, "an override gives several values", "give one; a list is written `[a,b]`"
        )
    _value(change.value)
    return change


def _depth(bare: str) -> None:
    depth = 0
    for character in bare:
        depth += (character in "[{(") - (character in "]})")
        if depth > MAX_DEPTH:
            raise RejectedError(
                codes.DEPTH, f"values are nested more than {MAX_DEPTH} deep in an override", "write them into a profile"
            )


def _unclear(bare: str) -> None:
    """Words that YAML would ask to quote."""
    _, equals, value = bare.partition("=")
    if not equals:
        return
    for word in _SPLIT.split(value):
        word = word.strip()
        if not word:
            continue
        try:
            gate.plain(word)
        except gate.UnclearError as unclear:
            raise RejectedError(unclear.code, unclear.message, unclear.cure) from None


def _value(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise RejectedError(
                    codes.KEY,
                    f"the key `{gate.cut(str(key))}` is no text, and keys must be",
                    "write it into a profile, quoted",
                )
            _value(item)
    elif isinstance(value, list):
        for item in value:
            _value(item)
    elif isinstance(value, float) and value - value != 0:
        raise RejectedError(codes.NUMBER, "the number is not finite", "write a smaller one")
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**gate.MAX_DIGITS:
        raise RejectedError(codes.NUMBER, f"a whole number may have at most {gate.MAX_DIGITS} digits", "quote it")
    elif isinstance(value, str) and gate.FORBIDDEN.search(value):
        raise RejectedError(codes.CONTROL, "a control character is not allowed in an override")


def special(value: Any) -> bool:
    """Whether a null, a `???` or an interpolation stands in a value."""
    if isinstance(value, dict):
        return any(map(special, value.values()))
    if isinstance(value, list):
        return any(map(special, value))
    return value is None or (isinstance(value, str) and ("${" in value or value == "???"))
