"""Random config trees and overrides, for holding our composition against Hydra's.

A tree knows which features it has. Most trees compose; some hold what both refuse, some what only we refuse.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

KEYS = ["a", "b", "c", "d", "e", "ключ"]
GROUPS = ["g", "h", "g/sub", "k"]
OPTIONS = ["x", "y", "z"]
PACKAGES = ["_global_", "p", "c.in", "models.m", "_here_", "_group_", "_global_.q", "_group_.r"]
PLAIN = [
    "1",
    "0",
    "-3",
    "1.5",
    "1e-5",
    "true",
    "False",
    "null",
    "~",
    "text",
    '"on"',
    '"1e3"',
    '"012"',
    '"2020-01-01"',
    "'it''s'",
    "über",
    '"日本"',
    "x y",
    "0x1f",
    "1.",
    "-0.0",
    '""',
    "a-b",
    "'${base.a}'",
    "${base.a}",
    "${base.b.c}",
    "${base.l[1]}",
    "x-${base.a}-${mut.é}",
    "${base.b}",
    "${base.l}",
    "${base.l.0}",
    "'\\${base.a}'",
    "'$5'",
    "${base[b][c]}",
]
RELATIVE = ["${..base.a}", "${...base.b}", "${.b}", "${..a}"]
"""How many dots reach the top depends on where a file lands: these find something now and then."""
OWN = "{rel: 5, a: '${.rel}', c: {a: 'w-${..rel}', b: '${..d}'}, d: [1, '${..rel}']}"
"""A map whose relative interpolations hold anywhere."""
FEATURES = (
    "several files of a group",
    "header",
    "global header",
    "_self_ first or between",
    "override in a file",
    "optional",
    "package in an entry",
    "nested defaults",
    "list select",
    "search path",
    "interpolated default",
    "???",
    "null",
    "unicode",
    "+ override",
    "++ override",
    "~ override",
    "group override",
    "value override",
    "interpolation",
    "relative interpolation",
)
OURS = (
    "alias",
    "ambiguous value",
    "tag",
    "other key",
    "resolver",
    "root list",
    "override function",
    "second document",
    "onto interpolation",
    "hydra key",
    "nested interpolation",
    "same file twice",
)


@dataclass
class Tree:
    """Files of the conf folder and of one folder behind it, overrides, and the features that it has."""

    files: dict[str, str] = field(default_factory=dict)
    behind: dict[str, str] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    """Of its overrides and as a whole."""
    of_file: dict[str, set[str]] = field(default_factory=dict)
    """Of each file: they count where the file is selected."""


def make(seed: int) -> Tree:
    return _Maker(random.Random(seed)).tree()


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.r = rng
        self.out = Tree()
        self.now = self.out.features
        """Where features are noted: the tree, or the file that is being written."""
        self.wild = rng.random() < 0.16
        """Whether the tree may hold what makes Hydra itself refuse."""
        self.chosen: dict[str, str] = {}

    def has(self, feature: str) -> None:
        self.now.add(feature)

    def chance(self, p: float) -> bool:
        return self.r.random() < p

    # --- values --------------------------------------------------------------------------------------------------

    def scalar(self) -> str:
        r = self.r
        if self.chance(0.06):
            self.has("???")
            return "???"
        if self.wild and self.chance(0.05):
            self.has("relative interpolation")
            return self.r.choice(RELATIVE)
        if self.wild and self.chance(0.05):
            return r.choice(
                ["${nowhere}", "${a}", "${c.d}", "${base.a.x}", "${base.l.7}", "${", "${base.}", "x${b}", "${e}"]
            )
        text = r.choice(PLAIN)
        if text in ("null", "~"):
            self.has("null")
        if any(ord(c) > 127 for c in text):
            self.has("unicode")
        if "${" in text and "\\" not in text:
            self.has("interpolation")
        return text

    def mapping(self, depth: int) -> str:
        if self.chance(0.06):
            self.has("relative interpolation")
            return OWN
        keys = self.r.sample(KEYS, self.r.randint(0, 3))
        return "{" + ", ".join(f"{k}: {self.flow(depth + 1)}" for k in keys) + "}"

    def flow(self, depth: int) -> str:
        p = self.r.random()
        if depth < 3 and p < 0.15:
            return self.mapping(depth)
        if depth < 3 and p < 0.25:
            return "[" + ", ".join(self.flow(depth + 1) for _ in range(self.r.randint(0, 2))) + "]"
        text = self.scalar()
        if text[:1] in "'\"" or not any(c in text for c in "{}[],?"):
            return text
        return "'" + text.replace("'", "''") + "'"

    def value(self, key: str) -> str:
        """Keys have a usual shape, so that most merges fit."""
        if self.wild and self.chance(0.12):
            return self.flow(1)
        if key in "ab":
            return self.scalar() if self.chance(0.9) else "null"
        if key in "cd":
            return self.mapping(1)
        if key == "e":
            return "[" + ", ".join(self.flow(3) for _ in range(self.r.randint(0, 3))) + "]"
        self.has("unicode")
        return self.mapping(1)

    def body(self) -> list[str]:
        keys = self.r.sample(KEYS, self.r.randint(0, 4))
        return [f"{key}: {self.value(key)}" for key in keys]

    # --- defaults lists ------------------------------------------------------------------------------------------

    def at(self) -> str:
        if self.chance(0.75):
            return ""
        self.has("package in an entry")
        return "@" + self.r.choice(PACKAGES)

    def entries(self, level: int, groups: list[str]) -> list[str]:
        r = self.r
        out: list[str] = []
        keys: list[tuple[str, str]] = []
        for group in groups:
            prefix = "/" if level else ""
            optional = self.chance(0.12)
            if optional:
                self.has("optional")
            word = "optional " if optional else ""
            at = self.at()
            p = r.random()
            if p < 0.4:
                option = "missing" if optional and self.chance(0.5) else r.choice(OPTIONS)
                out.append(f"{word}{prefix}{group}{at}: {option}")
                keys.append((prefix + group + at, group + at))
                if not level and not at:
                    self.chosen.setdefault(group, option)
            elif p < 0.72:
                self.has("list select")
                options = r.sample(OPTIONS, r.randint(1, 3))
                if len(options) > 1:
                    self.has("several files of a group")
                out.append(f"{word}{prefix}{group}{at}: [{', '.join(options)}]")
                keys.append((prefix + group + at, group + at))
            elif p < 0.8:
                out.append(f"{prefix}{group}/{r.choice(OPTIONS)}{at}")
            elif p < 0.94 and self.chosen:
                self.has("interpolated default")
                out.append(f"{prefix}{group}{at}: ${{{r.choice(sorted(self.chosen))}}}")
            elif p < 0.96:
                out.append(f"{prefix}{group}{at}: null")
            elif self.wild:
                out.append(f"{prefix}{group}: {r.choice(['nowhere', '???', '5', '[1]', '{a: b}'])}")
        if self.chance(0.75):
            place = r.randint(0, len(out))
            if place < len(out):
                self.has("_self_ first or between")
            out.insert(place, "_self_")
        if keys and self.chance(0.25):
            self.has("override in a file")
            key = r.choice(keys)[0] if not self.wild or self.chance(0.7) else "h"
            out.append(f"override {key}: {r.choice(OPTIONS) if self.chance(0.8) else '[x, y]'}")
        return out

    def noted(self, name: str, level: int, group: str) -> str:
        """A file's text, with its features kept apart."""
        self.now = self.out.of_file[name] = set()
        text = self.file(level, group)
        self.now = self.out.features
        return text

    def file(self, level: int, group: str) -> str:
        r = self.r
        lines: list[str] = []
        if level and self.chance(0.3):
            package = r.choice(["_global_", "_global_", "p", "c.in", "models.m", "q.ц"])
            self.has("header")
            if package == "_global_":
                self.has("global header")
            lines.append(f"# @package {package}")
        if level == 0 or self.chance(0.22):
            below = [g for g in GROUPS if g > group] if level else GROUPS
            groups = r.sample(below, min(len(below), r.randint(0, 2) if level else r.randint(1, 4)))
            entries = self.entries(level, groups)
            if level and entries:
                self.has("nested defaults")
            lines.append("defaults:" + ("".join(f"\n  - {e}" for e in entries) if entries else " []"))
        if level == 0:
            lines.append("base: {a: 1, b: {c: deep, f: [7]}, l: [1, two], é: ü}")
            lines.append("mut: {a: 1, b: {c: deep, f: [7]}, l: [1, two], é: '${base.a}'}")
        lines.extend(self.body())
        return "\n".join(lines) + "\n"

    # --- overrides -----------------------------------------------------------------------------------------------

    def override(self) -> str:
        r = self.r
        p = r.random()
        if p < 0.2:
            self.has("value override")
            return r.choice(
                [
                    "mut.a=5",
                    "mut.b.c=null",
                    "mut.b={c:9}",
                    "mut.l=[3,4]",
                    "mut.a='${base.b.c}'",
                    "mut.l.1=x",
                    "mut.a=ctext",
                    "mut.b.f.0=${base.a}",
                    "mut.a='ü'",
                    "mut.b.c=1.5",
                ]
            )
        if p < 0.36:
            self.has("+ override")
            return r.choice(
                [
                    "+new.x.y={q:1}",
                    "+n=text",
                    "+m=[1,{z:2}]",
                    "+o='a b'",
                    "+k=x",
                    "+h@hh=[y,x]",
                    "+g/sub=z",
                    "+mut.b={n:1}",
                    "+s.t=null",
                    "+h=y",
                ]
            )
        if p < 0.52:
            self.has("++ override")
            return r.choice(
                [
                    "++a=7",
                    "++c.z=[1,2]",
                    "++mut.b.c=null",
                    "++d={e:1}",
                    "++e.f.g=1",
                    "++mut.a='${base.b}'",
                    "++u.v=true",
                    "++mut.l.0=z",
                ]
            )
        if p < 0.7:
            self.has("~ override")
            return r.choice(
                [
                    "~mut.l",
                    "~mut.b.c=deep",
                    "~mut.b",
                    "~mut.a=1",
                    "~mut.l=[1,two]",
                    "~mut.a",
                    *(["~g", "~c", "~h=x"] if self.wild else []),
                ]
            )
        if p < 0.92 and self.chosen:
            self.has("group override")
            group = r.choice(sorted(self.chosen))
            return f"{group}={r.choice(OPTIONS)}"
        if self.wild:
            return r.choice(
                [
                    "nope=1",
                    "h=nowhere",
                    "mut.a.x=1",
                    "+mut.a=1",
                    "~nope",
                    "mut.b=[1]",
                    "mut.l={a:1}",
                    "g=[x,y]",
                    "h@p=x",
                    "a=b=c",
                    "mut.l.9=1",
                    "x y=1",
                    "mut.a=",
                    "+g=1",
                    "~mut.a=2",
                ]
            )
        return "mut.a=text"

    # --- what only we refuse -------------------------------------------------------------------------------------

    def spoil(self) -> None:
        r, files = self.r, self.out.files
        what = r.choice(OURS)
        self.has(what)
        config = files["config.yaml"]
        extra = {
            "alias": "s: &s {n: 1}\nt: *s\n",
            "ambiguous value": f"s: {r.choice(['yes', '1e3', '012', '1_0', '12:30', 'off', '2020-01-01', '0b1'])}\n",
            "tag": "s: !!str 5\n",
            "other key": f"s: {{{r.choice(['1', 'true', '1.5', 'on'])}: x}}\n",
            "resolver": "s: ${oc.select:nope,5}\n",
            "nested interpolation": "s: ${base.${base.n}}\n",
        }
        if what in extra:
            files["config.yaml"] = config + extra[what]
        elif what == "root list":
            files["g/x.yaml"] = "- 1\n- 2\n"
        elif what == "override function":
            self.out.overrides.append(r.choice(["base.a=int(3.7)", "base.a=sort(3,1)", "base.a=str(1)"]))
        elif what == "second document":
            files["g/x.yaml"] = "a: 1\n---\nb: 2\n"
        elif what == "onto interpolation":
            files["config.yaml"] = config + "s: ${base.b}\n"
            self.out.overrides.append("++s={n: 1}")
        elif what == "hydra key":
            files["config.yaml"] = config + "hydra: {job: {name: x}}\n"
        else:
            files["config.yaml"] = "defaults: [g/x@_global_, g/x@p]\nb: 1\n"
            files["g/x.yaml"] = "c: {a: 1}\n"

    # --- all together --------------------------------------------------------------------------------------------

    def tree(self) -> Tree:
        out = self.out
        out.files["config.yaml"] = self.noted("config", 0, "")
        for group in GROUPS:
            for option in OPTIONS:
                out.files[f"{group}/{option}.yaml"] = self.noted(f"{group}/{option}", 1, group)
        if self.chance(0.15):
            for name in self.r.sample(sorted(out.files), 3):
                if name != "config.yaml":
                    before = out.of_file[name.removesuffix(".yaml")]
                    out.behind[name] = self.noted(name.removesuffix(".yaml"), 1, "~")
                    if self.chance(0.6):
                        del out.files[name]
                        self.has("search path")
                    else:
                        out.of_file[name.removesuffix(".yaml")] = before
        for _ in range(self.r.choice([0, 0, 1, 1, 2, 3, 3])):
            out.overrides.append(self.override())
        if self.chance(0.11):
            self.spoil()
        return out
