"""From agents and served flows to graphs: what the runtime reads, the module that names them, LangGraph's own file."""

from __future__ import annotations

import keyword
import posixpath
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import StrictUndefined, Template

from llmops.compiler.derive.serving import served
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import Source
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import AGENT, DEPLOYMENT
from llmops.targets.langgraph.agents import agent
from llmops.targets.langgraph.flows import flow
from llmops.targets.langgraph.guards import priced
from llmops.targets.langgraph.work import NAME, Work

DEFAULT_PYTHON = "3.11"
APP = "app"
"""The folder of the graphs. The command line makes a package of it, under its name: that must not be `langgraph`."""
IN_IMAGE = ("langgraph", "langgraph-cli")
"""What the image of LangGraph's server has already, in versions that fit each other."""
BY_STORE = {"psycopg[binary]": "pgvector", "qdrant-client": "qdrant"}
"""Packages that only searches in stores of that engine need."""
HELD = ("agent", "flow", "told", "sys")
"""Names that the module of the graphs has already."""
PACKAGE = "agent_graphs"
"""The folder of the program that makes the graphs: the same for everybody, written once."""
MODULES = (
    "__init__.py", "agents.py", "budgets.py", "described.py", "flows.py", "guards.py", "memory.py", "search.py",
    "tools.py", "web.py", "words.py",
)


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    work = Work(lowering)
    agents = list(lowering.reader.of(AGENT, framework=NAME))
    apps = [one for one in lowering.reader.of(DEPLOYMENT, engine=NAME) if not one.has("endpoint")]
    body = described(work, agents, apps)
    for deployment in apps:
        _deployment_unsupported(work, deployment)
    if (agents or apps) and not work.failed:
        about = (*(one.address for one in agents), *(one.address for one in apps))
        flows, why = work.drawn, _why(agents, apps)
        yield Artifact(f"{APP}/app.json", Sourced(body, why, raw=True), about, Format.JSON, comment=None)
        yield Artifact(f"{APP}/graphs.py", _module(lowering, agents, flows), about, Format.TEXT)
        yield Artifact(f"{APP}/langgraph.json", _config(lowering, agents, flows, bool(apps)), about, Format.JSON,
                       comment=None)
        yield Artifact(f"{APP}/requirements.txt", _needs(work), format=Format.TEXT)
        if apps:
            web = Sourced(_shipped("templates", "web.py"), _why([], apps), raw=True)
            yield Artifact(f"{APP}/web.py", web, format=Format.VERBATIM)
        for name in MODULES:
            module = _shipped("templates", PACKAGE, name)
            yield Artifact(f"{PACKAGE}/{name}", module, format=Format.VERBATIM, shared=True)
        yield Artifact("requirements.txt", _shipped("lock", "requirements.txt"), format=Format.VERBATIM, shared=True)
    yield from work.problems


def _why(agents: list[View[Any]], apps: list[View[Any]]) -> tuple[Source, ...]:
    """What asked for the whole, where only one did."""
    asked = [one.text("framework") for one in agents] + [one.text("engine") for one in apps]
    return asked[0].sources if len(asked) == 1 else ()


def described(work: Work, agents: list[View[Any]], apps: list[View[Any]]) -> dict[str, Any]:
    """All that the runtime reads: agents and flows, those that they call, and the servers of their tools."""
    folder = f"{work.lowering.folder}/{APP}"
    root, repository = posixpath.relpath(work.lowering.root, folder), posixpath.relpath(".", folder)
    body: dict[str, Any] = {"root": root, **({"repository": repository} if repository != root else {})}
    work.priced = priced(work.lowering.reader)
    places = {app.address.name: list(served(work.lowering.reader, app)) for app in apps}
    flows: dict[str, Any] = {}
    work.flows += [(one.flow, one.named) for several in places.values() for one in several]
    while work.flows:
        found, named = work.flows.pop(0)
        if found.address.name not in flows:
            work.drawn[found.address.name] = named.sources if named is not None else ()
            flows[found.address.name] = flow(work, found) or {}
        elif named is not None and work.drawn[found.address.name] != named.sources:
            work.drawn[found.address.name] = ()  # of two references none alone decides
    flows = {name: Sourced(one, work.drawn[name], raw=True) for name, one in flows.items()}
    body["agents"] = _agents(work, agents)
    if work.servers:
        body["servers"] = work.servers
    if work.guards:
        body["guards"] = work.guards
    if flows:
        body["flows"] = flows
        body["served"] = {
            app: {one.node.text("path").value: {"flow": one.named.because(one.node.get("path")),
                                                "method": one.node.text("method")} for one in several}
            for app, several in places.items()
        }
    return body


