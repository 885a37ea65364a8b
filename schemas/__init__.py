"""The schemas of the kinds, and of the files that are no kind.

`schema` gives one as it stands in its file, `bundled` makes one that needs no other, `bundle` one for an editor,
`load_kinds` the kinds by name. A `$ref`
names a file of this folder and a place in it (`../common.json#/$defs/duration`); nothing else is ever looked up.
Files are read when they are first asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from llmops.compiler.model.kinds import Kind, Lookup, Schema, Shape
from llmops.schemas.files import for_files, for_profiles

__all__ = ["ENVIRONMENT", "bundle", "bundled", "kind", "kind_names", "load_kinds", "lookup", "lookup_in", "schema"]

ENVIRONMENT = "env"
"""The one root key of a config that is no kind. Its schema is environment.json."""

_FOLDER = Path(__file__).parent
_DEFS = "#/$defs/"


@cache
def kind_names() -> tuple[str, ...]:
    """All kinds, sorted: there is one for each file in kinds/."""
    return tuple(sorted(path.stem for path in (_FOLDER / "kinds").glob("*.json")))


def load_kinds() -> Mapping[str, Kind[Any]]:
    """Every kind by its name, and what the root key `env` is, under that name. The same objects each time."""
    return _kinds()


@cache
def _kinds() -> Mapping[str, Kind[Any]]:
    return MappingProxyType({name: kind(name) for name in (*kind_names(), ENVIRONMENT)})


@cache
def kind(name: str) -> Kind[Any]:
    """A kind. Its schema is read when its shape is first asked for."""
    return Kind(name, partial(_shape, name))


@cache
def _shape(name: str) -> Shape:
    return Shape(schema(name), "", lookup)


@cache
def schema(name: str) -> Schema:
    """A kind's schema, `env`'s, or that of `common`, `project`, `diagnostic` or `lock`."""
    if name == ENVIRONMENT:
        name = "environment"
    path = _FOLDER / "kinds" / f"{name}.json"
    if not path.exists():
        path = _FOLDER / f"{name}.json"
    loaded: Schema = json.loads(path.read_bytes())
    return loaded


def lookup(ref: str) -> Schema:
    """The schema behind a `$ref` of ours; the last part of its path says which file is meant."""
    file, found, name = ref.partition(_DEFS)
    if not found:
        raise KeyError(f"a $ref names a file and a place below $defs, unlike {ref}")
    definition: Schema = schema(file.rpartition("/")[2].removesuffix(".json"))["$defs"][name]
    return definition


def lookup_in(root: Schema) -> Lookup:
    """As `lookup`, for a schema that is none of ours (a target's options): `#/$defs/name` is a place in `root`."""

    def find(ref: str) -> Schema:
        if not ref.startswith(_DEFS):
            return lookup(ref)
        definition: Schema = root["$defs"][ref.removeprefix(_DEFS)]
        return definition

    return find


def bundle(name: str) -> dict[str, Any]:
    """A schema for an editor: it needs no other, and knows what a file may hold beside a resource's fields.

    That of `env` is for the profiles in conf/env/.
    """
    whole = bundled(schema(name))
    if name == ENVIRONMENT:
        return for_profiles(whole, kind_names())
    return for_files(whole) if name in kind_names() else whole


def bundled(root: Schema) -> dict[str, Any]:
    """`root` with every definition that it reaches in its own `$defs`."""
    find = lookup_in(root)
    definitions: dict[str, Any] = {}
    waiting: list[str] = []

    def rewrite(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: point(item) if key == "$ref" else rewrite(item) for key, item in value.items()}
        return [rewrite(item) for item in value] if isinstance(value, list) else value

    def point(ref: str) -> str:
        file, _, name = ref.partition(_DEFS)
        name = ".".join(filter(None, (file.rpartition("/")[2].removesuffix(".json"), name)))
        if name not in definitions:
            definitions[name] = None
            waiting.append(ref)
        return _DEFS + name

    out: dict[str, Any] = rewrite({key: value for key, value in root.items() if key != "$defs"})
    while waiting:
        ref = waiting.pop()
        definitions[point(ref).removeprefix(_DEFS)] = rewrite(find(ref))
    if definitions:
        out["$defs"] = dict(sorted(definitions.items()))
    return out


def definitions() -> Iterator[tuple[str, Schema]]:
    """Every schema by its file's name below this folder, for tests and generators."""
    for path in sorted(_FOLDER.rglob("*.json")):
        yield path.relative_to(_FOLDER).as_posix(), schema(path.stem)
