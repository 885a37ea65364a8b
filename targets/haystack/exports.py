"""How an app is started and called, and how an index is filled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.serving import serving
from llmops.compiler.model.exports import App, Service, Task, Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, combine, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.haystack.agents import INSIDE
from llmops.targets.haystack.flows import Flow
from llmops.targets.haystack.indexes import lower_index
from llmops.targets.haystack.known import PARTS
from llmops.targets.haystack.lower import APPS, INDEXES, files_of, flows, near_of
from llmops.targets.haystack.pipe import Pipe

PORT = 1416
"""hayhooks' own default."""
STATUS = "/status"
SETTINGS = {
    "HAYSTACK_TELEMETRY_ENABLED": "false",
    # the set of pipelines is fixed when it starts: by default anybody may send it another one, as code
    "HAYHOOKS_DURABLE_MODE": "true", "HAYHOOKS_DURABLE_STORE": "memory",
}
CONTAINER, PARTS_INSIDE = "/app/pipelines", "/app/parts"
ALLOWED = "HAYSTACK_DESERIALIZATION_ALLOWLIST"
"""The modules beside Haystack's own whose components a pipeline may name."""


def in_charge(deployment: View[Any]) -> bool:
    engine = deployment.maybe_text("engine") if deployment.address.kind == "deployment" else None
    return engine is not None and engine.value == "haystack"