def _agents(work: Work, agents: list[View[Any]]) -> dict[str, Any]:
    """Those that this target runs, those that steps call, and all to which a conversation with them can come."""
    made: dict[str, Any] = {}
    todo: list[tuple[View[Any], Sourced[str] | None]] = [*((one, None) for one in agents), *work.agents]
    while todo:
        one, named = todo.pop(0)
        if one.address.name not in made:
            entry = agent(work, one) or {}
            made[one.address.name] = Sourced(entry, named.sources if named is not None else (), raw=True)
            for number in range(len(one.value.get("handoffs") or ())):
                other = one.ref("handoffs", number)
                todo += [(other, one.ref_name("handoffs", number))] if other is not None else []
    return made


def _deployment_unsupported(work: Work, deployment: View[Any]) -> None:
    for one in served(work.lowering.reader, deployment):
        if set("{}") & set(one.node.text("path").value):
            work.error(one.node.at("path"), "a path with braces would take any word in their place", "",
                       "take the braces out")
        for field in ("port", "body", "answer", "passages"):
            if one.node.has(field):
                work.unsupported(one.node.at(field), "its app says itself how it is called", "leave it out")


def _shipped(*path: str) -> bytes:
    return files(__package__).joinpath(*path).read_bytes()


def _needs(work: Work) -> list[str | Sourced[str]]:
    """What the image needs beside what it has: the pins of the lock."""
    pins = {pin.partition("==")[0]: pin for pin in _shipped("lock", "requirements.in").decode().split()}
    return [pin for name, pin in pins.items() if name not in IN_IMAGE
            and (name not in BY_STORE or BY_STORE[name] in work.stores)]


def _package(lowering: Lowering) -> str:
    """Where the program stands that makes the graphs, as seen from the folder of app.json."""
    return posixpath.relpath(lowering.shared_folder, f"{lowering.folder}/{APP}")


def _module(lowering: Lowering, agents: list[View[Any]], flows: Mapping[str, Any]) -> list[str | Sourced[str]]:
    """A line for each graph: names of resources, which are names in Python too."""
    head = Template(_shipped("templates", "graphs.py.jinja").decode(), undefined=StrictUndefined)
    names = ", ".join(["Described", *(["agent"] if agents else []), *(["flow"] if flows else [])])
    written = head.render(package=_package(lowering), names=names)
    lines: list[str | Sourced[str]] = [*written.rstrip("\n").split("\n"), ""]
    for one in agents:
        why = one.get("framework")
        lines.append(one.label.express(lambda name: f"{_name(name)} = agent(told, {name!r})").because(why))
    return [*lines, *(Sourced(f"{_flow_name(name)} = flow(told, {name!r})", why, raw=True)
                      for name, why in flows.items())]


def _name(name: str) -> str:
    """A name that a graph has in the module: one that means something else gets a sign behind it."""
    return f"{name}_" if keyword.iskeyword(name) or name in HELD else name


def _flow_name(name: str) -> str:
    """An agent and a flow may have one name."""
    return f"flow_{name}"


def _config(lowering: Lowering, agents: list[View[Any]], flows: Mapping[str, Any], web: bool) -> dict[str, Any]:
    python = None if lowering.options is None else lowering.options.maybe_text("python")
    made: dict[str, Any] = {
        "dependencies": [".", f"{_package(lowering)}/{PACKAGE}"],
        "graphs": {
            **{one.address.name: one.label.express(lambda name: f"./graphs.py:{_name(name)}").because(
                one.get("framework")) for one in agents},
            **{_flow_name(name): Sourced(f"./graphs.py:{_flow_name(name)}", why, raw=True)
               for name, why in flows.items()},
        },
        "python_version": python or literal(DEFAULT_PYTHON),
    }
    return {**made, **({"http": {"app": "./web.py:app"}} if web else {})}
