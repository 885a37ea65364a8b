"""Texts that stand in a workflow: shell words, expressions, patterns of files, names.

A script (`run:`) is the target's own text and words of targets that no shell and no expression reads as anything else.
Whatever a config decides comes in by `env:` and is used quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from llmops.compiler.model.sourced import Joined, Sourced, literal

Word = Sourced[str] | str
Argv = Sequence[Word]

_harmless = re.compile(r"[A-Za-z0-9_./:=@%+,-]+").fullmatch
_own = re.compile(r"\$RUNNER_TEMP/[A-Za-z0-9_-]+(?:/bin/python)?").fullmatch
_variable = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
_label = re.compile(r"[A-Za-z0-9._-]+").fullmatch
_class = r"\[(?:[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9]{2})+\]\+?"
_reference = re.compile(rf"!?(?!/)(?:[\w.@#%&=,*/-]|{_class})+(?<![/.])").fullmatch
_option = re.compile(r"--[a-z][a-z-]*").fullmatch
_special = re.compile(r"[*?+\[\]!\\]").sub
_unwritable = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]|^\s|\s$").sub
_wild = re.compile(r"\*+|\?|\[[^\]/]+\]|[^*?\[]+|\[").findall


def is_variable(text: str) -> bool:
    return _variable(text) is not None


def is_label(text: str) -> bool:
    """Whether it can be the label of a runner."""
    return _label(text) is not None


def is_reference(text: str) -> bool:
    """Whether branches or tags can be called so: a name or a pattern with `*`, `**` and `[…]`."""
    return _reference(text) is not None and "//" not in text and ".." not in text


def data(text: Word) -> Sourced[str]:
    """The text as a value of the workflow: the target's escape sees it, whatever language it was in before."""
    return Sourced(text.value, text.sources) if isinstance(text, Sourced) else Sourced(text)


class Script:
    """Command lines, and the variables that bring what must not stand in them."""

    def __init__(self) -> None:
        self.env: dict[str, Any] = {}
        self._lines: list[str] = []

    def add(self, argv: Argv) -> Script:
        self._lines.append(self.line(argv))
        return self

    def within(self, environment: str | None) -> Script:
        """Programs are looked for in a Python environment first; None: in the job's own."""
        if environment is not None:
            self._lines.append(f"PATH={programs(environment)}")
        return self

    def export(self, name: str, value: str) -> Script:
        """A variable of this target's own, for the lines that follow."""
        self._lines.append(f"export {name}={value}")
        return self

    def line(self, argv: Argv) -> str:
        """One command line."""
        made: list[str] = []
        before = ""
        for word in argv:
            text = str(word.value) if isinstance(word, Sourced) else word
            if isinstance(word, str) and _own(word):
                made.append(f'"{text}"')
            elif _harmless(text) and not (isinstance(word, Sourced) and word.sources):
                made.append(text)
            else:
                made.append(f'"${self._bring(before, data(word))}"')
            before = text
        return " ".join(made)

    def run(self, *reasons: Sourced[Any] | None) -> Sourced[str] | Joined:
        """The body; `reasons` are what decided names in each line."""
        lines = tuple(literal(line).because(*reasons) for line in self._lines)
        return lines[0] if len(lines) == 1 else Joined(lines)

    def _bring(self, before: str, word: Sourced[str]) -> str:
        """A variable called after the option before it: `--port` brings LLMOPS_PORT."""
        wish = before[2:].replace("-", "_").upper() if _option(before) else "WORD"
        name, count = f"LLMOPS_{wish}", 1
        while name in self.env and self.env[name] != word:
            count += 1
            name = f"LLMOPS_{wish}_{count}"
        self.env[name] = word.map(str)
        return name


def programs(environment: str) -> str:
    """The PATH of a Python environment of the job."""
    return f'"$RUNNER_TEMP/{environment}/bin:$PATH"'


@cache
def _template(name: str) -> Template:
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.from_string(files(__package__).joinpath("templates", name).read_text("utf-8"))


def script(name: str, **parts: str) -> str:
    """A script of templates/; `parts` are command lines that `Script` made."""
    return _template(name).render(**parts)


def condition(parts: Iterable[Word | None]) -> Any:
    """All of these, as an `if:`; None for none. Expressions here are the target's own."""
    found = [part if isinstance(part, Sourced) else Sourced(part, (), raw=True) for part in parts if part is not None]
    if not found:
        return None
    texts = [p.value for p in found]
    text = texts[0] if len(texts) == 1 else " && ".join(f"({t})" if "||" in t else t for t in texts)
    return Sourced(f"${{{{ {text} }}}}", (), raw=True).because(*found)


def filter_pattern(path: str, glob: bool) -> str:
    """A path as an `on.paths` pattern: there `?` and `+` repeat what stands before, and `!` excludes.

    A pattern is one line and has no blanks around it; for a character that it cannot hold stands `*`.
    """
    pattern = "".join(_parts(path)) if glob else _special(lambda found: f"\\{found[0]}", path)
    return _unwritable("*", pattern)


def _parts(path: str) -> Iterator[str]:
    for part in _wild(path):
        if part[0] == "*":
            yield part
        elif part == "?" or (part[0] == "[" and len(part) > 1):
            yield "*"  # there is no sign for one character: more files start a run, never fewer
        else:
            yield _special(lambda found: f"\\{found[0]}", part)


def pathspec(path: str, glob: bool) -> str:
    """A path as git wants it, from the top of the repository."""
    if path.isprintable():
        return f":(top,glob){path}" if glob else f":(top,literal){path}"
    # one line a path: `?` is any character
    quoted = path if glob else _special(lambda found: f"\\{found[0]}", path)
    return f":(top,glob){''.join(c if c.isprintable() else '?' for c in quoted)}"
