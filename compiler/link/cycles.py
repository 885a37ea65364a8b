"""Circles of references, shown as the path that makes them."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.link.codes import REF003
from llmops.compiler.model.finding import Code, Finding, Label
from llmops.compiler.model.keys import Address
from llmops.compiler.model.project import Edge, Project


def cycles(project: Project) -> Iterator[tuple[Code, Finding]]:
    """One finding for each group of resources that need each other; weak edges make no circle."""
    needs: dict[Address, list[Edge]] = {}
    for edge in project.edges:
        if not edge.weak:
            needs.setdefault(edge.source, []).append(edge)
    done: set[Address] = set()
    for start in sorted(needs):
        way = _circle(start, needs, done)
        if way:
            names = [str(edge.source) for edge in way] + [str(way[0].source)]
            yield REF003, Finding(
                f"`{names[0]}` needs itself: {' → '.join(names)}",
                tuple(
                    Label(edge.at, f"needs {edge.target}", primary=index == 0) for index, edge in enumerate(way)
                ),
                help=("take one of these references away",),
            )


def _circle(start: Address, needs: dict[Address, list[Edge]], done: set[Address]) -> list[Edge]:
    """The first circle reachable from `start` that was not reported; depth first, without recursion."""
    way: list[Edge] = []
    on_way = {start}
    stack = [iter(needs.get(start, ()))]
    while stack:
        edge = next(stack[-1], None)
        if edge is None:
            stack.pop()
            if way:
                left = way.pop()
                on_way.discard(left.target)
                done.add(left.target)
            continue
        if edge.target in on_way:
            first = next((i for i, e in enumerate(way) if e.source == edge.target), len(way))
            circle = [*way[first:], edge]
            done.update(on_way)
            return circle
        if edge.target not in done:
            way.append(edge)
            on_way.add(edge.target)
            stack.append(iter(needs.get(edge.target, ())))
    done.add(start)
    return []
