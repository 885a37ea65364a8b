"""What stands in a file's `defaults`: read by itself, before it is known which environment selects the file."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmops.compiler.load import codes, gate
from llmops.compiler.model.finding import Code, Diagnostic, diagnose
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sources import Span

if TYPE_CHECKING:
    from llmops.compiler.load.hydra import Entry

Spot = Callable[[KeyPath, bool], Span]


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a defaults list, and its place in the file: of the group or path, and of each option.

    `options` is None for a path; a tuple for a list; a text for one choice; `NOTHING` for null.
    """

    name: str
    options: str | tuple[str, ...] | None
    optional: bool
    nothing: bool
    at: KeyPath

    @property
    def is_self(self) -> bool:
        return self.name == "_self_" and self.options is None

    @property
    def is_group(self) -> bool:
        return self.nothing or self.options is not None

    def option_at(self, index: int) -> KeyPath:
        """The place of one of its options."""
        if not self.is_group:
            return self.at
        return (*self.at, index) if isinstance(self.options, tuple) else self.at

    def entry(self) -> Entry:
        from llmops.compiler.load.hydra import Entry

        return Entry(self.name, self.is_group, self.options, None, self.optional)


@dataclass(frozen=True, slots=True)
class Listed:
    """`lost` means that an entry could not be understood, so that the selection is not known in whole."""

    items: tuple[Item, ...]
    problems: tuple[Diagnostic, ...]
    lost: bool


class _BadError(Exception):
    def __init__(self, code: Code, message: str, at: KeyPath, cure: str, key: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.at, self.cure, self.key = code, message, at, cure, key


def read_defaults(raw: Any, kinds: Collection[str], spot: Spot) -> Listed:
    """Check the entries of a list; `spot` finds their places."""
    if not isinstance(raw, list):
        problem = diagnose(
            codes.ENTRY, "`defaults` is a list", spot(("defaults",), False), help=["write `defaults: []`"]
        )
        return Listed((), (problem,), True)
    items: list[Item] = []
    problems: list[Diagnostic] = []
    lost = False
    for index, value in enumerate(raw):
        try:
            item = _item(value, ("defaults", index))
            items.append(item)
        except _BadError as bad:
            lost = True
            problems.append(diagnose(bad.code, bad.message, spot(bad.at, bad.key), help=[bad.cure] if bad.cure else ()))
            continue
        kind = item.name.lstrip("/").split("/")[0]
        if isinstance(item.options, str) and kind in kinds:
            # what is meant is clear: go on as if it were written so
            items[-1] = Item(item.name, (item.options,), item.optional, False, item.at)
            problems.append(
                diagnose(
                    codes.KIND_AS_ONE,
                    f"`{gate.cut(item.name)}` is a kind's folder: its files are selected by a list",
                    spot(item.at, False),
                    help=[f"write `- {gate.cut(item.name)}: [{gate.cut(item.options)}]`"],
                )
            )
    selves = [item for item in items if item.is_self]
    if len(selves) > 1:
        lost = True
        problems.append(
            diagnose(codes.ENTRY, "`_self_` stands here twice", spot(selves[1].at, False), help=["keep one"])
        )
    return Listed(tuple(items), tuple(problems), lost)


def _item(value: Any, at: KeyPath) -> Item:
    if isinstance(value, str):
        _path(value, at, False)
        return Item(value, None, False, False, at)
    if not isinstance(value, dict) or len(value) != 1:
        raise _BadError(
            codes.ENTRY,
            "an entry of `defaults` is a path, or one folder with what is selected of it",
            at,
            "write `- folder: [name]`",
        )
    key, options = next(iter(value.items()))
    at = (*at, key)
    *words, group = key.split(" ")
    if "override" in words:
        raise _BadError(
            codes.OVERRIDE_IN_FILE,
            "`override` stands in a file",
            at,
            "choose it in llmops.yaml: `prod: [env=prod, folder=option]`",
            True,
        )
    if any(word != "optional" for word in words):
        raise _BadError(
            codes.ENTRY, f"`{gate.cut(key)}` is no folder's name", at, "write `folder` or `optional folder`", True
        )
    _path(group, at, True)
    if options is not None and not isinstance(options, (str, list)):
        raise _BadError(
            codes.ENTRY, "an option is a file's name, and this is none", at, "quote it if a file is called so"
        )
    if isinstance(options, list):
        for number, option in enumerate(options):
            if not isinstance(option, str):
                raise _BadError(
                    codes.ENTRY,
                    "an option is a file's name, and this is none",
                    (*at, number),
                    "quote it if a file is called so",
                )
            _option(option, (*at, number))
        return Item(group, tuple(options), bool(words), False, at)
    if options is not None:
        _option(options, at)
    return Item(group, options, bool(words), options is None, at)


def _option(option: str, at: KeyPath) -> None:
    if option == "???":
        raise _BadError(
            codes.MISSING, "the choice is still missing: `???`", at, "name an option, or write null for none"
        )
    if option.startswith("/") or option == "":
        raise _BadError(codes.OUTSIDE, "an option is a file's name below its folder", at, "write its name alone")
    _path(option, at, False)


def _path(path: str, at: KeyPath, key: bool) -> None:
    if "${" in path:
        raise _BadError(
            codes.INTERPOLATED_DEFAULT,
            "an entry of `defaults` holds an interpolation",
            at,
            "choose it in llmops.yaml: `prod: [env=prod, folder=option]`",
            key,
        )
    if "@" in path:
        raise _BadError(
            codes.PACKAGE_IN_DEFAULTS,
            "an entry of `defaults` names a package",
            at,
            "a file's place is its folder and name",
            key,
        )
    if "://" in path or "\\" in path or path.startswith("//") or any(p in ("..", ".") for p in path.split("/")):
        raise _BadError(
            codes.OUTSIDE,
            f"`{gate.cut(path)}` leaves the conf folder",
            at,
            "write a path from the conf folder, as `/model/base/answerer`",
            key,
        )
    if path.lstrip("/").split("/")[0] == "hydra":
        raise _BadError(codes.HYDRA, "Hydra's own settings are selected", at, "remove the entry", key)
    if path.endswith((".yaml", ".yml")):
        raise _BadError(codes.ENTRY, f"`{gate.cut(path)}` ends in a file's suffix", at, "leave it out", key)
    if path.endswith("/") or path == "" or "//" in path:
        raise _BadError(codes.ENTRY, "this names no file", at, "write a path such as `/model/base/answerer`", key)
