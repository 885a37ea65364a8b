"""From agents to graphs: what the runtime reads, the module that names them, and LangGraph's own file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import AGENT, DEPLOYMENT
from llmops.targets.langgraph.agents import agent
from llmops.targets.langgraph.work import Work

NAME = "langgraph"
DEFAULT_PYTHON = "3.11"
APP = "app"
"""The folder of the graphs. The command line makes a package of it, under its name: that must not be `langgraph`."""
IN_IMAGE = ("langgraph", "langgraph-cli")
"""What the image of LangGraph's server has already, in versions that fit each other."""


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    work = Work(lowering)
    for deployment in lowering.reader.of(DEPLOYMENT, engine=NAME):
        work.error(deployment.at("engine"), "LangGraph is not compiled for flows yet", "it runs agents",
                   "let `haystack` serve the flow, and `framework: langgraph` run its agents")
    named = list(lowering.reader.of(AGENT, framework=NAME))
    reached: dict[str, dict[str, Any]] = {}
    described = {one.address.name: made for one in _team(named) if (made := agent(work, one, reached)) is not None}
    if named and not work.failed:
        about = tuple(one.address for one in named)
        body: dict[str, Any] = {
            "root": posixpath.relpath(lowering.root, f"{lowering.folder}/{APP}"), "agents": described,
        }
        yield Artifact(f"{APP}/agents.json", {**body, **({"servers": reached} if reached else {})}, about, Format.JSON,
                       comment=None)
        yield Artifact(f"{APP}/graphs.py", _module(named), about, Format.TEXT)
        yield Artifact(f"{APP}/langgraph.json", _config(lowering, named), about, Format.JSON, comment=None)
        yield Artifact(f"{APP}/requirements.txt", _needs(), format=Format.TEXT)
        yield Artifact(f"{APP}/runtime.py", _shipped("templates", "runtime.py"), format=Format.VERBATIM)
        yield Artifact("requirements.txt", _shipped("lock", "requirements.txt"), format=Format.VERBATIM, shared=True)
    yield from work.problems


def _shipped(folder: str, name: str) -> bytes:
    return files(__package__).joinpath(folder, name).read_bytes()


def _needs() -> list[str | Sourced[str]]:
    """What the image needs beside what it has: the pins of the lock."""
    pins = _shipped("lock", "requirements.in").decode().split()
    return [pin for pin in pins if pin.partition("==")[0] not in IN_IMAGE]


def _team(named: list[View[Any]]) -> list[View[Any]]:
    """Agents that this target runs, and all to which a conversation with them can come."""
    found: dict[str, View[Any]] = {}
    todo = list(named)
    while todo:
        one = todo.pop(0)
        if one.address.name not in found:
            found[one.address.name] = one
            others = (one.ref("handoffs", n) for n in range(len(one.value.get("handoffs") or ())))
            todo += [other for other in others if other is not None]
    return list(found.values())


def _module(named: list[View[Any]]) -> list[str | Sourced[str]]:
    """A line for each graph: names of resources, which are names in Python too."""
    head = files(__package__).joinpath("templates", "graphs.py.jinja").read_text("utf-8")
    lines: list[str | Sourced[str]] = list(head.rstrip("\n").split("\n"))
    lines.append("")
    for one in named:
        why = one.get("framework")
        lines.append(one.label.express(lambda name: f"{_name(name)} = build({name!r})").because(why))
    return lines


def _name(name: str) -> str:
    """A name that a graph has in the module: one of Python's own words gets a sign behind it."""
    import keyword

    return f"{name}_" if keyword.iskeyword(name) or name in ("build", "sys") else name


def _config(lowering: Lowering, named: list[View[Any]]) -> dict[str, Any]:
    python = None if lowering.options is None else lowering.options.maybe_text("python")
    return {
        "dependencies": ["."],
        "graphs": {
            one.address.name: one.label.express(lambda name: f"./graphs.py:{_name(name)}").because(
                one.get("framework")) for one in named
        },
        "python_version": python or literal(DEFAULT_PYTHON),
    }
