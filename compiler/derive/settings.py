"""The lines of a trainer's file: each a setting with the place that asks for it, held against the tool's own list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.diagnostics.suggest import best
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import plain
from llmops.compiler.model.target import Unsupported

FITS: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,), "integer": (int,), "number": (int, float), "text": (str,), "list": (list, tuple),
    "map": (dict,),
}  # fmt: skip
WORDS = {
    "boolean": "true or false", "integer": "a whole number", "number": "a number", "text": "a text", "list": "a list",
    "map": "a map",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the file, and the place in the config that asks for it; None for the target's own."""

    name: str
    value: Any
    at: KeyPath | None = None
    written: str | None = None
    """How the config calls it, where it is an entry of `params`."""


Made = Setting | Finding | Unsupported
Wrong = tuple[str, str | None]
"""A complaint, and the nearest name or value that would do."""


def wrong(known: Mapping[str, Any], tool: str, name: str, value: Any) -> Wrong | None:
    """What the tool would not take of a setting. `known` says the types of each value (`types`), and its `choices`
    where they are closed."""
    row = known.get(name)
    if row is None:
        return f"{tool} has no setting `{name}`", best(name, known)
    if value is None:
        return None
    fits = tuple(kind for word in row["types"] for kind in FITS[word])
    if not isinstance(value, fits) or (isinstance(value, bool) and bool not in fits):
        return f"`{name}` of {tool} is {' or '.join(WORDS[word] for word in row['types'])}", None
    if "choices" in row and isinstance(value, str) and value not in row["choices"]:
        return f"{tool} knows no {name} `{value}`", best(value, row["choices"])
    return None


class Lines:
    """The settings of a file, each once, and what is wrong with them.

    What was found to be wrong is left out, so that the check of the whole file does not say it again; a file that lacks
    something for it is not `whole`.
    """

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self.whole = True
        self._asked: dict[str, Setting] = {}

    def take(self, made: Iterable[Made], known: Mapping[str, Any], tool: str) -> Iterator[Finding | Unsupported]:
        for one in made:
            if not isinstance(one, Setting):
                self.whole = self.whole and not (isinstance(one, Finding) and one.severity is Severity.ERROR)
                yield one
                continue
            if one.name in self._asked:
                yield _twice(one, self._asked[one.name])
                continue
            self._asked[one.name] = one
            found = wrong(known, tool, one.name, plain(one.value))
            if found is not None and one.at is not None:
                yield _refused(one, found, one.name not in known)
            else:
                self.body[one.name] = one.value


def _refused(setting: Setting, found: Wrong, unknown: bool) -> Finding:
    message, near = found
    if setting.written is not None and setting.written != setting.name:
        message = message.replace(f"`{setting.name}`", f"`{setting.written}`", 1)
    return Finding(
        message,
        (Label(setting.at or (), f"did you mean `{near}`?" if near else "", primary=True, key_only=unknown),),
        help=(f"did you mean `{near}`?",) if near else (),
        severity=Severity.ERROR, found=setting.written or setting.name, expected=near,
    )  # fmt: skip


def _twice(made: Setting, first: Setting) -> Finding:
    """A setting of `params` that follows from a field, or from another word, already."""
    second, kept = (made, first) if made.at is not None else (first, made)
    label = () if kept.at is None else (Label(kept.at, "it follows from this"),)
    return Finding(
        f"`{second.written or second.name}` is said twice",
        (Label(second.at or (), "said here as well", primary=True, key_only=second.written is not None), *label),
        help=("remove it from `params`",), severity=Severity.ERROR,
    )  # fmt: skip
