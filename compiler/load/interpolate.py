"""Interpolation: a small grammar of our own, no resolvers, and limits on what it may grow to.

`\\${x}` is the text `${x}`; `\\\\${x}` a backslash and the value; other backslashes stay. Without `strict` this reads
what OmegaConf reads (but for resolvers and names made of interpolations), relative paths too; a project's configs are
read with `strict`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llmops.compiler.load import codes
from llmops.compiler.load.gate import cut
from llmops.compiler.model.finding import Code
from llmops.compiler.model.keys import Key, KeyPath, dotted

MAX_VALUES = 200_000
"""Values that interpolations may add to one environment."""
MAX_CHARACTERS = 4_000_000
"""Characters that they may add to one environment."""
MAX_DEPTH = 64
"""Interpolations that lead to each other."""
MAX_LEVELS = 128
"""Maps and lists inside each other, copied ones included."""

_SIMPLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+)\}")
_KEY = r"[^\\{}()\[\]:. \t'\"$]+"
_WHOLE = re.compile(
    rf"\$\{{[ \t]*(?P<dots>\.*)(?:(?P<key>{_KEY})|\[(?P<first>{_KEY})\])(?P<rest>(?:\.{_KEY}|\[{_KEY}\])*)[ \t]*\}}"
)
_STEP = re.compile(rf"\.({_KEY})|\[({_KEY})\]")
_RESOLVER = re.compile(r"\$\{[ \t]*[A-Za-z_][\w.]*[ \t]*:")
_OPEN = re.compile(r"(\\*)\$\{")


class InterpolationError(Exception):
    """An interpolation that gives no value. `at` is the place of the text that holds it."""

    def __init__(self, code: Code, message: str, cure: str = "", at: KeyPath = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.cure, self.at = code, message, cure, at


@dataclass(frozen=True, slots=True)
class Ref:
    """One `${…}`: its keys, and how many dots stand before them (0: from the top)."""

    keys: tuple[str, ...]
    up: int
    text: str


Part = str | Ref


def parse(text: str, strict: bool = True) -> tuple[Part, ...]:
    """A text's parts: literal text and references; raises `InterpolationError`."""
    simple = _SIMPLE.fullmatch(text)
    if simple:
        return (Ref(tuple(simple[1].split(".")), 0, text),)
    parts: list[Part] = []
    done = 0
    while match := _OPEN.search(text, done):
        slashes = len(match[1])
        literal = text[done : match.start()] + "\\" * (slashes // 2)
        start = match.start() + slashes
        if slashes % 2:
            # an escaped opening: literal up to and with it
            _add(parts, literal + "${")
            done = start + 2
            continue
        _add(parts, literal)
        ref, done = _ref(text, start, strict)
        parts.append(ref)
    _add(parts, text[done:])
    return tuple(parts)


def _add(parts: list[Part], text: str) -> None:
    if not text:
        return
    if parts and isinstance(parts[-1], str):
        parts[-1] += text
    else:
        parts.append(text)


def _ref(text: str, start: int, strict: bool) -> tuple[Ref, int]:
    match = _WHOLE.match(text, start)
    if match is None:
        if _RESOLVER.match(text, start):
            name = text[start + 2 : text.index(":", start)].strip()
            raise InterpolationError(
                codes.RESOLVER,
                f"`{cut(name)}` is a function, and interpolations have none",
                "a value known only outside is written `{variable: NAME}`",
            )
        inner = text.find("${", start + 2)
        if inner > 0 and text.find("}", start) > inner:
            raise InterpolationError(codes.NESTED, "an interpolation stands inside another", "write the name out")
        raise InterpolationError(
            codes.MALFORMED,
            "the interpolation is malformed",
            "write `${kind.name.field}` or `${env.field}`; a literal `${` is written `\\${`",
        )
    first = match["key"] or match["first"]
    keys = [first, *(a or b for a, b in _STEP.findall(match["rest"]))]
    dots = len(match["dots"])
    whole = match[0]
    if strict and (dots or "[" in whole or " " in whole or "\t" in whole or len(keys) < 2):
        raise InterpolationError(
            codes.NOT_ABSOLUTE,
            f"`{cut(whole)}` does not name a value from the top",
            "write `${kind.name.field}` or `${env.field}`"
            if not _SHELL.fullmatch(whole)
            else f"write the value, or `{{variable: {whole[2:-1]}}}` where the field takes it",
        )
    return Ref(tuple(keys), dots, whole), match.end()


_SHELL = re.compile(r"[$][{][A-Z][A-Z0-9_]*[}]")
"""As a shell's variable is written."""
Literal = Callable[[KeyPath], bool]
"""Whether what stands at a path is text for people, never interpolated."""


class Resolver:
    """Finds the values of one composed config. `literal` is asked for each place whose text holds `${`."""

    def __init__(self, root: dict[str, Any], strict: bool = True, literal: Literal = lambda path: False) -> None:
        self.root = root
        self.strict = strict
        self._literal = literal
        self._busy: set[KeyPath] = set()
        self._values = 0
        self._characters = 0
        self._depth = 0
        self._copying = False
        self._levels = 0

    def value(self, value: Any, path: KeyPath) -> Any:
        """A value with all interpolations in it resolved; `value` itself where there are none."""
        if type(value) is str:
            return self._text(value, path) if "${" in value else value
        if not isinstance(value, (dict, list)):
            return value
        if self._levels >= MAX_LEVELS:
            raise InterpolationError(
                codes.EXPANDS, f"interpolated maps and lists are nested more than {MAX_LEVELS} deep", "flatten them"
            )
        self._levels += 1
        try:
            return self._map(value, path) if isinstance(value, dict) else self._list(value, path)
        finally:
            self._levels -= 1

    def _map(self, value: dict[str, Any], path: KeyPath) -> dict[str, Any]:
        self._grown(len(value))
        new = {k: self.value(v, (*path, k)) if type(v) in _DEEP else v for k, v in value.items()}
        return new if self._copying or any(new[k] is not v for k, v in value.items()) else value

    def _list(self, value: list[Any], path: KeyPath) -> list[Any]:
        self._grown(len(value))
        new = [self.value(v, (*path, i)) if type(v) in _DEEP else v for i, v in enumerate(value)]
        return new if self._copying or any(a is not b for a, b in zip(new, value, strict=True)) else value

    def _grown(self, count: int, characters: int = 0) -> None:
        if not self._depth:
            return
        self._values += count
        self._characters += characters
        if self._values > MAX_VALUES or self._characters > MAX_CHARACTERS:
            raise InterpolationError(
                codes.EXPANDS,
                f"interpolations add more than {MAX_VALUES:,} values or {MAX_CHARACTERS:,} characters",
                "write shared values once and refer to them less often",
            )

    def _text(self, text: str, path: KeyPath) -> Any:
        if self._literal(path):
            return text
        if path in self._busy:
            raise InterpolationError(
                codes.LOOP, f"the interpolation at `{dotted(path)}` reads itself", "write one of the values out", path
            )
        if self._depth >= MAX_DEPTH:
            raise InterpolationError(
                codes.EXPANDS, f"more than {MAX_DEPTH} interpolations lead to each other", "name the value itself", path
            )
        self._busy.add(path)
        self._depth += 1
        try:
            parts = parse(text, self.strict)
            if len(parts) == 1 and isinstance(parts[0], Ref):
                return self._read(parts[0], path)
            out = "".join(part if isinstance(part, str) else self._as_text(part, path) for part in parts)
            self._grown(1, len(out))
            return out
        except InterpolationError as problem:
            if not problem.at:
                problem.at = path
            raise
        finally:
            self._depth -= 1
            self._busy.discard(path)

    def _as_text(self, ref: Ref, path: KeyPath) -> str:
        value = self._read(ref, path)
        if isinstance(value, (dict, list)):
            kind = "a map" if isinstance(value, dict) else "a list"
            raise InterpolationError(
                codes.IN_TEXT, f"`{cut(ref.text)}` is {kind}, and stands inside a text", "name one of its values", path
            )
        if self.strict and value is None:
            raise InterpolationError(
                codes.NO_VALUE, f"`{cut(ref.text)}` is null, and stands inside a text", "give it a value", path
            )
        return str(value)

    def _read(self, ref: Ref, path: KeyPath) -> Any:
        at = self.target(ref, path)
        value = self._at(at)
        if type(value) is str:
            if value == "???":
                raise InterpolationError(
                    codes.MISSING, f"`{cut(ref.text)}` is still missing: `???`", "give it a value", path
                )
            found = self._text(value, at) if "${" in value else value
            self._grown(1, len(found) if type(found) is str else 0)
            return found
        if isinstance(value, (dict, list)):
            if at in self._busy or path[: len(at)] == at:
                raise InterpolationError(
                    codes.LOOP, f"`{cut(ref.text)}` holds the place that reads it", "name one of its values", path
                )
            self._busy.add(at)
            before, self._copying = self._copying, True
            try:
                return self.value(value, at)
            finally:
                self._copying = before
                self._busy.discard(at)
        self._grown(1)
        return value

    def _at(self, path: KeyPath) -> Any:
        value: Any = self.root
        for key in path:
            value = value[key]
        return value

    def source(self, text: str, path: KeyPath) -> KeyPath:
        """The place that a text of one reference reads; the text must have been resolved before."""
        ref = parse(text, self.strict)[0]
        return self.target(ref, path) if isinstance(ref, Ref) else path

    def target(self, ref: Ref, path: KeyPath) -> KeyPath:
        """The place that a reference in the text at `path` reads, other interpolations on the way followed."""
        base: KeyPath = ()
        if ref.up:
            if ref.up > len(path):
                raise InterpolationError(
                    codes.NO_VALUE,
                    f"`{cut(ref.text)}` has more dots than there are levels",
                    "write it from the top",
                    path,
                )
            base = path[: len(path) - ref.up]
        return self._walk(self._at(base), base, ref.keys, ref, path, 0)

    def _walk(self, value: Any, at: KeyPath, keys: tuple[str, ...], ref: Ref, path: KeyPath, hops: int) -> KeyPath:
        for index, name in enumerate(keys):
            if type(value) is str and "${" in value:
                # the way leads through another interpolation
                at = self._follow(value, at, ref, path, hops)
                return self._walk(self._at(at), at, keys[index:], ref, path, hops + 1)
            key: Key = name
            if isinstance(value, list):
                if not (name.isascii() and name.isdigit()) or int(name) >= len(value):
                    raise InterpolationError(
                        codes.NO_VALUE, f"`{cut(ref.text)}` reads nothing: the list has no item `{cut(name)}`", "", path
                    )
                key = int(name)
            elif not isinstance(value, dict) or name not in value:
                raise InterpolationError(
                    codes.NO_VALUE,
                    f"`{cut(ref.text)}` reads nothing: there is no `{cut(dotted((*at, name)), 60)}`",
                    _near(value, name),
                    path,
                )
            value = value[key]
            at = (*at, key)
        return at

    def _follow(self, text: str, at: KeyPath, ref: Ref, path: KeyPath, hops: int) -> KeyPath:
        if hops >= MAX_DEPTH:
            raise InterpolationError(
                codes.LOOP, f"`{cut(ref.text)}` leads round in a circle", "name the value itself", path
            )
        parts = () if self._literal(at) else parse(text, self.strict)
        if len(parts) != 1 or not isinstance(parts[0], Ref):
            raise InterpolationError(
                codes.NO_VALUE, f"`{cut(ref.text)}` reads nothing: `{cut(dotted(at), 60)}` is a text", "", path
            )
        inner = parts[0]
        base: KeyPath = at[: max(0, len(at) - inner.up)] if inner.up else ()
        return self._walk(self._at(base), base, inner.keys, ref, path, hops + 1)


_DEEP = (str, dict, list)


def _near(value: Any, name: str) -> str:
    if not isinstance(value, dict):
        return ""
    from llmops.compiler.diagnostics.suggest import did_you_mean

    return did_you_mean(name, value) or ""


def references(text: str) -> tuple[Ref, ...]:
    """The references in a text; none where it is malformed."""
    try:
        return tuple(part for part in parse(text, strict=False) if isinstance(part, Ref))
    except InterpolationError:
        return ()
