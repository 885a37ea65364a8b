"""Graphs: cut to what Mermaid takes, and harmless whatever the names."""

from __future__ import annotations

import re
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from llmops.compiler.cli import drawing
from llmops.compiler.model.keys import Address
from llmops.compiler.model.project import Edge

NODE = re.compile(r'  n\d+\["([A-Za-z0-9._ -]|#\d+;)*"\]')


def project(edges):
    addresses = sorted({address for edge in edges for address in edge})
    made = tuple(Edge(source, target, ("x",), "x") for source, target in edges)
    return SimpleNamespace(env="dev", resources=dict.fromkeys(addresses), edges=made)


def test_a_large_graph_is_cut_and_says_so():
    edges = [(Address("flow", f"f{n}"), Address("model", f"m{m}")) for n in range(40) for m in range(40)]
    found = project(edges)
    text = drawing.mermaid(found, drawing.choose(found))
    assert text.count(" --> ") == drawing.MAX_EDGES
    assert text.endswith('  more["0 resources and 1101 edges more"]\n')
    names = [(Address("flow", "é" * 39 + str(n)), Address("model", "m")) for n in range(400)]
    found = project(names)
    text = drawing.mermaid(found, drawing.choose(found))
    assert len(text) < 50_000
    shown = set(re.findall(r"^  (n\d+)\[", text, re.MULTILINE))
    assert set(re.findall(r"\bn\d+\b", " ".join(re.findall(r"^.* --> .*$", text, re.MULTILINE)))) <= shown


def test_a_cycle_ends():
    a, b = Address("agent", "a"), Address("agent", "b")
    found = project([(a, b), (b, a)])
    assert drawing.text(found, drawing.choose(found)) == "agent.a\n  <- agent.b\n    <- agent.a …\n"


@given(st.text(max_size=60), st.text(max_size=60))
def test_names_become_entities(kind, name):
    found = project([(Address(kind, name), Address("model", "m"))])
    nodes = drawing.mermaid(found, drawing.choose(found)).splitlines()[1:-1]
    assert all(NODE.fullmatch(line) for line in nodes)
