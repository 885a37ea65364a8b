"""Who wrote a value, and where."""

from __future__ import annotations

from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.project import Composed
from llmops.compiler.model.sources import FromFile, FromOverride
from tests.compiler.load.kit import composed

FILES: dict[str, str | bytes | None] = {
    "llmops.yaml": "name: app\nenvironments:\n  dev: [env=dev, model.a.params.n=4]\n",
    "conf/config.yaml": "defaults:\n  - model: [a]\n  - gateway: [main]\n  - env: dev\n  - size: big\n",
    "conf/model/a.yaml": "defaults: [base/a]\nid: x\nparams: {n: 2, m: 1}\ntags: [a, b]\nregion: ${env.region}\n",
    "conf/model/base/a.yaml": "params:\n  n: 1\n  k: 0\n",
    "conf/gateway/main.yaml": (
        "routes:\n  one: {limits: {rpm: 5}, url: 'https://${env.region}/${model.a.id}'}\n  two: {}\n"
    ),
    "conf/env/dev.yaml": (
        "env: {region: eu, vars: {p: {q: 7}}}\n"
        "model: {a: {params: {n: 3}, limits: {rpm: 1}}}\n"
        "gateway: {main: {routes: {one: {limits: null}}}}\n"
    ),
    "conf/size/big.yaml": (
        "model:\n  a:\n    tags: [c]\n    limits: {tpm: 2}\ngateway: {main: {routes: {one: {limits: {rpm: 9}}}}}\n"
    ),
}


def told(made: Composed, path: KeyPath) -> list[tuple[str, int, int, object]]:
    """File, line, column and value of each writer."""
    out = []
    for write in made.history.writes(path):
        assert isinstance(write.origin, FromFile | FromOverride)
        out.append((write.origin.span.file, write.origin.span.line, write.origin.span.column, write.value))
    return out


def test_every_writer_in_order() -> None:
    made = composed(FILES)
    assert told(made, ("model", "a", "params", "n")) == [
        ("conf/model/base/a.yaml", 2, 6, 1),
        ("conf/model/a.yaml", 3, 13, 2),
        ("conf/env/dev.yaml", 2, 25, 3),
        ("llmops.yaml", 3, 18, 4),
    ]
    assert made.tree["model"]["a"]["params"] == {"n": 4, "k": 0, "m": 1}
    layers = [
        w.origin.layer for w in made.history.writes(("model", "a", "params", "n")) if isinstance(w.origin, FromFile)
    ]
    assert layers == ["resource", "resource", "profile"]


def test_a_list_is_written_whole() -> None:
    made = composed(FILES)
    assert told(made, ("model", "a", "tags")) == [
        ("conf/model/a.yaml", 4, 7, ["a", "b"]),
        ("conf/size/big.yaml", 3, 11, ["c"]),
    ]
    assert told(made, ("model", "a", "tags", 0)) == [
        ("conf/model/a.yaml", 4, 8, "a"),
        ("conf/size/big.yaml", 3, 12, "c"),
    ]
    assert told(made, ("model", "a", "tags", 1)) == []


def test_a_map_has_the_writers_of_its_parts() -> None:
    made = composed(FILES)
    assert told(made, ("model", "a", "limits")) == [
        ("conf/env/dev.yaml", 2, 37, {"rpm": 1}),
        ("conf/size/big.yaml", 4, 13, {"tpm": 2}),
    ]
    assert told(made, ("model", "a", "limits", "tpm")) == [("conf/size/big.yaml", 4, 19, 2)]


def test_what_was_taken_away_in_between_starts_anew() -> None:
    made = composed(FILES)
    assert told(made, ("gateway", "main", "routes", "one", "limits", "rpm")) == [("conf/size/big.yaml", 5, 47, 9)]
    assert [value for *_, value in told(made, ("gateway", "main", "routes", "one", "limits"))] == [
        {"rpm": 5},
        None,
        {"rpm": 9},
    ]


def test_keys() -> None:
    made = composed(FILES)
    key = made.history.key(("model", "a", "params", "k"))
    assert key
    assert (key.file, key.line, key.column, key.end_column) == ("conf/model/base/a.yaml", 3, 3, 4)
    route = made.history.key(("gateway", "main", "routes", "two"))
    assert route
    assert (route.file, route.line, route.column) == ("conf/gateway/main.yaml", 3, 3)
    whole = made.history.key(("model", "a"))
    assert whole
    assert (whole.file, whole.line, whole.column) == ("conf/size/big.yaml", 2, 3)
    item = made.history.key(("model", "a", "tags", 0))
    assert item
    assert (item.file, item.line, item.column, item.end_column) == ("conf/size/big.yaml", 3, 12, 13)
    assert made.history.key(("model", "a", "nothing")) is None


def test_what_interpolations_read() -> None:
    made = composed(FILES)
    assert made.history.through(("model", "a", "region")) == (("env", "region"),)
    assert made.history.through(("gateway", "main", "routes", "one", "url")) == (
        ("env", "region"),
        ("model", "a", "id"),
    )
    assert made.history.through(("model", "a", "id")) == ()


def test_inside_a_copied_map_the_writers_are_those_of_the_original() -> None:
    made = composed(
        {
            **FILES,
            "conf/model/b.yaml": "params: ${env.vars.p}\n",
            "conf/config.yaml": "defaults: [{model: [a, b]}, {gateway: [main]}, {env: dev}, {size: big}]\n",
        }
    )
    assert made.tree["model"]["b"]["params"] == {"q": 7}
    assert told(made, ("model", "b", "params", "q")) == [("conf/env/dev.yaml", 1, 33, 7)]


def test_a_command_line_override_is_a_source() -> None:
    made = composed(FILES, "model.a.id=typed")
    write = made.history.writes(("model", "a", "id"))[-1]
    assert isinstance(write.origin, FromOverride)
    assert (write.origin.text, write.origin.span.file, write.value) == ("model.a.id=typed", "<override 1>", "typed")
    assert told(composed(FILES, "~model.a.id", "+model.a.id=new"), ("model", "a", "id")) == [
        ("<override 2>", 1, 1, "new")
    ]


def test_an_override_of_a_list_item() -> None:
    made = composed(FILES, "model.a.tags.0=z")
    assert told(made, ("model", "a", "tags", 0))[-1] == ("<override 1>", 1, 1, "z")
