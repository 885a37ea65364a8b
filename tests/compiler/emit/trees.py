"""Strategies and readers that the tests of the formats share."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import yaml
from hypothesis import strategies as st

from llmops.compiler.emit.emitter import EmitResult, emit
from llmops.compiler.emit.escapes import CANARIES
from llmops.compiler.model.artifact import Artifact, Emitted, Format
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At

NASTY = st.text(
    st.sampled_from(" \t\n:#-'\"\\{}[]|>%@`!&*,?=<~$/ab01.e_+é\x00\x07\x85\u2028\ufeff\u202e😀"), max_size=12
)
TEXTS = st.one_of(
    st.sampled_from(CANARIES),
    NASTY,
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20),
    st.from_regex(r"[-+]?[0-9a-fx_.:eE+-]{1,8}", fullmatch=True),
    st.from_regex(r"[a-z ]{1,20}(\n[ a-z]{0,9}){1,5}", fullmatch=True),
)
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e-5, 1e16, 1e22, 1.5e300, 0.1, -0.0, 1.0, 5e-324]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
KEYS = TEXTS.filter(lambda text: len(text) < 100)


def trees(leaves: st.SearchStrategy[Any] = SCALARS) -> st.SearchStrategy[Any]:
    def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4))

    return st.recursive(leaves, around, max_leaves=15)


def maps(leaves: st.SearchStrategy[Any] = SCALARS) -> st.SearchStrategy[Any]:
    return st.dictionaries(KEYS, trees(leaves), max_size=5)


def exact(value: Any) -> str:
    """Tells 1 from 1.0 and True, and one order of keys from another."""
    return json.dumps(value)


def try_emit(body: Any, form: Format = Format.YAML, **more: Any) -> EmitResult:
    escape = more.pop("escape", str)
    more.setdefault("comment", None)
    artifact = Artifact("x", body, format=form, **more)
    return emit(artifact, target="demo", scope="prod", path="generated/prod/demo/x", escape=escape)


def write(body: Any, form: Format = Format.YAML, **more: Any) -> Emitted:
    result = try_emit(body, form, **more)
    assert result.problems == ()
    assert result.emitted is not None
    return result.emitted


def text_of(body: Any, form: Format = Format.YAML, **more: Any) -> str:
    return write(body, form, **more).content.decode()


def at(*path: str | int) -> At:
    return At("prod", path)


def labelled(tree: Any) -> Any:
    """A tree with an origin of its own around every second value."""
    number = itertools.count()

    def visit(value: Any) -> Any:
        n = next(number)
        if isinstance(value, dict):
            made: Any = {key: visit(item) for key, item in value.items()}
        elif isinstance(value, list):
            made = [visit(item) for item in value]
        else:
            made = value
        return Sourced(made, (at(n),), raw=True) if n % 2 else made

    return visit(tree)


class Core(yaml.SafeLoader):
    """YAML 1.2, core schema, as its chapter 10.3.2 writes it."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012
    yaml_constructors = dict(yaml.SafeLoader.yaml_constructors)  # noqa: RUF012


for tag, pattern in (
    ("null", r"null|Null|NULL|~|"),
    ("bool", r"true|True|TRUE|false|False|FALSE"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), None)


def _integer(loader: Core, node: yaml.ScalarNode) -> int:
    return int(node.value, 0 if node.value[:2] in ("0o", "0x") else 10)


Core.add_constructor("tag:yaml.org,2002:int", _integer)
Core.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value))


def read_core(text: str) -> Any:
    return yaml.load(text, Core)
