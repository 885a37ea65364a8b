"""Names and literals of Python. Text of a config gets into the code as a literal, never otherwise."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Iterator
from typing import Any

from llmops.compiler.model.sourced import Sourced, merge, plain
from llmops.compiler.model.sources import Source

Line = Sourced[str] | str
WIDTH = 96
_USED = frozenset((
    "Client", "Experiment", "Flow", "Prompt", "Tool", "Turn", "Turns", "answer_of", "arm", "ask", "ask_json",
    "assigned", "call", "cast", "dataclass", "passages_of", "prompts", "raw", "stream", "turn", "values",
))
"""Names of the modules' own."""
_BUILTIN = frozenset(dir(builtins))


def identifier(name: str) -> str:
    """The name of a function, which is no word of the language and no other name of the module."""
    return f"{name}_" if keyword.iskeyword(name) or name in _BUILTIN or name in _USED else name


def parameters(names: Iterable[str]) -> dict[str, str]:
    """The names of a function's parameters, by variable: each once."""
    made: dict[str, str] = {}
    for name in names:
        chosen = name
        while keyword.iskeyword(chosen) or chosen in _USED or chosen in made.values():
            chosen += "_"
        made[name] = chosen
    return made


def usable(name: str) -> bool:
    """Whether it can be written as the name of a field."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def class_name(*parts: str) -> str:
    """`check_input`, `Output` → `CheckInputOutput`."""
    words = [word for part in parts for word in re.split(r"[\W_]+", part, flags=re.ASCII) if word]
    made = "".join(word[0].upper() + word[1:] for word in words) or "Value"
    return f"_{made}" if made[0].isdigit() else made


def text(value: str, indent: int) -> list[str]:
    """A text as one literal, or as several in brackets: a line each, long ones broken."""
    pieces = [piece for line in value.splitlines(keepends=True) for piece in _broken(line, WIDTH - indent)]
    return [written(piece) for piece in pieces] or ['""']


def _broken(line: str, width: int) -> Iterator[str]:
    """Pieces of which each fits, broken behind a space if there is one."""
    while len(written(line)) > width:
        end = min(width - 2, len(line))
        while len(written(line[:end])) > width:
            end -= max((len(written(line[:end])) - width) // 10, 1)
        space = line.rfind(" ", end // 2, end)
        end = space + 1 if space > 0 else end
        yield line[:end]
        line = line[end:]
    if line:
        yield line


def written(value: str) -> str:
    """As a literal in double quotes, ASCII alone: no sign that an editor or a terminal would act on."""
    quoted = ascii(value)
    inside = quoted[1:-1]
    if quoted[0] == "'":
        inside = inside.replace("\\'", "'").replace('"', '\\"')
    return f'"{inside}"'


def literal(tree: Any, indent: int, before: str = "", after: str = "") -> list[Line]:
    """A tree of data as code, a line each for what it holds, with the origins of each."""
    return [_indented(line, indent) for line in _literal(tree, indent, before, after, ())]


def _literal(tree: Any, indent: int, before: str, after: str, outer: tuple[Source, ...]) -> Iterator[Line]:
    sources = outer
    while isinstance(tree, Sourced):
        sources, tree = merge(sources, tree.sources), tree.value
    if isinstance(tree, dict):
        yield from _brackets("{", "}", [
            (item, f"{written(str(key))}: ") for key, item in tree.items()
        ], indent, before, after, sources)
    elif isinstance(tree, (list, tuple)):
        yield from _brackets("[", "]", [(item, "") for item in tree], indent, before, after, sources)
    elif isinstance(tree, str):
        pieces = text(tree, indent + len(before) + len(after))
        if len(pieces) == 1:
            yield Sourced(f"{before}{pieces[0]}{after}", sources, raw=True)
        else:
            # the brackets are there for any text of several lines
            yield Sourced(f"{before}(", outer, raw=True)
            for piece in text(tree, indent + 4):
                yield Sourced(f"    {piece}", sources, raw=True)
            yield Sourced(f"){after}", outer, raw=True)
    else:
        yield Sourced(f"{before}{plain(tree)!r}{after}", sources, raw=True)


def _brackets(
    opening: str, closing: str, items: list[tuple[Any, str]], indent: int, before: str, after: str,
    sources: tuple[Source, ...],
) -> Iterator[Line]:
    if not items:
        yield Sourced(f"{before}{opening}{closing}{after}", sources, raw=True)
        return
    yield Sourced(f"{before}{opening}", sources, raw=True)
    for item, key in items:
        for line in _literal(item, indent + 4, key, ",", sources):
            yield _indented(line, 4)
    yield Sourced(f"{closing}{after}", sources, raw=True)


def _indented(line: Line, by: int) -> Line:
    if isinstance(line, Sourced):
        return Sourced(f"{' ' * by}{line.value}", line.sources, raw=True)
    return f"{' ' * by}{line}" if line else line


def because(lines: Iterable[Line], why: Iterable[Sourced[Any]], marks: tuple[str, ...]) -> list[Line]:
    """The lines, of which those with one of these names stand there for those reasons too."""
    reasons = tuple(why)
    return [
        _sourced(line).because(*reasons) if any(mark in _sourced(line).value for mark in marks) else line
        for line in lines
    ]


def under(lines: Iterable[Line], *why: Sourced[Any]) -> list[Line]:
    """The lines, all of which come and go with these."""
    return [_sourced(line).because(*why) if why and line else line for line in lines]


def _sourced(line: Line) -> Sourced[str]:
    return line if isinstance(line, Sourced) else Sourced(line, raw=True)


def docstring(lines: list[Line], indent: int) -> list[Line]:
    """Sentences as a docstring; text of a config must have gone through `told` before."""
    if len(lines) == 1:
        return [_indented(_around(lines[0], '"""', '"""'), indent)]
    first, *rest = lines
    return [_indented(line, indent) for line in (_around(first, '"""', ""), "", *rest, '"""')]


def _around(line: Line, before: str, after: str) -> Line:
    if isinstance(line, Sourced):
        return Sourced(f"{before}{line.value}{after}", line.sources, raw=True)
    return f"{before}{line}{after}"


def told(value: str) -> str:
    """A text for people, safe inside a docstring: one line without signs that end it, escape, or cannot be seen."""
    line = " ".join(value.split()).replace('"', "'").replace("\\", "/")
    return "".join(sign if sign.isprintable() else "?" for sign in line)
