"""llmops.yaml: what a project is called, which environments it has, and where its configs stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.diagnostics.suggest import did_you_mean, nearest
from llmops.compiler.load import codes, gate
from llmops.compiler.load.disk import join
from llmops.compiler.load.overrides import MAX_COUNT, Given
from llmops.compiler.load.parse import parse
from llmops.compiler.load.places import Places
from llmops.compiler.model.finding import Diagnostic, diagnose
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.project import Settings
from llmops.compiler.model.request import Files, TooLarge
from llmops.compiler.model.sources import SourceFile, Span

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
LEVELS = ("off", "info", "warning", "error")
_KEYS = ("name", "environments", "requires", "conf", "repository", "search_path", "rules")
_LATER = ("uses", "workspace")
_CODE = re.compile(r"[A-Z]{3}[0-9]{3}")
_VERSION = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*([0-9]+(?:\.[0-9]+)*)\s*")
MAX_ENVIRONMENTS = 200


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """llmops.yaml as it was read; `given` are the overrides of each environment with their places."""

    settings: Settings | None
    given: Mapping[str, tuple[Given, ...]]
    source: SourceFile | None
    problems: tuple[Diagnostic, ...]


class _Reader:
    """Checks the keys one after the other; a wrong one is reported and left out."""

    def __init__(
        self, root: str, path: str, value: Mapping[str, Any], spot: Callable[[KeyPath, bool], Span], files: Files
    ) -> None:
        self.root, self.path, self.value, self.spot, self.files = root, path, value, spot, files
        self.problems: list[Diagnostic] = []

    def wrong(
        self, at: KeyPath, message: str, cure: str = "", key: bool = False, code: Any = codes.PROJECT_KEY
    ) -> None:
        self.problems.append(diagnose(code, message, self.spot(at, key), help=[cure] if cure else ()))

    def keys(self) -> None:
        for key in self.value:
            if key in _LATER:
                self.wrong(
                    (key,),
                    f"`{key}` is not supported by this version yet",
                    "remove it; projects are compiled one by one",
                    True,
                    codes.LATER,
                )
            elif key not in _KEYS:
                self.wrong(
                    (key,),
                    f"llmops.yaml has no key `{gate.cut(key)}`",
                    did_you_mean(key, (*_KEYS, *_LATER)) or f"its keys are {', '.join(_KEYS)}",
                    True,
                )

    def text(self, key: str, default: str | None = None) -> str | None:
        value = self.value.get(key)
        if value is None and key not in self.value:
            return default
        if not isinstance(value, str):
            self.wrong((key,), f"`{key}` is a text", "quote it")
            return default
        return value

    def name(self) -> str | None:
        name = self.text("name")
        if name is None:
            if "name" not in self.value:
                self.wrong((), "llmops.yaml has no `name`", "write `name: my-app`")
        elif not NAME.fullmatch(name):
            self.wrong(
                ("name",),
                f"`{gate.cut(name)}` is no project's name",
                "a letter, then lower-case letters, digits, `-` and `_`, at most 40",
            )
            return None
        return name

    def environments(self) -> Iterator[tuple[str, tuple[Given, ...]]]:
        rows = self.value.get("environments")
        if not isinstance(rows, dict) or not rows:
            at: KeyPath = ("environments",) if "environments" in self.value else ()
            if not at and any("environments" in nearest(key, _KEYS) for key in self.value if key not in _KEYS):
                return  # it is misspelt, and that is told already
            self.wrong(at, "llmops.yaml names no environment", "write `environments: {dev: []}`")
            return
        if len(rows) > MAX_ENVIRONMENTS:
            self.wrong(("environments",), f"a project may have {MAX_ENVIRONMENTS} environments", "", True)
            return
        for name, row in rows.items():
            at = ("environments", name)
            if not NAME.fullmatch(name):
                self.wrong(
                    at,
                    f"`{gate.cut(name)}` is no environment's name",
                    "a letter, then lower-case letters, digits, `-` and `_`, at most 40",
                    True,
                )
            elif name == "project":
                self.wrong(
                    at, "`project` is the folder of what spans environments", "call the environment otherwise", True
                )
            elif not isinstance(row, list) or not all(isinstance(o, str) for o in row):
                self.wrong(
                    at, f"the environment `{name}` is a list of overrides", "write `[env=prod, serving=local]`, or `[]`"
                )
            elif len(row) > MAX_COUNT:
                self.wrong(at, f"an environment may have {MAX_COUNT} overrides")
            elif not row:
                yield name, (Given(f"env={name}", self.spot(at, True), implied=True),)
            else:
                yield name, tuple(Given(text, self.spot((*at, i), False)) for i, text in enumerate(row))

    def folder(self, key: str, default: str) -> str:
        said = self.text(key, default) or default
        path = join(self.root, said)
        if said.startswith("/") or "\\" in said or path.startswith("..") or path == ".":
            self.wrong(
                (key,), f"`{gate.cut(said)}` is no folder of the repository", "write a path from the project's folder"
            )
            return join(self.root, default)
        return path

    def repository(self) -> None:
        said = self.text("repository", ".")
        if said is not None and said != "." and not re.fullmatch(r"\.\.(/\.\.)*/?", said):
            self.wrong(("repository",), "`repository` leads up to the folder that holds .git", "write `.` or `../..`")

    def search_path(self, conf: str) -> tuple[str, ...]:
        rows = self.value.get("search_path", [])
        if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
            self.wrong(("search_path",), "`search_path` is a list of folders", "write `[../shared/conf]`")
            return ()
        out: list[str] = []
        for index, said in enumerate(rows):
            at = ("search_path", index)
            path = join(self.root, said)
            if said.startswith("/") or "://" in said or "\\" in said or path.startswith("..") or path == ".":
                self.wrong(
                    at,
                    f"`{gate.cut(said)}` is no folder of the repository",
                    "share files by a folder inside it",
                    code=codes.SEARCH_PATH,
                )
            elif path == conf or path in out:
                self.wrong(at, f"`{gate.cut(said)}` is searched already", "delete it", code=codes.SEARCH_PATH)
            elif not self.files.list(path):
                self.wrong(at, f"there is no folder `{gate.cut(path)}`, or it is empty", "", code=codes.SEARCH_PATH)
            elif project := self._project_of(path):
                self.wrong(
                    at,
                    f"`{gate.cut(said)}` belongs to the project in `{project}`",
                    "move what is shared to a folder that is no project",
                    code=codes.SEARCH_PATH,
                )
            else:
                out.append(path)
        return tuple(out)

    def _project_of(self, path: str) -> str | None:
        """Another project whose folder, or conf folder, that is."""
        for folder in (path, path.rpartition("/")[0]):
            if folder and folder != self.root and _read(self.files, f"{folder}/llmops.yaml") is not None:
                return folder
        return None

    def rules(self) -> dict[str, str]:
        rows = self.value.get("rules", {})
        if not isinstance(rows, dict):
            self.wrong(("rules",), "`rules` gives codes a level", "write `rules: {EVL010: error}`")
            return {}
        out = {}
        for code, level in rows.items():
            at = ("rules", code)
            if not _CODE.fullmatch(code):
                self.wrong(at, f"`{gate.cut(code)}` is no code", "three letters and three digits: `EVL010`", True)
            elif level not in LEVELS:
                self.wrong(at, f"a level is one of {', '.join(LEVELS)}", 'quote it: "off"' if level is False else "")
            else:
                out[code] = level
        return out

    def requires(self) -> str | None:
        said = self.text("requires")
        if said is None:
            return None
        from llmops import __version__

        clauses = [_VERSION.fullmatch(part) for part in said.split(",")]
        if not all(clauses):
            self.wrong(("requires",), f"`{gate.cut(said)}` says no versions", 'write `requires: ">=0.1,<0.2"`')
        elif not all(_meets(__version__, c[1], c[2]) for c in clauses if c):
            self.wrong(
                ("requires",),
                f"the project requires llmops {gate.cut(said)}, and this is {__version__}",
                "install that version",
                code=codes.REQUIRES,
            )
        return said


def _meets(version: str, sign: str, wanted: str) -> bool:
    have = [int(n) for n in re.findall(r"[0-9]+", version)[:3]]
    want = [int(n) for n in wanted.split(".")]
    width = max(len(have), len(want))
    have += [0] * (width - len(have))
    want += [0] * (width - len(want))
    return {
        ">=": have >= want,
        "<=": have <= want,
        "==": have == want,
        "!=": have != want,
        ">": have > want,
        "<": have < want,
    }[sign]


def _read(files: Files, path: str) -> bytes | TooLarge | None:
    try:
        return files.read(path)
    except TooLarge as error:
        return error


def read_settings(files: Files, project: str) -> ProjectFile:
    """Read and check a project's llmops.yaml."""
    root = join(project)
    path = join(root, "llmops.yaml")
    data = _read(files, path)
    if data is None:
        problem = diagnose(
            codes.NO_PROJECT,
            f"there is no `{path}`",
            None,
            help=["`llmops init` makes a project; `-C DIR` names another folder"],
        )
        return ProjectFile(None, {}, None, (problem,))
    if isinstance(data, TooLarge):
        return ProjectFile(None, {}, SourceFile(path, b""), (gate.too_large(path, data.size),))
    parsed = parse(path, data)
    source = SourceFile(path, data)
    problems = [*parsed.warnings, *parsed.problems]
    if parsed.value is None:
        return ProjectFile(None, {}, source, tuple(problems))
    places = Places()

    def spot(at: KeyPath, key: bool) -> Span:
        known = places.of(path, data)
        while at and at not in known:
            at = at[:-1]
        found = known.get(at)
        if found is None:
            return Span(path, 1, 1, 1, 1)
        return found.key if key and found.key else found.value

    reader = _Reader(root, path, parsed.value, spot, files)
    reader.keys()
    name = reader.name()
    given = dict(reader.environments())
    conf = reader.folder("conf", "conf")
    reader.repository()
    search_path = reader.search_path(conf)
    rules = reader.rules()
    requires = reader.requires()
    problems.extend(reader.problems)
    if name is None or not given:
        return ProjectFile(None, given, source, tuple(problems))
    settings = Settings(
        name, root, conf, {env: tuple(g.text for g in row) for env, row in given.items()}, search_path, rules, requires
    )
    return ProjectFile(settings, given, source, tuple(problems))
