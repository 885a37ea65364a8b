"""A project's graph as text, as Mermaid and as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from llmops.compiler.diagnostics.collect import plural
from llmops.compiler.diagnostics.escape import escape
from llmops.compiler.diagnostics.render.json import dump
from llmops.compiler.model.keys import Address, dotted
from llmops.compiler.model.project import Edge, Project

MAX_EDGES = 499
MAX_CHARACTERS = 49_000
"""Mermaid refuses 500 edges and 50,000 characters."""
MAX_LABEL = 40


@dataclass(frozen=True, slots=True)
class Chosen:
    """The part of a graph that is shown: sorted."""

    addresses: tuple[Address, ...]
    edges: tuple[Edge, ...]
    focus: Address | None = None


def choose(project: Project, focus: Address | None = None) -> Chosen:
    """Everything; or a resource with all that it needs and all that needs it."""
    kept = set(project.resources)
    if focus is not None:
        kept = {focus, *project.dependencies(focus), *project.dependents(focus)}
    others = (e for e in sorted(project.edges, reverse=True) if e.source != e.target)
    edges = {(e.source, e.target): e for e in others if e.source in kept and e.target in kept}
    return Chosen(tuple(sorted(kept)), tuple(sorted(edges.values())), focus)


def last_line(project: Project, chosen: Chosen) -> str:
    return (
        f"{escape(project.env)}: {plural(len(chosen.addresses), 'resource')}, {plural(len(chosen.edges), 'edge')}."
        "   llmops explain KIND.NAME\n"
    )


def text(project: Project, chosen: Chosen) -> str:
    """An indented tree: below each resource, what needs it. One that has been shown before ends with `…`."""
    users: dict[Address, list[Address]] = {address: [] for address in chosen.addresses}
    for edge in chosen.edges:
        users[edge.target].append(edge.source)
    if chosen.focus is not None:
        needs = project.dependencies(chosen.focus)
        roots = [chosen.focus]
    else:
        needs = ()
        pointing = {edge.source for edge in chosen.edges}
        roots = [address for address in chosen.addresses if address not in pointing] or list(chosen.addresses[:1])
    out: list[str] = []
    shown: set[Address] = set()
    stack = [(address, 0) for address in reversed(roots)]
    while stack:
        address, depth = stack.pop()
        below = users[address]
        again = address in shown and bool(below)
        arrow = f"{'  ' * depth}<- " if depth else ""
        out.append(f"{arrow}{escape(str(address))}{' …' if again else ''}\n")
        if not again:
            shown.add(address)
            stack += [(user, depth + 1) for user in sorted(set(below), reverse=True)]
    if needs:
        out.append(f"needs {', '.join(escape(str(address)) for address in needs)}\n")
    return "".join(out)


def mermaid(project: Project, chosen: Chosen) -> str:
    """A flowchart with generated ids, small enough to be drawn: what does not fit is counted in its last node."""
    ids = {address: f"n{number}" for number, address in enumerate(chosen.addresses)}
    head = ["flowchart LR"]
    nodes = [f'  {ids[address]}["{label(address)}"]' for address in chosen.addresses]
    edges = [f"  {ids[edge.source]} --> {ids[edge.target]}" for edge in chosen.edges]
    tail = [] if chosen.focus is None else [f"  style {ids[chosen.focus]} stroke-width:3px"]
    left_out = max(0, len(edges) - MAX_EDGES)
    edges = edges[: len(edges) - left_out]
    size = sum(len(line) + 1 for line in (*head, *nodes, *tail)) + 100
    while nodes and size > MAX_CHARACTERS:
        gone = f"n{len(nodes) - 1}"
        size -= len(nodes.pop()) + 1
        kept = [edge for edge in edges if gone not in edge.split()]
        left_out += len(edges) - len(kept)
        edges = kept
    size += sum(len(edge) + 1 for edge in edges)
    while edges and size > MAX_CHARACTERS:
        size -= len(edges.pop()) + 1
        left_out += 1
    hidden = len(chosen.addresses) - len(nodes)
    if left_out or hidden:
        tail = [*(tail if not hidden else []), f'  more["{hidden} resources and {left_out} edges more"]']
    return "".join(f"{line}\n" for line in (*head, *nodes, *edges, *tail))


def label(address: Address) -> str:
    """A node's text: cut, and every character but plain ones as an entity, so that none is Mermaid's or HTML's."""
    shown = str(address)
    if len(shown) > MAX_LABEL:
        shown = shown[: MAX_LABEL - 1] + "…"
    return "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else f"#{ord(c)};" for c in shown)


def as_json(project: Project, chosen: Chosen) -> str:
    found = {
        "schema": 1,
        "command": "graph",
        "env": project.env,
        "resources": [
            {"address": str(a), "kind": a.kind, "name": a.name, "broken": project.resources[a].broken}
            for a in chosen.addresses
        ],
        "edges": [
            {"source": str(edge.source), "target": str(edge.target), "path": dotted(edge.at), "role": edge.role}
            for edge in sorted(project.edges)
            if edge.source in chosen.addresses and edge.target in chosen.addresses
        ],
    }
    return dump(found)
