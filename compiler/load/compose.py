"""Hydra's compose, replayed: from the texts of a config tree to plain, resolved data.

This is the composition without the rules of a project (kinds, profiles, what `defaults` may hold): the same gate, the
same order, merge, overrides and interpolation as the `load` pass uses, so that a property test can hold them against
`hydra.compose`. What only we refuse has a code of its own; docs/reference/hydra.md lists it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from llmops.compiler.load import codes, hydra, interpolate, overrides
from llmops.compiler.load.headers import header
from llmops.compiler.load.merge import Composition
from llmops.compiler.load.parse import Parsed, parse
from llmops.compiler.model.finding import Code
from llmops.compiler.model.keys import KeyPath

_WORDS = ("optional", "override")


class ComposeError(Exception):
    """Nothing is composed. `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class _Tree:
    """Config files by path from the conf folder, several folders searched in order."""

    def __init__(self, folders: Sequence[Mapping[str, bytes]]) -> None:
        self._data: dict[str, bytes] = {}
        self._groups: set[str] = {""}
        for files in folders:
            for path, data in files.items():
                parts = path.split("/")
                self._groups.update("/".join(parts[:n]) for n in range(1, len(parts)))
                if path.endswith(".yaml"):
                    self._data.setdefault(path.removesuffix(".yaml"), data)
        self.bodies: dict[str, dict[str, Any]] = {}
        self.packages: dict[str, str | None] = {}
        self._read: dict[str, hydra.Config] = {}

    def config(self, path: str) -> hydra.Config | None:
        if path not in self._data:
            return None
        if path not in self._read:
            self._read[path] = self._load(path)
        return self._read[path]

    def _load(self, path: str) -> hydra.Config:
        data = self._data[path]
        parsed: Parsed = parse(path, data)
        found = header(path, data.decode("utf-8", "replace"))
        for problem in (*parsed.problems, *found.problems):
            raise ComposeError(problem.code, problem.message)
        body = dict(parsed.value or {})
        entries = body.pop("defaults", [])
        if "hydra" in body:
            raise ComposeError(codes.HYDRA.code, "Hydra's own settings")
        if not isinstance(entries, list):
            raise ComposeError(codes.ENTRY.code, "`defaults` is a list")
        self.bodies[path] = body
        self.packages[path] = found.package
        if parsed.special:
            _check_grammar(body)
        return hydra.Config(found.package, tuple(map(_entry, entries)))

    def is_group(self, path: str) -> bool:
        return path in self._groups

    def options(self, group: str) -> list[str]:
        return sorted(p.rpartition("/")[2] for p in self._data if p.rpartition("/")[0] == group)

    @property
    def interpolated(self) -> bool:
        """Whether an entry of any defaults list may hold an interpolation."""
        return any(b"defaults" in data and b"${" in data for data in self._data.values())


def _entry(value: Any) -> hydra.Entry:
    """An entry as Hydra reads it, keywords and packages included."""
    if isinstance(value, str):
        name, at, package = value.partition("@")
        _no_hydra(name)
        return hydra.Entry(name, package=package.split(":")[0] if at else None)
    if not isinstance(value, dict) or len(value) != 1:
        raise ComposeError(codes.ENTRY.code, "an entry is a path, or one group with its options")
    key, options = next(iter(value.items()))
    if isinstance(options, list):
        if not all(isinstance(o, str) for o in options):
            raise ComposeError(codes.ENTRY.code, "options are texts")
        options = tuple(options)
    elif options is not None and not isinstance(options, str):
        raise ComposeError(codes.ENTRY.code, "options are texts")
    group, at, package = key.partition("@")
    *words, group = group.split(" ")
    flags = set()
    for word in words:
        if word not in _WORDS:
            raise ComposeError(codes.ENTRY.code, "an unknown word before a group")
        flags.add(word)
    _no_hydra(group)
    return hydra.Entry(
        group, True, options, package.split(":")[0] if at else None, "optional" in flags, "override" in flags
    )


def _no_hydra(name: str) -> None:
    if name.lstrip("/").split("/")[0] == "hydra":
        raise ComposeError(codes.HYDRA.code, "Hydra's own settings")


def _check_grammar(value: Any) -> None:
    """Hydra refuses a malformed interpolation where it is written, even if nobody ever reads it."""
    if isinstance(value, dict):
        for item in value.values():
            _check_grammar(item)
    elif isinstance(value, list):
        for item in value:
            _check_grammar(item)
    elif isinstance(value, str) and "${" in value:
        try:
            interpolate.parse(value, strict=False)
        except interpolate.InterpolationError as error:
            raise ComposeError(error.code.code, error.message) from None


def _keys(package: str) -> KeyPath:
    return tuple(p for p in re.split(r"[.\[\]]+", package) if p)


def compose(
    folders: Sequence[Mapping[str, bytes]],
    primary: str = "config",
    texts: Sequence[str] = (),
    used: set[str] | None = None,
) -> dict[str, Any]:
    """What `hydra.compose(primary, overrides=texts)` gives, resolved; raises `ComposeError`.

    `folders` are the conf folder and then the search path, each a map from path to bytes. `used` takes the names of the
    files that were selected.
    """
    changes = []
    for text in texts:
        try:
            changes.append(overrides.parse(text))
        except overrides.RejectedError as error:
            raise ComposeError(error.code.code, error.message) from None
    tree = _Tree(folders)
    tree.config(primary)  # what is wrong with it comes before what is wrong with an override, as with Hydra
    interpolated = tree.interpolated or any("${" in text for text in texts)
    try:
        order, values = hydra.select(tree, primary, changes, interpolated=interpolated)
    except hydra.RefusedError as error:
        code = codes.NOT_FOUND if error.missing else codes.REFUSED
        raise ComposeError(code.code, error.message) from None

    if used is not None:
        used.update(step.path for step in order)

    def report(code: Code, path: KeyPath, message: str) -> None:
        raise ComposeError(code.code, message)

    composition = Composition(report)
    shared: set[str] = set()
    for step in order:
        if step.path in shared:
            raise ComposeError(codes.PROFILE_TWICE.code, f"`{step.path}` is used again after it was merged at the root")
        package = _keys(step.package)
        if package and package[0] == "hydra":
            raise ComposeError(codes.HYDRA.code, "Hydra's own settings")
        if not package:
            shared.add(step.path)
        composition.add(tree.bodies[step.path], package)
    for change in values:
        if change.package is not None:
            raise ComposeError(codes.OVERRIDE_SYNTAX.code, "a package, but no such group")
        _check_grammar(change.value)
        composition.change(change.op, tuple(map(str, _keys(change.key))), change.value, change.has_value)
    if "hydra" in composition.root:
        raise ComposeError(codes.HYDRA.code, "Hydra's own settings")
    try:
        resolved = interpolate.Resolver(composition.root, strict=False).value(composition.root, ())
    except interpolate.InterpolationError as error:
        raise ComposeError(error.code.code, error.message) from None
    return dict(resolved)
