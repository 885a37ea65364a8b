"""Qdrant's own closed lists, taken from its client by `scripts/targets/qdrant_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.diagnostics.suggest import nearest


@cache
def _data(name: str) -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", name).read_bytes()))


def words(name: str) -> tuple[str, ...]:
    """`distances`, `numbers`, `fields`, `languages` …"""
    return tuple(_data("lists.json")["words"][name])


def keys(name: str) -> tuple[str, ...]:
    """The keys of a map: `collection`, `vector`, `graph` …"""
    return tuple(_data("lists.json")["keys"][name])


def image(version: str | None) -> str:
    """The published image: of a full version, else of the newest one whose number begins so."""
    row = _data("image.json")
    chosen = version if version is not None and version.count(".") == 2 else row["version"]
    return f"{row['image']}:{row['tag'].format(version=chosen)}"


def image_is_known(version: str) -> bool:
    return version.count(".") == 2 or str(_data("image.json")["version"]).startswith(f"{version}.")


# --- the check ----------------------------------------------------------------------------------------------------


def check(path: str, data: Any) -> Iterator[str]:
    """Keys and words that no collection or index has. The server would refuse them, when it is asked."""
    if path.endswith(".fields.json") and isinstance(data, list):
        for number, one in enumerate(data):
            yield from _field(f"field {number + 1}", one)
    elif path.endswith(".json") and isinstance(data, dict):
        yield from _collection(data)


def _collection(data: dict[str, Any]) -> Iterator[str]:
    yield from _unknown("a collection", data, keys("collection"), "key")
    vectors = data.get("vectors")
    if isinstance(vectors, dict):
        named = vectors if "size" not in vectors and "distance" not in vectors else {"": vectors}
        for name, vector in named.items():
            yield from _vector(f"vector `{name}`" if name else "the vector", vector)
    if isinstance(data.get("hnsw_config"), dict):
        yield from _unknown("hnsw_config", data["hnsw_config"], keys("graph"), "key")
    made = data.get("quantization_config")
    if isinstance(made, dict):
        yield from _unknown("quantization_config", made, ("scalar", "binary", "product"), "key")
        for name, settings in made.items():
            if name in ("scalar", "binary", "product") and isinstance(settings, dict):
                yield from _unknown(name, settings, keys(name), "key")


def _vector(where: str, vector: Any) -> Iterator[str]:
    if not isinstance(vector, dict):
        yield f"{where} is no map"
        return
    yield from _unknown(where, vector, keys("vector"), "key")
    yield from (f"{where} lacks `{name}`" for name in ("size", "distance") if name not in vector)
    size = vector.get("size")
    if isinstance(size, int) and size < 1:
        yield f"{where} has no length: {size}"
    yield from _word(where, vector, "distance", "distances")
    yield from _word(where, vector, "datatype", "numbers")


def _field(where: str, one: Any) -> Iterator[str]:
    if not isinstance(one, dict):
        yield f"{where} is no map"
        return
    yield from _unknown(where, one, keys("index"), "key")
    schema = one.get("field_schema")
    if isinstance(schema, str) and schema not in words("fields"):
        yield f"{where} has no type `{schema}`{_close(schema, words('fields'))}"
    if isinstance(schema, dict) and schema.get("type") in ("keyword", "text"):
        yield from _unknown(f"{where}, field_schema", schema, keys(schema["type"]), "key")
        yield from _word(where, schema, "tokenizer", "tokenizers")


def _word(where: str, found: Mapping[str, Any], key: str, listed: str) -> Iterator[str]:
    if key in found and found[key] not in words(listed):
        yield f"{where} has no {key} `{found[key]}`{_close(str(found[key]), words(listed))}"


def _unknown(where: str, found: Mapping[str, Any], names: Iterable[str], what: str) -> Iterator[str]:
    yield from (f"{where} has no {what} `{name}`{_close(str(name), names)}" for name in found if name not in set(names))


def _close(name: str, names: Iterable[str]) -> str:
    close = nearest(name, sorted(names))
    return f"; did you mean `{close[0]}`?" if close else ""
