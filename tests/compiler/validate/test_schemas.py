"""The schemas keep the rules of schemas/README.md, and their examples are valid."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from llmops import schemas
from llmops.compiler.model.kinds import Shape
from llmops.compiler.validate.validator import compiled
from llmops.schemas import bundle, bundled, kind_names, load_kinds, lookup

FILES = dict(schemas.definitions())
KINDS = [*kind_names(), "env"]
OURS = {
    "x-any", "x-brings", "x-env", "x-environment", "x-exactly-one", "x-file", "x-format-hint", "x-hidden", "x-known",
    "x-open", "x-options",
    "x-prefix", "x-ref", "x-ref-default", "x-ref-key", "x-root", "x-same", "x-scope", "x-target", "x-text", "x-typed",
    "x-unit",
    "x-instead", "x-shares", "x-some",
    "x-weak",
}
STANDARD = {
    "$defs", "$ref", "$schema", "additionalProperties", "anyOf", "const", "default", "dependentRequired", "description",
    "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "items", "maxItems", "maxLength", "maxProperties",
    "maximum", "minItems", "minLength", "minProperties", "minimum", "oneOf", "pattern", "properties", "propertyNames",
    "required", "title", "type", "uniqueItems",
}
_NAMED = ("properties", "$defs")
_BELOW = ("additionalProperties", "items", "propertyNames")


def subschemas(schema: Mapping[str, Any], at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield at, schema
    for word in _NAMED:
        for name, below in schema.get(word, {}).items():
            yield from subschemas(below, f"{at}/{word}/{name}")
    for word in _BELOW:
        if isinstance(schema.get(word), Mapping):
            yield from subschemas(schema[word], f"{at}/{word}")
    for word in ("anyOf", "oneOf"):
        for index, below in enumerate(schema.get(word, ())):
            yield from subschemas(below, f"{at}/{word}/{index}")


ALL = [place for file, schema in FILES.items() for place in subschemas(schema, file)]
DESCRIBED = [(at, s) for at, s in ALL if at.split("/")[-2:-1] and at.split("/")[-2] in _NAMED]


@pytest.mark.parametrize("file", FILES)
def test_is_a_schema(file: str) -> None:
    jsonschema.Draft202012Validator.check_schema(FILES[file])


@pytest.mark.parametrize("name", [*KINDS, "project", "diagnostic", "lock"])
def test_bundle_needs_no_other(name: str) -> None:
    made = bundled(schemas.schema(name))
    jsonschema.Draft202012Validator.check_schema(made)
    refs = {s["$ref"] for _, s in subschemas(made, name) if "$ref" in s}
    assert refs == {f"#/$defs/{definition}" for definition in made.get("$defs", {})}


@pytest.mark.parametrize(("at", "schema"), DESCRIBED, ids=[at for at, _ in DESCRIBED])
def test_is_described(at: str, schema: Mapping[str, Any]) -> None:
    """Each property and each shared shape says what it is, in a sentence or two, with examples that are valid."""
    shape = Shape(schema, at, lookup)
    assert re.match(r"[A-Z]", shape.schema["title"])
    assert re.fullmatch(r"[A-Z`].*[.]", shape.schema["description"])
    assert len(shape.schema["description"]) < 180
    assert shape.schema["examples"]
    validator = compiled(bundled(schema))
    for example in (*shape.schema["examples"], *([schema["default"]] if "default" in schema else [])):
        assert validator.accepts(example), example


@pytest.mark.parametrize("name", KINDS)
def test_examples_of_kinds(name: str) -> None:
    validator, editor = compiled(bundled(schemas.schema(name))), compiled(bundle(name))
    for example in schemas.schema(name)["examples"]:
        assert validator.accepts(example)
        assert editor.accepts({"env": example} if name == "env" else example)


def test_a_file_in_an_editor() -> None:
    """It may build on another file, and interpolate; it is no whole resource then."""
    jsonschema.Draft202012Validator.check_schema(bundle("model"))
    editor = compiled(bundle("model"))
    for good in (
        {"provider": "openai", "id": "a", "params": {"max_tokens": "${env.vars.limit}"}},
        {"defaults": ["/model/base/answerer"], "weights": {"repo": "a/b"}},
        {"defaults": ["/model/base/answerer"]},
    ):
        assert editor.accepts(good)
    for bad in (
        {"provider": "openai"}, {"provder": "openai", "id": "a"}, {"defaults": [], "provder": "openai"},
        {"provider": "openai", "id": "a", "params": {"max_tokens": "8k"}}, {"task": "chat"},
    ):
        assert not editor.accepts(bad)
    profile = compiled(bundle("env"))
    assert profile.accepts({"defaults": [{"/model": ["a"]}], "env": {"region": "eu"}, "gateway": {"m": {"x": None}}})
    assert not profile.accepts({"env": {"prodution": True}})
    assert not profile.accepts({"gatway": {}})


@pytest.mark.parametrize(("at", "schema"), ALL, ids=[at for at, _ in ALL])
def test_keeps_the_rules(at: str, schema: Mapping[str, Any]) -> None:
    assert set(schema) <= STANDARD | OURS
    if "$ref" in schema:
        assert re.fullmatch(r"(\.\./)?[a-z]+\.json#/\$defs/[a-z_]+", schema["$ref"])
        lookup(schema["$ref"])
    if "pattern" in schema:
        assert schema["pattern"].startswith("^")
        assert schema["pattern"].endswith("$")
        assert "\\" not in schema["pattern"]
        kinds_only = "kinds/" in at or at.startswith(("common", "environment"))
        assert not kinds_only or "x-format-hint" in Shape(schema, at, lookup).schema
    if "oneOf" in schema:
        assert schema["oneOf"] == [{"required": [key]} for key in schema["x-exactly-one"]]
    if "anyOf" in schema:
        types = [Shape(branch, at, lookup).types for branch in schema["anyOf"]]
        assert all(types)
        assert len(frozenset().union(*types)) == sum(map(len, types))
        assert not set(schema) - {"anyOf", "title", "description", "examples", "x-same"}
    if "default" in schema:
        assert isinstance(schema["default"], (str, int, bool))
        assert at.split("/")[-2] == "properties"
    if schema.get("type") == "object" and "properties" in schema and at != "kinds/target.json":
        assert schema.get("additionalProperties") is False or schema.get("x-open") or at.startswith("diagnostic")
    assert "x-ref-default" not in schema or "x-ref" in schema


@pytest.mark.parametrize("name", KINDS)
def test_no_shape_contains_itself(name: str) -> None:
    """The walks over shapes are bounded by the schemas' own depth."""

    def depth(shape: Shape, above: tuple[str, ...]) -> int:
        assert len(above) < 30, above
        below = [*shape.properties.values(), *shape.branches]
        below += [s for s in (shape.items, shape.names) if s is not None]
        if isinstance(shape.schema.get("additionalProperties"), Mapping) and shape.additional is not None:
            below.append(shape.additional)
        return 1 + max((depth(s, (*above, s.pointer)) for s in below), default=0)

    assert depth(load_kinds()[name].shape, ()) < 16


