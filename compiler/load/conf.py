"""A project's conf tree: which files there are, and each of them read once for all environments."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.load import codes, gate
from llmops.compiler.load.defaults import Item, read_defaults
from llmops.compiler.load.disk import join
from llmops.compiler.load.headers import header
from llmops.compiler.load.parse import Memo, parse
from llmops.compiler.load.places import Places
from llmops.compiler.model.finding import Diagnostic, diagnose
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.project import Settings
from llmops.compiler.model.request import Files, TooLarge
from llmops.compiler.model.sources import SourceFile, Span

CONFIG = "config"
ENV = "env"
MAX_TOTAL = 32 << 20
"""Bytes of all config files that are read."""
MAX_VALUES = 600_000
"""Keys and values of all config files that are read."""
MAX_FOLDERS = 12
"""Levels of folders below the conf folder."""

_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class File:
    """A config file: where it stands, where it lands, what it selects and says.

    `name` is its path below the conf folder without `.yaml`. `body` is what it says without its `defaults`. With
    problems it is not `sound`: a resource then says what could be read of it, a profile nothing. `lost` means that its
    list of selections is not known in whole.
    """

    name: str
    path: str
    layer: str
    package: KeyPath
    items: tuple[Item, ...]
    body: Mapping[str, Any]
    special: bool
    lost: bool
    sound: bool

    @property
    def base(self) -> str:
        """The folder from which its relative selections start."""
        return self.name.rpartition("/")[0]


class Conf:
    """The conf folder and the folders of the search path."""

    def __init__(
        self, files: Files, settings: Settings, kinds: Collection[str], sources: dict[str, SourceFile]
    ) -> None:
        self.kinds = frozenset(kinds) - {ENV}
        self.places = Places()
        self.sources = sources
        self.problems: list[Diagnostic] = []
        self.by_file: dict[str, list[Diagnostic]] = {}
        self._files = files
        self._memo = Memo()
        self._roots = (settings.conf, *settings.search_path)
        self._index: dict[str, list[tuple[int, str]]] = {}
        self._groups: dict[str, set[str]] = {"": set()}
        self._read: dict[str, File | None] = {}
        self._total = 0
        self.misnamed: set[str] = set()
        """What would be there if its name ended in .yaml: told already."""
        self.values = 0
        """Keys and values that were read so far."""
        self._addresses: dict[Address, list[str]] | None = None
        for number, root in enumerate(self._roots):
            self._list(number, root, "", 0)

    def _list(self, number: int, root: str, group: str, depth: int) -> None:
        if depth > MAX_FOLDERS:
            return
        for name in self._files.list(join(root, group) if group else root):
            if name.endswith("/"):
                below = f"{group}/{name[:-1]}" if group else name[:-1]
                self._groups.setdefault(below, set())
                self._list(number, root, below, depth + 1)
            elif name.endswith(".yaml"):
                stem = f"{group}/{name[:-5]}" if group else name[:-5]
                self._index.setdefault(stem, []).append((number, join(root, stem + ".yaml")))
                self._groups.setdefault(group, set()).add(name[:-5])
            elif name.endswith(".yml") and number == 0:
                path = join(root, group, name)
                self.misnamed.add(f"{group}/{name[:-4]}" if group else name[:-4])
                self.problems.append(
                    diagnose(
                        codes.YML,
                        f"`{gate.cut(name)}` is not read: a config's name ends in .yaml",
                        Span(path, 1, 1, 1, 1),
                        help=[f"rename it to {gate.cut(name[:-4])}.yaml"],
                    )
                )

    # --- what there is --------------------------------------------------------------------------------------------

    def found(self, name: str) -> tuple[str, ...]:
        """The files of that name, in the order of the search path; config.yaml and env/ from the conf folder alone."""
        own = name == CONFIG or name.startswith(ENV + "/")
        return tuple(path for number, path in self._index.get(name, ()) if number == 0 or not own)

    def elsewhere(self, name: str) -> str | None:
        """A file of that name on the search path."""
        return next((path for number, path in self._index.get(name, ()) if number), None)

    def is_group(self, name: str) -> bool:
        return name in self._groups or name == ENV

    def options(self, group: str) -> list[str]:
        return sorted(self._groups.get(group, ()))

    def groups(self) -> list[str]:
        return sorted(g for g in self._groups if g)

    def names(self) -> list[str]:
        return sorted(self._index)

    def addresses(self) -> Mapping[Address, list[str]]:
        """Every resource that has a file, with the names of its files, whether selected or not."""
        if self._addresses is None:
            self._addresses = {}
            for name in sorted(self._index):
                if name.split("/")[0] in self.kinds and "/" in name:
                    package = self._package_of(name)
                    if len(package) == 2:
                        self._addresses.setdefault(Address(str(package[0]), str(package[1])), []).append(name)
        return self._addresses

    def _package_of(self, name: str) -> KeyPath:
        known = self._read.get(name)
        if known is not None:
            return known.package
        own = (name.split("/")[0], name.rpartition("/")[2])
        data = self._bytes(self._index[name][0][1])
        if not isinstance(data, bytes) or b"package" not in data:
            return own
        said = header("", data.decode("utf-8", "replace")).package
        keys = tuple(said.split(".")) if said else own
        return keys if len(keys) == 2 and keys[0] == own[0] else own

    # --- one file -------------------------------------------------------------------------------------------------

    def file(self, name: str) -> File | None:
        """A file, read at the first call; None where there is none. Its problems are noted by its path."""
        if name not in self._read:
            found = self.found(name)
            self._read[name] = self._load(name, found[0]) if found else None
        return self._read[name]

    def _bytes(self, path: str) -> bytes | int | None:
        try:
            return self._files.read(path)
        except TooLarge as error:
            return error.size

    def _full(self, path: str) -> Diagnostic | None:
        """Why no more can be read, if so."""
        if self._total > MAX_TOTAL:
            return gate.too_much(path, codes.TOO_LARGE, f"{MAX_TOTAL:,} bytes")
        return gate.too_much(path, codes.NODES, f"{MAX_VALUES:,} values") if self.values > MAX_VALUES else None

    def _load(self, name: str, path: str) -> File | None:
        first = name.split("/")[0]
        resource = "/" in name and first in self.kinds
        layer = "config" if name == CONFIG else "resource" if resource else "profile"
        package: KeyPath = (first, name.rpartition("/")[2]) if resource else ()
        full = self._full(path)
        data = None if full else self._bytes(path)
        if data is None and full is None:
            return None
        if not isinstance(data, bytes):
            self.sources[path] = SourceFile(path, b"")
            self.by_file[path] = [full or gate.too_large(path, data or 0)]
            return File(name, path, layer, package, (), {}, False, True, False)
        self._total += len(data)
        self.sources[path] = SourceFile(path, data)
        parsed = parse(path, data, self._memo)
        self.values += parsed.nodes
        problems = list(parsed.problems)
        if b"package" in data or b"@" in data:
            package = self._header(path, data, layer, package, problems)
        items: tuple[Item, ...] = ()
        lost = parsed.value is None
        body = parsed.value
        if body is not None and "defaults" in body:
            entries = body.pop("defaults")
            listed = read_defaults(entries, self.kinds, self.spot(path, data))
            items, lost = listed.items, lost or listed.lost
            problems.extend(listed.problems)
        if layer == "config" and body:
            key = next(iter(body))
            problems.append(
                diagnose(
                    codes.CONFIG_VALUES,
                    f"config.yaml holds `{gate.cut(key)}`, and may hold only `defaults`",
                    self.spot(path, data)((key,), True),
                    help=["move it to a resource's file, or to a profile such as env/dev.yaml"],
                )
            )
        if problems or parsed.warnings:
            self.by_file[path] = [*parsed.warnings, *problems]
        said = body if body is not None and (layer == "resource" or not problems) else {}
        return File(name, path, layer, package, items, said, parsed.special, lost, not problems)

    def _header(self, path: str, data: bytes, layer: str, own: KeyPath, problems: list[Diagnostic]) -> KeyPath:
        found = header(path, data.decode("utf-8", "replace"))
        problems.extend(found.problems)
        if found.package is None or found.span is None:
            return own
        keys = () if found.package == "_global_" else tuple(found.package.split("."))
        if layer == "config":
            problems.append(
                diagnose(codes.HEADER_REFUSED, "config.yaml has no package", found.span, help=["delete the line"])
            )
            return own
        if keys and (keys[0] == "hydra" or not all(_NAME.fullmatch(str(k)) for k in keys)):
            problems.append(
                diagnose(
                    codes.HEADER_REFUSED,
                    f"`{gate.cut(found.package)}` is no package of a project",
                    found.span,
                    help=["write `# @package kind.name`, or `_global_` in a profile"],
                )
            )
            return own
        if layer == "resource" and (len(keys) != 2 or keys[0] != own[0]):
            problems.append(
                diagnose(
                    codes.HEADER_REFUSED,
                    f"a file of {own[0]}/ cannot land at `{gate.cut(found.package)}`",
                    found.span,
                    help=[f"delete the line: the file lands at `{own[0]}.{own[1]}`, or name another `{own[0]}.<name>`"],
                )
            )
            return own
        if layer == "profile" and len(keys) == 1 and keys[0] in ("_group_", "_name_", "_here_"):
            problems.append(
                diagnose(
                    codes.HEADER_REFUSED,
                    f"`{keys[0]}` is taken as a literal name by Hydra",
                    found.span,
                    help=["write the package out"],
                )
            )
            return own
        return keys

    def spot(self, path: str, data: bytes | None = None) -> Callable[[KeyPath, bool], Span]:
        """Finds the span of a key (True) or a value in a file; the nearest place above where there is none."""
        content = self.sources[path].data if data is None else data

        def find(at: KeyPath, key: bool = False) -> Span:
            places = self.places.of(path, content)
            while at not in places and at:
                at = at[:-1]
            spot = places.get(at)
            if spot is None:
                return Span(path, 1, 1, 1, 1)
            return spot.key if key and spot.key else spot.value

        return find
