"""Defaults, broken resources, and what is carried over unchanged."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from llmops import schemas
from llmops.compiler.model.keys import Address
from llmops.compiler.validate import validator
from llmops.schemas import load_kinds
from tests.compiler.validate.kit import rows, run

EVAL = {
    "runner": "promptfoo", "subject": {"http": {"url": "https://app.example.com"}},
    "rows": [{"vars": {"q": "?"}, "assert": [{"type": "icontains", "value": "x"}]}], "gate": {"pass_rate": 1.0},
}


def one(kind: str, spec: Any) -> Any:
    validated = run({kind: {"it": spec}})
    return validated.resources[Address(kind, "it")]


def test_defaults_are_filled_in_and_recorded() -> None:
    resource = one("eval", EVAL)
    assert resource.defaults == {
        ("type",): "/properties/type/default",
        ("subject", "http", "method"): "eval.json#/$defs/subject/properties/http/properties/method/default",
        ("rows", 0, "assert", 0, "informational"): "common.json#/$defs/assertion/properties/informational/default",
        ("gate", "mode"): "eval.json#/$defs/gate/properties/mode/default",
    }
    assert resource.spec["type"] == "quality"
    assert resource.spec["gate"] == {"pass_rate": 1.0, "mode": "block"}
    assert resource.spec["rows"][0]["assert"][0]["informational"] is False


def test_recorded_pointers_lead_to_the_defaults() -> None:
    for path, pointer in one("eval", EVAL).defaults.items():
        file, hash_, inside = pointer.rpartition("#")
        found: Any = schemas.schema(file.rpartition("/")[2].removesuffix(".json") if hash_ else "eval")
        for step in inside.strip("/").split("/"):
            found = found[step]
        value: Any = one("eval", EVAL).spec
        for key in path:
            value = value[key]
        assert value == found


def test_the_composed_tree_is_left_alone() -> None:
    before = copy.deepcopy(EVAL)
    one("eval", EVAL)
    assert before == EVAL


def test_nothing_to_fill_in_is_the_same_object() -> None:
    spec = {"trust_remote_code": True, "provider": "openai", "id": "a", "params": {"stop": ["x"]}}
    assert one("model", spec).spec is spec


def test_defaults_only_below_what_is_written() -> None:
    resource = one("eval", {"runner": "promptfoo", "subject": {"model": "a"}})
    assert set(resource.spec) == {"runner", "subject", "type"}


def test_a_whole_number_is_an_integer() -> None:
    params = one("model", {"provider": "openai", "id": "a", "params": {"max_tokens": 300.0, "temperature": 1.0}}).spec
    assert repr(params["params"]) == "{'max_tokens': 300, 'temperature': 1.0}"


def test_a_broken_resource_keeps_what_is_sound() -> None:
    validated = run(
        "gateway: {main: {engine: litellm, routes: {a: {}, B: {}, c: {model: 5, timeout: 1s, limit: 3}}, "
        "callbacks: [x, 5, y], secret: master}}"
    )
    resource = validated.resources[Address("gateway", "main")]
    assert resource.broken
    assert resource.spec == {
        "engine": "litellm", "routes": {"a": {}, "c": {"timeout": "1s"}}, "callbacks": ["x", None, "y"],
        "secret": "master",
    }
    assert [row[0] for row in rows(validated)] == ["SCH010", "SCH003", "SCH001", "SCH003"]


def test_a_resource_whose_file_was_unreadable_is_not_looked_at() -> None:
    address = Address("model", "a")
    validated = run("model: {a: {}}", broken=frozenset([address]))
    assert rows(validated) == []
    assert validated.resources[address].broken


def test_order_is_the_configs() -> None:
    model = "{provider: x, id: y}"
    validated = run(f"model: {{b: {model}, a: {model}}}\nprompt: {{c: {{messages: [{{user: x}}], variables: {{}}}}}}")
    assert [str(address) for address in validated.resources] == ["model.b", "model.a", "prompt.c"]


def test_the_environment() -> None:
    environment = run("env: {platform: kubernetes}", env="prod").environment
    assert environment.spec == {"platform": "kubernetes", "production": False}
    assert environment.address.kind == "env"
    assert run("{}").environment.spec == {"production": False}


OPTIONS = {
    "title": "Options", "type": "object", "$defs": {"level": {"type": "string", "enum": ["low", "high"]}},
    "properties": {
        "level": {"$ref": "#/$defs/level", "default": "low"}, "wait": {"$ref": "common.json#/$defs/duration"},
    },
}


def test_a_targets_own_options() -> None:
    options = {"litellm": OPTIONS}.get
    validated = run("target: {litellm: {level: high, description: Ours.}}", options)
    assert rows(validated) == []
    (resource,) = validated.resources.values()
    assert rows(run("target: {github-actions: {description: Options.}}", {"github-actions": {}}.get)) == []
    assert resource.kind.name == "target"
    assert set(resource.kind.shape.properties) == {"description", "owner", "labels", "overrides", "level", "wait"}
    assert rows(run("target: {litellm: {levl: high, wait: 3}}", options)) == [
        ("SCH001", "target.litellm.levl", "`target.litellm` has no field `levl`",
         ("its fields: `description`, `owner`, `labels`, `overrides`, `level`, `wait`",)),
        ("SCH003", "target.litellm.wait", "`wait` must be a duration such as `30s`",
         ("write `3s` if seconds are meant, `3m` if minutes are",)),
    ]
    assert next(iter(run("target: {litellm: {}}", options).resources.values())).spec == {"level": "low"}


def test_what_has_no_words_of_ours_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A validator that refuses what `explain` accepts: no run fails without a diagnostic."""
    odd = {"odd": {"properties": {"a": {"not": {"const": 1}}}}}.get
    assert rows(run("target: {odd: {a: 1}}", odd)) == [
        ("SCH006", "target.odd.a", "`target.odd.a` is not as its schema says", ()),
    ]


def test_without_the_fast_validator(monkeypatch: pytest.MonkeyPatch) -> None:
    """jsonschema accepts and refuses the same."""
    import sys

    from llmops.compiler.validate import resources

    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    monkeypatch.setattr(resources, "_VALIDATORS", {})
    validator._engine.cache_clear()
    try:
        assert isinstance(validator.compiled({}), validator._Python)
        assert rows(run("gateway: {m: {engine: litellm, routes: {a: {}}, timeout: \"1s\\n\"}}"))[0][0] == "SCH006"
        assert one("eval", EVAL).spec["type"] == "quality"
    finally:
        validator._engine.cache_clear()


def test_hostile_depth_ends() -> None:
    deep: Any = {}
    for _ in range(400):
        deep = {"messages": [deep]}
    for kind in load_kinds():
        if kind != "env":
            run({kind: {"it": deep}})


def test_many_mistakes_are_bounded() -> None:
    found = run({"model": {"a": {f"x{i}": 1 for i in range(1000)}}}).findings
    assert len(found) == 50


def test_hostile_lists_and_maps_end_soon() -> None:
    many = [f"name{i}" for i in range(20_000)]
    validated = run({
        "gateway": {"m": {"engine": "litellm", "routes": {"a": {}}, "callbacks": many, "x": 1}},
        "deployment": {"d": {"model": "a", "args": {f"max_num_seq{i}": i for i in range(20_000)}}},
    })
    assert {row[0] for row in rows(validated)} <= {"SCH001", "SCH013"}