def test_references_name_kinds() -> None:
    for at, schema in ALL:
        for word in ("x-ref", "x-ref-key"):
            ref = Shape({word: schema[word]}, at, lookup) if word in schema else None
            spec = ref and (ref.ref or ref.ref_key)
            if spec:
                assert set(spec.kinds) <= {*kind_names(), *(["env"] if spec.entry else [])}
                assert bool(spec.kinds) != spec.own


def test_own_entries_exist() -> None:
    """`.routes` is a map of the kind in whose schema it stands."""
    for at, schema in ALL:
        if str(schema.get("x-ref", "")).startswith("."):
            file = at.split("/$defs")[0].split("/properties")[0]
            assert schema["x-ref"][1:] in FILES[file]["properties"]


def test_all_kinds_have_the_common_fields() -> None:
    for name in kind_names():
        assert {"description", "owner", "labels", "overrides"} <= set(schemas.schema(name)["properties"])


def test_kinds_are_the_same_objects() -> None:
    from llmops.schemas import types

    for name in KINDS:
        assert load_kinds()[name] is getattr(types, name.upper())
        assert load_kinds()[name].shape is load_kinds()[name].shape


def test_lookup_stays_inside() -> None:
    for ref in ("https://example.com/schema.json", "#/$defs/name", "../../pyproject.toml#/x"):
        with pytest.raises((KeyError, OSError)):
            lookup(ref)


def test_the_readme_names_every_keyword() -> None:
    text = (Path(__file__).parents[3] / "schemas" / "README.md").read_text(encoding="utf-8")
    assert {word for word in OURS if f"`{word}`" in text} == OURS
