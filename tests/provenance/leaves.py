"""Every leaf of a project's configs, and what it could be changed to and stay valid."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.kinds import Shape
from llmops.compiler.model.project import Project, Workspace
from llmops.compiler.model.request import Files
from llmops.compiler.model.sources import FromFile, Span
from llmops.schemas import load_kinds


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar in a config file, and the place in the composed config that it writes."""

    span: Span
    path: KeyPath
    env: str
    value: Any
    shape: Shape | None

    def __str__(self) -> str:
        return f"{self.span.file}:{self.span.line}:{self.span.column}"


def leaves(workspace: Workspace, files: Files) -> Iterator[Leaf]:
    """Every scalar that wins in at least one environment; `env` is the first of those."""
    seen: set[Span] = set()
    kinds = load_kinds()
    for env, project in workspace.projects.items():
        for kind, names in project.composed.tree.items():
            if kind not in kinds:
                continue
            places = [((kind,), names)] if kind == "env" else [((kind, n), v) for n, v in names.items()]
            for base, value in places:
                for path, scalar in _scalars(value):
                    leaf = _leaf(project, env, (*base, *path), scalar, kinds[kind].shape, path)
                    if leaf is not None and leaf.span not in seen:
                        seen.add(leaf.span)
                        yield leaf


def _scalars(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _scalars(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _scalars(item, (*path, index))
    else:
        yield path, value


def _leaf(project: Project, env: str, full: KeyPath, value: Any, shape: Shape, path: KeyPath) -> Leaf | None:
    writes = project.composed.history.writes(full)
    if not writes or not isinstance(writes[-1].origin, FromFile):
        return None
    resource = project.resources.get(Address(str(full[0]), str(full[1]))) if full[0] != "env" else None
    spec = project.environment.spec if resource is None else resource.spec
    if resource is not None and full[0] == "target":
        shape = resource.kind.shape
    return Leaf(writes[-1].origin.span, full, env, value, shape.down(spec, path))


@dataclass(frozen=True, slots=True)
class Change:
    """Another value for a leaf, as YAML, and the files that it needs."""

    leaf: Leaf
    text: str
    files: dict[str, bytes]


Fitting = dict[str, list[Change]]
"""Changes of values that compiled, by the file that the value stands in."""


def changed(
    leaf: Leaf, workspace: Workspace, files: Files, fitting: Fitting
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Other values for a leaf, as YAML, the likeliest first, each with files that it needs."""
    shape, value = leaf.shape, leaf.value
    schema = shape.schema if shape is not None else {}
    project = workspace.projects[leaf.env]
    if isinstance(value, bool):
        yield json.dumps(not value), {}
        return
    if shape is not None and "x-file" in schema and isinstance(value, str):
        yield from _other_file(value, workspace, files)
        return
    if shape is not None and shape.ref is not None and isinstance(value, str):
        yield from _other_names(shape, value, leaf, workspace, files, fitting)
        return
    members = schema.get("enum") or ()
    yield from ((json.dumps(m), {}) for m in members if m != value)
    if isinstance(value, int):
        for other in (value - 1, value + 1, value * 2, value // 2):
            if schema.get("minimum", other) <= other <= schema.get("maximum", other) and other != value:
                yield json.dumps(other), {}
    elif isinstance(value, float):
        for other in (value / 4, value / 2, value * 0.9, value * 1.1, value + 0.01):
            yield json.dumps(round(other, 4)), {}
    elif isinstance(value, str) and not members:
        texts = (*_other_members(leaf, project), *_other_texts(value, schema))
        yield from ((json.dumps(text, ensure_ascii=False), {}) for text in texts)


def _other_members(leaf: Leaf, project: Project) -> Iterator[str]:
    """Other members of sets that no schema lists: splits of a dataset, accelerators, an engine's words."""
    field = leaf.path[-1]
    if field == "split":
        for resource in project.of("dataset"):
            yield from (name for name in resource.spec.get("splits", {}) if name != leaf.value)
    elif field == "accelerator":
        yield from (name for name in ("MI300X", "H100", "A100-80GB") if name != leaf.value)
    elif field == "dtype":
        yield from (name for name in ("float16", "bfloat16") if name != leaf.value)


def _other_texts(value: str, schema: Any) -> Iterator[str]:
    digit = re.search(r"[0-9a-f](?=[^0-9a-f]*\Z)", value)
    if re.fullmatch(r"[0-9a-f]{40}", value):
        yield value[:-1] + ("0" if value[-1] != "0" else "1")
        return
    if "x-brings" in schema:
        yield from (name for name in ("mistral", "groq") if name != value)
    named = (*schema.get("examples", ()), *schema.get("x-known", ()))
    yield from (e for e in named if isinstance(e, str) and e != value)
    if digit and digit.group().isdigit():
        yield value[: digit.start()] + str((int(digit.group()) + 1) % 10) + value[digit.end():]
    yield f"{value}x"
    yield f"{value} and more"


def _other_names(
    shape: Shape, value: str, leaf: Leaf, workspace: Workspace, files: Files, fitting: Fitting
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Other entries of the resource's own map; other resources of the kind; else a copy of the one that is named.

    Of any environment: a stage may mean another one's resources. Whoever names another resource means a different one:
    the copy has other values wherever a change of the value alone compiled.
    """
    assert shape.ref is not None
    project = workspace.projects[leaf.env]
    if shape.ref.own:
        spec = project.resources[Address(str(leaf.path[0]), str(leaf.path[1]))].spec
        yield from ((name, {}) for name in spec.get(shape.ref.entry or "", {}) if name != value)
        return
    names = dict.fromkeys(a for p in (project, *workspace.projects.values()) for a in p.resources)
    for address in names:
        if address.kind in shape.ref.kinds and address.name != value:
            yield address.name, {}
    homes = dict.fromkeys(f for p in (project, *workspace.projects.values()) for f in p.composed.files)
    for kind in shape.ref.kinds:
        for home in homes:
            if f"/{kind}/" in f"/{home}" and home.endswith(f"/{value}.yaml"):
                if home in fitting:
                    yield f"{value}_copy", _copied(home, value, files, fitting[home])
                yield f"{value}_copy", _copied(home, value, files, ())


def _copied(home: str, name: str, files: Files, changes: Iterable[Change]) -> dict[str, bytes]:
    """A second resource like the one in `home`, but for these values, selected in every environment."""
    data = files.read(home)
    conf, _, below = home.partition("/")
    config = files.read(f"{conf}/config.yaml")
    assert data is not None
    assert config is not None
    group = below.removesuffix(f"/{name}.yaml")
    selected = config.replace(b"defaults:\n", f"defaults:\n  - {group}: [{name}_copy]\n".encode(), 1)
    more: dict[str, bytes] = {}
    for change in sorted(changes, key=lambda one: one.leaf.span, reverse=True):
        data = replaced(data, change.leaf.span, change.text)
        more |= change.files
    return {**more, home.removesuffix(".yaml") + "_copy.yaml": data, f"{conf}/config.yaml": selected}


def _other_file(value: str, workspace: Workspace, files: Files) -> Iterator[tuple[str, dict[str, bytes]]]:
    root = workspace.settings.root
    full = value if root == "." else f"{root}/{value}"
    data = files.read(full)
    if data is None:
        return
    stem, _, suffix = value.rpartition(".")
    other = f"{stem}_other.{suffix}"
    where = other if root == "." else f"{root}/{other}"
    lines = data.decode().splitlines()
    if suffix == "jsonl":
        rows = [json.loads(line) for line in lines]
        text = "".join(json.dumps({k: f"{v} (other)" for k, v in row.items()}) + "\n" for row in rows)
    elif suffix == "md":
        text = "".join(f"{line} Please.\n" if line else "\n" for line in lines)
    else:
        text = "\n".join(lines) + " Please.\n"
    yield other, {where: text.encode()}


def replaced(data: bytes, span: Span, text: str) -> bytes:
    """A file with the text at a span replaced; block scalars and multi-line values become one line."""
    lines = data.decode().split("\n")
    before = lines[span.line - 1][: span.column - 1]
    after = lines[span.end_line - 1][span.end_column - 1:]
    if span.end_line > span.line and not after.strip() and span.end_column == 1:
        after = "\n" + after
    return "\n".join([*lines[: span.line - 1], before + text + after, *lines[span.end_line:]]).encode()


