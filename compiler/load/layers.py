"""The files of an environment in their order, and what the language refuses of how they meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llmops.compiler.diagnostics.suggest import best, did_you_mean
from llmops.compiler.load import codes, gate, overrides
from llmops.compiler.load.conf import ENV, Conf, File
from llmops.compiler.load.overrides import Read
from llmops.compiler.load.selection import Walk
from llmops.compiler.load.trace import Layer, Override, Step
from llmops.compiler.model.finding import Code, Diagnostic, Place, diagnose
from llmops.compiler.model.keys import Address, KeyPath, dotted
from llmops.compiler.model.sources import Span

if TYPE_CHECKING:
    from llmops.compiler.load.hydra import Selected

Name = tuple[str, str]


class Layers:
    """What is merged, in order: `steps`. `special` are resources with a null, a `???` or an interpolation in them."""

    def __init__(self, conf: Conf, env: str, walk: Walk, order: Sequence[Selected], changes: Sequence[Read]) -> None:
        self._conf, self._env, self._walk = conf, env, walk
        self._order = [(step, file) for step in order if (file := conf.file(step.path)) is not None]
        self._changes = changes
        self.steps: list[Step] = []
        self.problems: list[Diagnostic] = []
        self.special: set[Name] = set()
        self.special_env = False
        self.resources: dict[Name, None] = {}
        self.broken: set[Address] = set()
        self._profiles: dict[Name, list[tuple[File, Mapping[str, Any]]]] = {}
        self._noted: set[tuple[str, Name]] = set()

    def check(self) -> None:
        roots: dict[Name, list[File]] = {}
        seen: dict[str, int] = {}
        for step, file in self._order:
            if file.layer == "resource":
                name = self._name(file)
                self.resources[name] = None
                if not file.sound:
                    self.broken.add(Address(*name))
                parent = self._conf.file(step.parent) if step.parent else None
                joined = parent is not None and parent.layer == "resource" and parent.package == file.package
                if not joined and file not in roots.setdefault(name, []):
                    roots[name].append(file)
            elif file.layer == "profile":
                seen[file.name] = seen.get(file.name, 0) + 1
                if seen[file.name] == 2:
                    self._twice(file)
        for name, files in roots.items():
            if len(files) > 1:
                self._two_files(name, files)
        for step, file in self._order:
            self._add(step, file)
        for read in self._changes:
            self._change(read)

    @property
    def files(self) -> tuple[str, ...]:
        """All files that take part, each once, as they were selected."""
        return tuple(dict.fromkeys(file.path for _, file in self._order))

    def _name(self, file: File) -> Name:
        return str(file.package[0]), str(file.package[1])

    # --- files ----------------------------------------------------------------------------------------------------

    def _add(self, step: Selected, file: File) -> None:
        if file.layer == "resource":
            name = self._name(file)
            for profile, said in self._profiles.get(name, ()):
                for path in _overlap(said, file.body):
                    self._undone(file, profile, name, path)
            if file.special:
                self.special.add(name)
            self.steps.append(Layer(file.path, file.package, file.body, "resource"))
        elif file.layer == "profile":
            body = self._kept(file)
            if body:
                self.steps.append(Layer(file.path, file.package, body, "profile"))

    def _kept(self, file: File) -> Mapping[str, Any]:
        """What a profile says of `env` and of selected resources; a part of the file's own body."""
        nested: Any = file.body
        for key in reversed(file.package):
            nested = {key: nested}
        out: dict[str, Any] = {}
        folder = file.name.partition("/")[0] if "/" in file.name else ""
        known = any(kind == ENV or kind in self._conf.kinds for kind in nested)
        meant = None if known or not nested else best(folder, self._conf.kinds)
        if meant:
            self._wrong(
                file, (next(iter(nested)),), codes.UNKNOWN_KIND, f"there is no kind `{gate.cut(folder)}`",
                f"move the file to the folder `{meant}`", key=True,
            )
            return out
        for kind, below in nested.items():
            if kind == ENV:
                if isinstance(below, dict):
                    out[kind] = below
                    self.special_env |= file.special
                else:
                    self._wrong(
                        file,
                        (kind,),
                        codes.TAKEN_AWAY if below is None else codes.UNKNOWN_KIND,
                        "`env` is a map",
                        "write `env: {region: …}`",
                    )
            elif kind not in self._conf.kinds:
                self._wrong(
                    file,
                    (kind,),
                    codes.UNKNOWN_KIND,
                    f"there is no kind `{gate.cut(kind)}`",
                    did_you_mean(kind, (*self._conf.kinds, ENV)) or "values of your own stand in `env: {vars: {…}}`",
                    key=True,
                )
            elif not isinstance(below, dict):
                self._wrong(
                    file,
                    (kind,),
                    codes.TAKEN_AWAY if below is None else codes.UNKNOWN_RESOURCE,
                    f"`{kind}` holds resources by name",
                    f"write `{kind}: {{name: {{field: value}}}}`",
                )
            else:
                kept = {name: said for name, said in below.items() if self._of_resource(file, (kind, name), said)}
                if kept:
                    out[kind] = kept
        value: Any = out
        for key in file.package:
            value = value.get(key, {}) if isinstance(value, dict) else {}
        return value if isinstance(value, dict) else {}

    def _of_resource(self, file: File, name: Name, said: Any) -> bool:
        if name not in self.resources:
            self._not_there(name, self._span(file, name, True))
            return False
        if not isinstance(said, dict):
            self._wrong(
                file,
                name,
                codes.TAKEN_AWAY,
                f"`{name[0]}.{gate.cut(name[1])}` cannot be taken away or replaced by a profile",
                "let a choice select the resource, or not",
            )
            return False
        if file.special:
            self.special.add(name)
        self._profiles.setdefault(name, []).append((file, said))
        return True

    def _not_there(self, name: Name, span: Span) -> None:
        address = Address(*name)
        known = self._conf.addresses()
        if address in known:
            self.problems.append(
                diagnose(
                    codes.NOT_SELECTED,
                    f"`{address}` is not selected, so this has no effect",
                    span,
                    environments=[self._env],
                )
            )
            return
        names = [a.name for a in known if a.kind == name[0]]
        near = did_you_mean(name[1], names)
        others = [str(a) for a in known if a.name == name[1]]
        few = (
            f"{name[0]}: {', '.join(sorted(names))}"
            if 0 < len(names) <= 8
            else f"write conf/{name[0]}/{gate.cut(name[1])}.yaml and select it"
        )
        self._report(
            codes.UNKNOWN_RESOURCE,
            f"no file makes `{name[0]}.{gate.cut(name[1])}`",
            span,
            near or (f"there is `{others[0]}`" if others else few),
        )

    # --- overrides ------------------------------------------------------------------------------------------------

    def _change(self, read: Read) -> None:
        change, span, path = read.change, read.given.span, read.path
        if not path:
            return
        if path[0] == ENV:
            if len(path) == 1 and not isinstance(change.value, dict):
                self._report(codes.OVERRIDE_WAY, "`env` is a map", span, "write `env.region=…`")
                return
            self.special_env |= overrides.special(change.value)
        elif path[0] not in self._conf.kinds:
            self._report(
                codes.UNKNOWN_KIND,
                f"there is no kind `{gate.cut(path[0])}`",
                span,
                did_you_mean(path[0], (*self._conf.kinds, ENV)) or "",
            )
            return
        elif len(path) < 3 and not (len(path) == 2 and isinstance(change.value, dict)):
            self._report(
                codes.TAKEN_AWAY, "an override changes fields of a resource", span, "write `kind.name.field=value`"
            )
            return
        else:
            name = (path[0], path[1])
            if name not in self.resources:
                self._not_there(name, span)
                return
            if overrides.special(change.value):
                self.special.add(name)
        self.steps.append(Override(change.op, path, change.value, read.given.text, span, change.has_value))

    # --- problems -------------------------------------------------------------------------------------------------

    def _span(self, file: File, path: KeyPath, key: bool = False) -> Span:
        return self._conf.spot(file.path)(path[len(file.package) :], key)

    def _wrong(self, file: File, path: KeyPath, code: Code, message: str, cure: str, key: bool = False) -> None:
        self._report(code, message, self._span(file, path, key), cure)

    def _report(
        self, code: Code, message: str, span: Span | None, cure: str = "", more: Sequence[Place] = (), text: str = ""
    ) -> None:
        self.problems.append(
            diagnose(code, message, span, text, help=[cure] if cure else (), more=more, environments=[self._env])
        )

    def _twice(self, file: File) -> None:
        spans = self._walk.spans(file.name)
        self._report(
            codes.PROFILE_TWICE,
            f"the profile `{file.name}` is selected twice",
            spans[-1] if spans else None,
            "select it once",
            [Place(s, "first here") for s in spans[:1] if len(spans) > 1],
        )

    def _two_files(self, name: Name, files: Sequence[File]) -> None:
        first, second = self._walk.spans(files[0].name), self._walk.spans(files[1].name)
        more = [Place(first[0], f"selects {files[0].path}")] if first else []
        self._report(
            codes.TWO_FILES,
            f"two files make `{name[0]}.{name[1]}`",
            second[0] if second else None,
            "select one of them, or join them: `defaults: [/kind/base/name]` in one",
            more,
            f"selects {files[1].path}",
        )

    def _undone(self, file: File, profile: File, name: Name, path: KeyPath) -> None:
        key = ("undone:" + file.name + profile.name, name)
        if key in self._noted:
            return
        self._noted.add(key)
        full = (*name, *path)
        selected = self._walk.spans(file.name)
        more = [Place(self._span(profile, full), "the profile says so")]
        if selected:
            more.append(Place(selected[0], "selected here, after the profile"))
        self._report(
            codes.UNDONE,
            f"`{dotted(full)}` undoes what {profile.path} says",
            self._span(file, full),
            "select the resource before the profile: put `env` and such last in `defaults`",
            more,
        )


def _overlap(said: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[KeyPath]:
    """Places that both write."""
    for key, value in said.items():
        if key not in body:
            continue
        other = body[key]
        if isinstance(value, dict) and isinstance(other, dict):
            for path in _overlap(value, other):
                yield (key, *path)
        else:
            yield (key,)
