"""The grammar of interpolation against OmegaConf's own, and the values that it gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from llmops.compiler.load import interpolate

DATA: dict[str, Any] = {"a": 1, "b": {"c": "x", "d": [1, {"e": True}]}, "n": None, "f": 1.5, "r": "${b}"}


def ours(text: str) -> tuple[str, Any]:
    root = {**DATA, "t": text}
    try:
        return "ok", interpolate.Resolver(root, strict=False).value(text, ("t",))
    except interpolate.InterpolationError as error:
        return error.code.code, None


def theirs(text: str) -> tuple[str, Any]:
    try:
        made = OmegaConf.to_container(OmegaConf.create({**DATA, "t": text}), resolve=True)
    except (OmegaConfBaseException, ValueError):
        return "refused", None
    except RecursionError:
        return "refused", None
    assert isinstance(made, dict)
    return "ok", made["t"]


PIECES = [
    "${",
    "}",
    "a",
    "b",
    ".",
    "c",
    "d",
    "[",
    "]",
    "0",
    "1",
    "\\",
    "$",
    "{",
    " ",
    "${a}",
    "${b.c}",
    "${b.d.0}",
    "${r.c}",
    "x",
    "-",
    "\\\\",
    "'",
    '"',
    ":",
    "е",
]


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join))
def test_what_we_accept_means_the_same_to_omegaconf(text: str) -> None:
    found, expected = ours(text), theirs(text)
    if found[0] == "ok":
        assert expected[0] == "ok", f"{text!r} is accepted, and OmegaConf refuses it"
        assert (type(found[1]), repr(found[1])) == (type(expected[1]), repr(expected[1])), text
    elif found[0] == "CFG061":
        assert expected[0] == "refused" or any(c in text for c in "\"'$ "), (
            f"{text!r} is refused, and means {expected[1]!r}"
        )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${a}", 1),
        ("x${a}", "x1"),
        ("${b.d[1].e}", True),
        ("${b.d.1.e}", True),
        ("${b[c]}", "x"),
        ("${r.d.0}", 1),
        ("${n}", None),
        ("v${n}", "vNone"),
        ("\\${a}", "${a}"),
        ("\\\\${a}", "\\1"),
        ("\\\\\\${a}", "\\${a}"),
        ("a\\b${a}", "a\\b1"),
        ("$a", "$a"),
        ("${f}s", "1.5s"),
        ("${b.d}", [1, {"e": True}]),
        ("${.a}", 1),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert ours(text) == ("ok", value)
    assert theirs(text) == ("ok", value)


def test_a_copy_is_a_copy() -> None:
    root = {"a": {"x": [1]}, "b": "${a}"}
    made = interpolate.Resolver(root, strict=False).value(root, ())
    assert made["b"] == made["a"]
    assert made["b"] is not root["a"]
