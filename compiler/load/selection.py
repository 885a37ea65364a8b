"""What an environment selects: walked by ourselves first, for messages with places and for limits; then asked of Hydra.

The language's defaults lists are simple enough to be walked here. Hydra's own algorithm still says the order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from llmops.compiler.diagnostics.suggest import did_you_mean
from llmops.compiler.load import codes, gate
from llmops.compiler.load.conf import CONFIG, ENV, Conf, File
from llmops.compiler.load.defaults import Item
from llmops.compiler.load.overrides import Read
from llmops.compiler.model.finding import Code, Diagnostic, Place, diagnose
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sources import Span

MAX_FILES = 50_000
MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class By:
    """Who selects a file: an entry of another file, or an override."""

    file: File | None = None
    at: KeyPath = ()
    override: Read | None = None


@dataclass(slots=True)
class Selection:
    """The files that an environment selects, each with who selects it; and the overrides that are about values."""

    by: dict[str, list[By]] = field(default_factory=dict)
    changes: list[Read] = field(default_factory=list)
    choices: list[Read] = field(default_factory=list)
    broken_off: bool = False
    """What is selected is not known in whole: nothing can be composed."""


class Walk:
    """One walk through the defaults lists of an environment."""

    def __init__(self, conf: Conf, env: str, environments: Collection[str], overrides: Sequence[Read]) -> None:
        self._conf, self._env, self._environments = conf, env, environments
        self.selection = Selection()
        self.problems: list[Diagnostic] = []
        self._chosen: dict[str, Read] = {}
        self._deleted: dict[str, Read] = {}
        self._added: list[Read] = []
        self._used: set[str] = set()
        self._scalars: dict[str, tuple[By, bool]] = {}
        self._count = 0
        self._missing: set[tuple[str, str, KeyPath]] = set()
        for read in overrides:
            self._sort(read)

    def _sort(self, read: Read) -> None:
        """Tell choices from values, as Hydra does: a key that is a folder is a choice, unless a map is given."""
        change = read.change
        group = change.key
        if not self._conf.is_group(group) or isinstance(change.value, dict):
            if change.package is not None:
                self._refuse(
                    read,
                    codes.PACKAGE_IN_DEFAULTS,
                    "an override names a package",
                    "a file's place is its folder and name",
                )
            elif "/" in group:
                self._refuse(
                    read,
                    codes.NOT_FOUND,
                    f"there is no folder `{gate.cut(group)}` in the conf folder",
                    did_you_mean(group, self._conf.groups()) or "",
                )
            elif (
                "." not in group
                and group not in self._conf.kinds
                and change.op in ("=", "+")
                and isinstance(change.value, (str, list))
            ):
                self._refuse(
                    read,
                    codes.NOT_FOUND,
                    f"there is no folder `{gate.cut(group)}` in the conf folder",
                    did_you_mean(group, self._conf.groups())
                    or f"write conf/{gate.cut(group)}/OPTION.yaml to choose from; values are `kind.name.field=value`",
                )
            else:
                self.selection.changes.append(read)
            return
        if change.package is not None:
            self._refuse(
                read, codes.PACKAGE_IN_DEFAULTS, "an override names a package", "a file's place is its folder and name"
            )
        elif change.op == "++":
            self._refuse(
                read, codes.OVERRIDE_SYNTAX, "`++` is for values, not for choices", f"write `+{gate.cut(group)}=option`"
            )
        elif change.op == "~":
            self._deleted[group] = read
            self.selection.choices.append(read)
        elif not isinstance(change.value, (str, list)) or not all(isinstance(v, str) for v in change.value):
            self._refuse(
                read, codes.ENTRY, "a choice is a file's name, or a list of them", "quote a name that is a number"
            )
        elif not all(_plain(v) for v in _options(change.value)):
            self._refuse(read, codes.OUTSIDE, "a choice is a file's name below its folder", "write its name alone")
        elif isinstance(change.value, str) and group.split("/")[0] in self._conf.kinds:
            self._refuse(
                read,
                codes.KIND_AS_ONE,
                f"`{gate.cut(group)}` is a kind's folder: its files are selected by a list",
                f"write `{change.op if change.op == '+' else ''}{gate.cut(group)}=[{gate.cut(change.value)}]`",
            )
        elif change.op == "+":
            self._added.append(read)
            self.selection.choices.append(read)
        elif group in self._chosen:
            self._refuse(
                read,
                codes.SECOND_CHOICE,
                f"`{gate.cut(group)}` is chosen twice",
                "keep one of the two",
                [Place(self._chosen[group].given.span, "first here")],
            )
        else:
            self._chosen[group] = read
            self.selection.choices.append(read)

    def run(self) -> Selection:
        if not self._conf.found(CONFIG):
            where = self._conf.elsewhere(CONFIG)
            help_ = (
                f"config.yaml of a search path ({where}) is never read: write one here"
                if where
                else "write one with a `defaults` list of what is selected"
            )
            self._add(
                codes.NEVER_SHARED if where else codes.NO_CONFIG,
                "the conf folder has no config.yaml",
                None,
                "",
                [help_],
            )
            self.selection.broken_off = True
            return self.selection
        self._visit(CONFIG, By(), [], "")
        for read in self._added:
            self._group(
                read.change.key,
                _options(read.change.value),
                isinstance(read.change.value, list),
                False,
                By(override=read),
                [],
            )
        self._unused()
        return self.selection

    # --- files and entries ----------------------------------------------------------------------------------------

    def _visit(self, name: str, by: By, way: list[str], shown: str) -> None:
        if self.selection.broken_off and self._count > MAX_FILES:
            return
        if name in way:
            self._break(
                codes.CYCLE,
                f"`{gate.cut(name)}` selects itself" + (f", through `{gate.cut(way[-1])}`" if way[-1] != name else ""),
                by,
                "remove one of the entries",
            )
            return
        self._count += 1
        if self._count > MAX_FILES or len(way) >= MAX_DEPTH:
            self._break(
                codes.TOO_MANY,
                f"more than {MAX_FILES:,} files are selected, or deeper than {MAX_DEPTH}",
                by,
                "select each file once",
            )
            self._count = MAX_FILES + 1
            return
        found = self._conf.found(name)
        seen = name in self.selection.by
        self.selection.by.setdefault(name, []).append(by)
        if len(found) > 1 and not seen:
            self._add(
                codes.SHADOWED,
                f"`{gate.cut(name)}` exists twice on the search path",
                Span(found[0], 1, 1, 1, 1),
                "this one is read",
                ["rename one of them"],
                [Place(Span(found[1], 1, 1, 1, 1), "this one is not")],
            )
        file = self._conf.file(name)
        if file is None:
            return
        if file.lost and file.layer != "resource":
            self.selection.broken_off = True
        way.append(name)
        for item in file.items:
            self._item(file, item, way)
        way.pop()

    def _item(self, file: File, item: Item, way: list[str]) -> None:
        if item.is_self:
            return
        name = item.name[1:] if item.name.startswith("/") else f"{file.base}/{item.name}" if file.base else item.name
        by = By(file, item.at)
        if not item.is_group:
            self._select(name, by, way, item.optional, name.rpartition("/")[0])
            return
        options = () if item.nothing else _options(item.options)
        listed = isinstance(item.options, tuple)
        deleted = self._deleted.get(name)
        if deleted and (
            not deleted.change.has_value or deleted.change.value == (options[0] if options and not listed else None)
        ):
            self._used.add(name)
            return
        chosen = self._chosen.get(name)
        if chosen is not None:
            self._used.add(name)
            by = By(override=chosen)
            options, listed = _options(chosen.change.value), isinstance(chosen.change.value, list)
        self._group(name, options, listed, item.optional, by, way, By(file, item.at))

    def _group(
        self,
        group: str,
        options: tuple[str, ...],
        listed: bool,
        optional: bool,
        by: By,
        way: list[str],
        entry: By | None = None,
    ) -> None:
        if not listed:
            before = self._scalars.get(group)
            if before is not None and (options or before[1]):
                self._break(
                    codes.SECOND_CHOICE,
                    f"`{gate.cut(group)}` is chosen from twice",
                    entry or by,
                    "keep one; a list of files is written `[a, b]`",
                    [Place(s, "first here") for s in self._spans([before[0]])],
                )
                return
            self._scalars[group] = (entry or by, bool(options))
        for index, option in enumerate(options):
            here = By(by.file, (*by.at, index)) if listed and by.file is not None else by
            self._select(f"{group}/{option}", here, way, optional, group)

    def _select(self, name: str, by: By, way: list[str], optional: bool, group: str) -> None:
        if self._conf.found(name):
            self._visit(name, by, way, group)
            return
        option = name[len(group) + 1 :] if group else name
        if name.startswith(ENV + "/") and option in self._environments and not self._conf.elsewhere(name):
            self.selection.by.setdefault(name, []).append(by)
            return
        where = self._conf.elsewhere(name)
        if where:
            self._break(
                codes.NEVER_SHARED,
                f"`{gate.cut(name)}` stands on the search path only, where env/ is never read",
                by,
                f"write it here, or share it as another folder ({where})",
            )
        elif not optional and (key := (name, by.file.path if by.file else "", by.at)) not in self._missing:
            self._missing.add(key)
            if name in self._conf.misnamed:
                self.selection.broken_off = True
                return
            self._break(codes.NOT_FOUND, *self._not_found(name, option, group, by))

    def _not_found(self, name: str, option: str, group: str, by: By) -> tuple[str, By, str]:
        if group and not self._conf.is_group(group):
            top = (
                group.rpartition("/")[2]
                if by.file is None
                else group[len(by.file.base) + 1 :]
                if by.file.base
                else group
            )
            if top != group and self._conf.is_group(top):
                return (
                    f"there is no folder `{gate.cut(group, 40)}`",
                    by,
                    f"write `/{gate.cut(top, 40)}`: a path without `/` starts at this file's folder",
                )
            return (
                f"there is no folder `{gate.cut(group, 40)}` in the conf folder",
                by,
                did_you_mean(group, self._conf.groups()) or "",
            )
        options = self._conf.options(group)
        near = did_you_mean(option, options)
        few = f"there are {', '.join(f'`{o}`' for o in options)}" if 0 < len(options) <= 8 else ""
        return f"there is no file `{gate.cut(name, 60)}.yaml` in the conf folder", by, near or few

    def _unused(self) -> None:
        for group, read in {**self._chosen, **self._deleted}.items():
            if group in self._used or self.selection.broken_off:
                continue
            if read.given.implied:
                if self._conf.found(f"{ENV}/{self._env}"):
                    self._refuse(
                        read,
                        codes.OVERRIDE_UNUSED,
                        f"config.yaml does not list `env`, so env/{self._env}.yaml is not read",
                        "add `- env: dev` to its `defaults`, after the resources",
                    )
                else:
                    self.selection.choices.remove(read)
                continue
            if read.change.op == "~":
                self._refuse(
                    read,
                    codes.OVERRIDE_UNUSED,
                    f"`{gate.cut(group)}` is not listed with that choice, so it cannot be taken away",
                )
                continue
            self._refuse(
                read,
                codes.OVERRIDE_UNUSED,
                f"`{gate.cut(group)}` is not listed in any `defaults`, so there is nothing to replace",
                f"write `+{gate.cut(read.given.text)}` to add it at the end, or list it in config.yaml",
            )

    # --- problems -------------------------------------------------------------------------------------------------

    def spans(self, name: str) -> list[Span]:
        """Where a file is selected."""
        return self._spans(self.selection.by.get(name, []))

    def _spans(self, selectors: Sequence[By]) -> list[Span]:
        out = []
        for by in selectors:
            if by.override is not None:
                out.append(by.override.given.span)
            elif by.file is not None:
                out.append(self._conf.spot(by.file.path)(by.at, False))
        return out

    def _break(self, code: Code, message: str, by: By, cure: str, more: Sequence[Place] = ()) -> None:
        span = next(iter(self._spans([by])), None)
        self._add(code, message, span, "", [cure] if cure else [], more)
        self.selection.broken_off = True

    def _refuse(self, read: Read, code: Code, message: str, cure: str = "", more: Sequence[Place] = ()) -> None:
        self.problems.append(
            diagnose(code, message, read.given.span, help=[cure] if cure else (), more=more, environments=[self._env])
        )
        self.selection.broken_off = True

    def _add(
        self, code: Code, message: str, span: Span | None, text: str, cures: Sequence[str], more: Sequence[Place] = ()
    ) -> None:
        self.problems.append(diagnose(code, message, span, text, more=more, help=cures, environments=[self._env]))


def _options(value: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _plain(option: str) -> bool:
    return (
        bool(option)
        and not option.startswith("/")
        and not any(c in option for c in "@\\$")
        and "://" not in option
        and all(part not in ("", ".", "..") for part in option.split("/"))
        and not option.endswith((".yaml", ".yml"))
    )