def _install(lowering: Lowering) -> tuple[tuple[str, ...], ...]:
    lock = f"{lowering.shared_folder}/requirements.txt"
    return (("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock),)


def port(lowering: Lowering, deployment: View[Any]) -> Sourced[int]:
    chosen = lowering.options.maybe_integer("port") if lowering.options else None
    return deployment.maybe_integer("port") or chosen or literal(PORT)


def service(lowering: Lowering, deployment: View[Any], near: str | None) -> Service | None:
    """hayhooks with the pipelines of a deployment, as a process of the host or in a container of one's own image."""
    if not in_charge(deployment) or deployment.has("endpoint"):
        return None
    made, here = flows(lowering, deployment), port(lowering, deployment)
    folder = f"{lowering.folder}/{APPS}/{deployment.address.name}"
    chosen = lowering.options.maybe_text("image") if lowering.options else None
    pipes = [flow.pipe for flow in made]
    settings = {name: literal(value) for name, value in SETTINGS.items()}
    for pipe in pipes:
        settings.update(pipe.settings)
    installs = (*_install(lowering), *(step for pipe in pipes for server in pipe.servers for step in server.install))
    paths = [f"{lowering.folder}/{one}" for flow in made for one in files_of(deployment, flow)]
    own = [f"{lowering.shared_folder}/{PARTS}.py"] if any(pipe.shipped for pipe in pipes) else []
    if own:
        settings[ALLOWED] = literal(PARTS)
    return Service(
        argv=(literal("hayhooks"), *_words("127.0.0.1", here, folder, lowering.shared_folder if own else None)),
        port=here,
        health=STATUS,
        install=tuple(dict.fromkeys(installs)),
        tools=("python",),
        image=chosen,
        args=(literal("hayhooks"), *_words("0.0.0.0", here, CONTAINER, PARTS_INSIDE if own else None)),
        mounts=(
            *((path, f"{CONTAINER}/{path.removeprefix(folder).lstrip('/')}") for path in paths),
            *((path, f"{PARTS_INSIDE}/{path.rpartition('/')[2]}") for path in own), *_tools(pipes),
        ),
        variables=tuple(_variables(pipe.variables for pipe in pipes)),
        settings=settings,
        needs=tuple(dict.fromkeys(need for pipe in pipes for need in pipe.needs)),
        files=(*paths, *own, f"{lowering.shared_folder}/requirements.txt"),
    )


def _tools(pipes: list[Pipe]) -> Iterator[tuple[str | Sourced[str], str]]:
    """The files of tools' servers, where a container has them."""
    found: dict[str, str | Sourced[str]] = {}
    for pipe in pipes:
        for server in pipe.servers:
            for path in server.files:
                own = path if isinstance(path, Sourced) else Sourced(path)  # a folder's name may hold a dollar
                found.setdefault(own.value, own.because(*server.functions))
        for path in pipe.code:
            found.setdefault(path.value if isinstance(path, Sourced) else path, path)
    for name, path in found.items():
        yield path, f"{INSIDE}/{name}"


def _words(host: str, here: Sourced[int], folder: str, parts: str | None) -> tuple[Sourced[str], ...]:
    path = (literal("--additional-python-path"), literal(parts)) if parts is not None else ()
    return (literal("run"), literal("--host"), literal(host), literal("--port"), here.express(str),
            literal("--pipelines-dir"), literal(folder), *path)


def _variables(several: Any) -> Iterator[Variable]:
    seen: set[str] = set()
    for variable in (one for some in several for one in some):
        if variable.name.value not in seen:
            seen.add(variable.name.value)
            yield variable


def app(lowering: Lowering, flow: View[Any], near: str | None) -> App | None:
    """How a served flow is called: the first deployment of this engine that serves it."""
    if flow.address.kind != "flow":
        return None
    found = next((one for one in serving(lowering.reader, flow) if in_charge(one.deployment)), None)
    if found is None:
        return None
    deployment = found.deployment
    made = next((f for f in flows(lowering, deployment) if f.served.flow.address == flow.address), None)
    if made is None:
        return None
    path = found.node.text("path")
    outside = outside_variable(deployment, "endpoint", "url")
    base = deployment.maybe_text("endpoint", "url")
    url, health = path, None
    if base is not None:
        url = combine(lambda b, p: b.rstrip("/") + p, base, path)
    elif outside is None:
        host = _host(lowering, deployment, near)
        url = combine(lambda h, p: f"http://{h}{p}", host, path)
        health = host.express(lambda h: f"http://{h}{STATUS}")
    return App(
        url=Sourced(url.value, url.sources, raw=True).because(found.named),
        method="POST",
        body={name: Sourced("{{ " + name + " }}", (flow.source("inputs", name),), raw=True)
              for name in flow.value.get("inputs") or {}},
        answer=_held(flow, made.answer),
        passages=_held(flow, made.passages),
        outside=outside,
        health=health,
    )


def _host(lowering: Lowering, deployment: View[Any], near: str | None) -> Sourced[str]:
    here = near_of(lowering, deployment)
    if near is not None and near == here:
        return port(lowering, deployment).express(lambda p: f"{deployment.address.name}:{p}")
    published = deployment.maybe_integer("publish") if here is not None else None
    return (published or port(lowering, deployment)).express(lambda p: f"127.0.0.1:{p}")


def _held(flow: View[Any], output: str | None) -> Sourced[str] | None:
    """Where hayhooks' reply holds an output."""
    if output is None:
        return None
    return Sourced(f"result.{output}.output", (flow.source("outputs", output),), raw=True)


def task(lowering: Lowering, index: View[Any], near: str | None) -> Task | None:
    """The script that fills an index, after what makes its collection, where its store's target has such a task."""
    runner = index.maybe_text("runner") if index.address.kind == "index" else None
    if runner is None or runner.value != "haystack":
        return None
    filling, shared = lower_index(lowering, index), lowering.shared_folder
    store = index.ref("store")
    before = lowering.ask(Task, store, near) if store is not None else None
    base = f"{lowering.folder}/{INDEXES}/{index.address.name}"
    script, lock = f"{shared}/fill.py", f"{shared}/requirements.txt"
    own = (f"{shared}/{PARTS}.py",) if filling.pipe.shipped else ()
    counted = [(literal("python"), literal(script), literal("--fetch"), literal(f"{base}.yaml"))] if own else []
    variables = _variables([filling.pipe.variables, before.variables if before is not None else ()])
    settings = {"HAYSTACK_TELEMETRY_ENABLED": literal("false"), **filling.pipe.settings}
    return Task(
        argv=tuple(literal(word) for word in ("python", script, f"{base}.yaml", f"{base}.json")),
        prepare=(*counted, *(before.prepare if before is not None else ()),
                 *((before.argv,) if before is not None else ())),
        install=tuple(dict.fromkeys((*_install(lowering), *(before.install if before is not None else ())))),
        tools=tuple(dict.fromkeys(("python", *(before.tools if before is not None else ())))),
        variables=tuple(variables),
        settings=settings,
        services=tuple(_services(lowering, filling.pipe.needs)),
        files=(f"{base}.yaml", f"{base}.json", script, lock, *own, *filling.files,
               *(before.files if before is not None else ())),
    )


def _services(lowering: Lowering, needs: list[Address]) -> Iterator[Address]:
    """What must answer: gateways and deployments; a store is reached where its variable says."""
    yield from (address for address in needs if address.kind != "store")


__all__ = ["Flow", "app", "service", "task"]
