from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.compiler.lower.overrides import apply
from llmops.compiler.model.sourced import Sourced, literal, plain
from llmops.compiler.model.sources import At

P = (At("prod", ("target", "demo", "overrides")),)
M = (At("prod", ("model", "a")),)
N = (At("prod", ("model", "b")),)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
MAPS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def rfc7386(target: Any, patch: Any) -> Any:
    """The pseudo-code of the RFC."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = rfc7386(target.get(name), value)
    return target


def around(tree: Any, draw: st.DrawFn) -> Any:
    """A tree with `Sourced` around some of its parts."""
    made: Any = tree
    if isinstance(tree, dict):
        made = {key: around(item, draw) for key, item in tree.items()}
    elif isinstance(tree, list):
        made = [around(item, draw) for item in tree]
    return Sourced(made, M) if draw(st.booleans()) else made


@st.composite
def sourced(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Any:
    return around(draw(values), draw)


@given(sourced(MAPS), sourced(MAPS))
def test_it_is_the_merge_patch_of_the_rfc(tree: Any, patch: Any) -> None:
    before = copy.deepcopy(tree)
    made, changed, unused = apply(tree, patch)
    assert tree == before
    assert plain(made) == rfc7386(plain(tree), plain(patch))
    assert changed == (repr(plain(made)) != repr(plain(tree)))
    assert len(set(unused)) == len(unused)
    if not changed:
        assert made is tree


@pytest.mark.parametrize(
    ("patch", "unused"),
    [
        ({"a": 1}, [("a",)]),
        ({"a": 1.0}, []),
        ({"a": True}, []),
        ({"x": None}, [("x",)]),
        ({"m": {"b": 2, "c": 9}}, [("m", "b")]),
        ({"m": {}}, [("m",)]),
        ({"new": {}}, []),
        ({"new": {"x": None}}, [("new", "x")]),
        ({"list": [1, {"x": 1}]}, [("list",)]),
        ({"list": [1]}, []),
        ({}, [()]),
    ],
)
def test_what_changes_nothing_is_named(patch: Any, unused: list[Any]) -> None:
    tree = {"a": Sourced(1, M), "m": {"b": Sourced(2, M)}, "list": [1, {"x": Sourced(1, M)}]}
    assert list(apply(tree, patch)[2]) == unused


def test_origins_of_what_is_left_alone() -> None:
    tree = {"keep": Sourced(1, M), "swap": Sourced(2, M), "drop": Sourced(3, M), "deep": {"keep": Sourced(4, M)}}
    patch = {"swap": Sourced(5, P), "drop": Sourced(None, P), "deep": {"add": Sourced(6, P)}}
    assert apply(tree, patch)[0] == {
        "keep": Sourced(1, M),
        "swap": Sourced(5, P),
        "deep": {"keep": Sourced(4, M), "add": Sourced(6, P)},
    }


def test_origins_around_a_map_move_to_what_is_left_alone() -> None:
    tree = {"env": Sourced({"A": "a", "B": Sourced("b", N, raw=True), "C": {"x": 1}}, M)}
    made = apply(tree, {"env": {"B": Sourced("c", P), "D": Sourced("d", P)}})[0]
    assert made == {
        "env": Sourced(
            {"A": Sourced("a", M), "B": Sourced("c", P), "C": Sourced({"x": 1}, M), "D": Sourced("d", P)}, ()
        )
    }


def test_a_map_of_the_targets_own_stays_its_own() -> None:
    assert apply(literal({"a": "x", "b": "y"}), {"a": Sourced("z", P)})[0] == literal(
        {"a": Sourced("z", P), "b": literal("y")}
    )


def test_a_patch_in_a_sourced_gives_its_origins() -> None:
    assert apply({"a": 1}, Sourced({"a": 2, "m": {"x": 3}}, P))[0] == {
        "a": Sourced(2, P),
        "m": Sourced({"x": Sourced(3, P)}, ()),
    }
