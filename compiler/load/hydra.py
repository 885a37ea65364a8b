"""The only module that knows Hydra's private names: overrides and the order of files.

Hydra's own algorithm decides which files are read, in which order, and where they land; it runs over a source of ours
that holds everything in memory. Nothing is discovered, imported or read by it. Tested on Hydra 1.3 and 1.4.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import hydra._internal.defaults_list as _defaults_list
from hydra import version as _version
from hydra._internal.config_repository import IConfigRepository
from hydra.core.default_element import ConfigDefault, GroupDefault
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override, QuotedString
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

_ERRORS = (HydraException, OmegaConfBaseException, ValueError, AssertionError, KeyError, TypeError, AttributeError)
_DUMMY = "_dummy_empty_config_"
_OLD = hasattr(_defaults_list, "_create_interpolation_map")
"""Hydra 1.3: it needs to be told to behave as 1.3, and builds a map of all choices for each file that it visits."""


class RefusedError(Exception):
    """Hydra refuses. `key` is what it could not find, where it says so; `missing` a file."""

    def __init__(self, message: str, *, missing: str | None = None, parsing: bool = False) -> None:
        super().__init__(message)
        self.message, self.missing, self.parsing = message, missing, parsing


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a defaults list: a path (`options` is None and `group` False), or a group with its choice."""

    name: str
    group: bool = False
    options: str | tuple[str, ...] | None = None
    package: str | None = None
    optional: bool = False
    override: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """A file as the defaults list sees it: the package of its header, and its own list."""

    package: str | None
    defaults: tuple[Entry, ...]


class Tree(Protocol):
    """The files that can be selected. Paths are relative to the conf folder, without `.yaml`."""

    def config(self, path: str) -> Config | None: ...
    def is_group(self, path: str) -> bool: ...
    def options(self, group: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Selected:
    """One step of the composition: the file's own body goes to `package` ("" for the root)."""

    path: str
    package: str
    parent: str | None
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """An override, parsed. `op` is one of `=`, `+`, `++` and `~`; `value` is plain data, None for a bare `~key`."""

    text: str
    op: str
    key: str
    package: str | None
    value: Any
    has_value: bool
    sweep: bool
    raw: Any

    @property
    def hydra(self) -> bool:
        return self.key == "hydra" or self.key.startswith(("hydra.", "hydra/"))


@contextmanager
def _as_13() -> Iterator[None]:
    """Hydra 1.3 keeps the version whose behaviour is wanted in a singleton: set it only while it is needed."""
    if not _OLD:
        yield
        return
    before = _version.getbase()
    _version.setbase("1.3")
    try:
        yield
    finally:
        _version.VersionBase.instance().version_base = before


def parse_override(text: str) -> Change:
    """Parse an override by Hydra's grammar; raises `RefusedError`. Deep brackets must have been refused before."""
    with _as_13():
        try:
            override: Override = OverridesParser.create().parse_overrides([text])[0]
            value = override.value()
        except _ERRORS as error:
            raise RefusedError(str(error).split("\n")[0], parsing=True) from None
    op = "~" if override.is_delete() else "++" if override.is_force_add() else "+" if override.is_add() else "="
    return Change(
        text,
        op,
        override.key_or_group,
        override.package,
        _plain(value),
        override.value_type is not None,
        override.is_sweep_override() or _has_glob(value),
        override,
    )


def quoted(change: Change) -> bool:
    """Whether the value was written in quotes."""
    return isinstance(change.raw._value, QuotedString)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


def _has_glob(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_glob, value.values()))
    if isinstance(value, list):
        return any(map(_has_glob, value))
    return isinstance(value, Glob) or not (value is None or isinstance(value, (str, int, float, bool)))


class _Repository(IConfigRepository):
    """Hydra's view of a tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: dict[str, ConfigResult | None] = {}
        self._empty = OmegaConf.create({})

    def load_config(self, config_path: str) -> ConfigResult | None:
        path = config_path.removesuffix(".yaml")
        if path not in self._known:
            config = Config(None, ()) if path == _DUMMY else self._tree.config(path)
            self._known[path] = (
                None
                if config is None
                else ConfigResult(
                    "llmops", path, self._empty, {"package": config.package}, [_default(e) for e in config.defaults]
                )
            )
        return self._known[path]

    def group_exists(self, config_path: str) -> bool:
        return self._tree.is_group(config_path)

    def config_exists(self, config_path: str) -> bool:
        return self._tree.config(config_path.removesuffix(".yaml")) is not None

    def get_group_options(self, group_name: str, results_filter: ObjectType | None = ObjectType.CONFIG) -> list[str]:
        return self._tree.options(group_name)

    # Asked for by no defaults list: an answer would hide that a later Hydra does.

    def get_schema_source(self) -> Any:
        raise NotImplementedError

    def get_sources(self) -> list[Any]:
        return []

    def initialize_sources(self, config_search_path: Any) -> None:
        raise NotImplementedError


def _default(entry: Entry) -> Any:
    if not entry.group:
        return ConfigDefault(path=entry.name, package=entry.package)
    options = list(entry.options) if isinstance(entry.options, tuple) else entry.options
    return GroupDefault(
        group=entry.name, value=options, package=entry.package, optional=entry.optional, override=entry.override
    )


def _without_map() -> Any:
    """Hydra 1.3's function over a copy of its module's names, without the map of all choices: that map is read only
    by interpolated entries, and building it for each file makes a long list quadratic. The module stays as it is."""
    names = dict(vars(_defaults_list))
    for name, value in vars(_defaults_list).items():
        if isinstance(value, types.FunctionType) and value.__module__ == _defaults_list.__name__:
            names[name] = types.FunctionType(value.__code__, names, name, value.__defaults__, value.__closure__)
            names[name].__kwdefaults__ = value.__kwdefaults__
    names["_create_interpolation_map"] = lambda *_: None
    return names["create_defaults_list"]


_linear: Any = None


def select(
    tree: Tree, primary: str, changes: Sequence[Change], *, interpolated: bool = False
) -> tuple[list[Selected], list[Change]]:
    """The files in order, and the overrides that are about values; raises `RefusedError`.

    `interpolated` says that some entry may hold an interpolation.
    """
    global _linear
    if _OLD and not interpolated and _linear is None:
        _linear = _without_map()
    create = _linear if _OLD and not interpolated else _defaults_list.create_defaults_list
    with _as_13():
        try:
            found = create(
                repo=_Repository(tree),
                config_name=primary,
                overrides_list=[c.raw for c in changes],
                prepend_hydra=False,
                skip_missing=False,
            )
        except RecursionError:
            raise RefusedError("the selection never ends") from None
        except _ERRORS as error:
            raise RefusedError(
                str(error).strip().split("\n")[0], missing=getattr(error, "missing_cfg_file", None)
            ) from None
    of = {id(c.raw): c for c in changes}
    steps = [
        Selected(str(d.config_path).removesuffix(".yaml"), d.package or "", d.parent, bool(d.primary))
        for d in found.defaults
    ]
    return steps, [of[id(o)] for o in found.config_overrides]
