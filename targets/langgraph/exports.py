"""How an app of served flows is started and called."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.placement import platform
from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.serving import serving
from llmops.compiler.model.exports import App, Screen, Service, ToolServer, Variable
from llmops.compiler.model.sourced import Sourced, combine, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.langgraph.lower import APP, MODULES, PACKAGE, described
from llmops.targets.langgraph.work import NAME, Work

PORT = 8123
"""Where `langgraph up` answers, by its own default."""
HEALTH = "/ok"
INSIDE = "/app"
"""Where a container has what it needs of the repository, each at its own path: they find each other by these."""


def in_charge(deployment: View[Any]) -> bool:
    engine = deployment.maybe_text("engine") if deployment.address.kind == "deployment" else None
    return engine is not None and engine.value == NAME


def port(deployment: View[Any]) -> Sourced[int]:
    return deployment.maybe_integer("port") or literal(PORT)


def service(lowering: Lowering, deployment: View[Any], near: str | None) -> Service | None:
    """The app of a deployment as a process of the host, in an environment of its own; or in one's own image."""
    if not in_charge(deployment) or deployment.has("endpoint"):
        return None
    work = Work(lowering)
    described(work, [], [deployment])
    folder, shared, here = f"{lowering.folder}/{APP}", lowering.shared_folder, port(deployment)
    python, lock = f"{shared}/venv/bin/python", f"{shared}/requirements.txt"
    build = (("python", "-m", "venv", f"{shared}/venv"),
           (python, "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock))
    words = (literal(f"{folder}/web.py"), literal(deployment.address.name), literal("--port"), here.express(str))
    own_files = [*(f"{folder}/{name}" for name in ("app.json", "graphs.py", "web.py")),
                 *(f"{shared}/{PACKAGE}/{name}" for name in MODULES)]
    programs: list[ToolServer | Screen] = [*work.found, *work.screens]
    others = _paths([*work.code, *(path for one in programs for path in one.files)])
    return Service(
        argv=(literal(python), *words),
        port=here,
        health=HEALTH,
        install=tuple(dict.fromkeys((*build, *(step for one in programs for step in one.install)))),
        tools=("python",),
        image=lowering.options.maybe_text("image") if lowering.options is not None else None,
        args=(literal("python"), literal(f"{INSIDE}/{folder}/web.py"), *words[1:], literal("--host"),
              literal("0.0.0.0")),
        mounts=tuple((path, f"{INSIDE}/{name}") for name, path in _paths([*own_files, *others.values()]).items()),
        variables=_once(work.variables),
        needs=tuple(dict.fromkeys(work.needs)),
        files=(*own_files, *others, lock),
    )


def _paths(several: list[Sourced[str] | str]) -> dict[str, Sourced[str] | str]:
    """Each path once."""
    return {path.value if isinstance(path, Sourced) else path: path for path in several}


def _once(several: list[Variable]) -> tuple[Variable, ...]:
    found: dict[str, Variable] = {}
    for variable in several:
        found.setdefault(variable.name.value, variable)
    return tuple(found.values())


def app(lowering: Lowering, flow: View[Any], near: str | None) -> App | None:
    """How a served flow is called: its inputs in, its outputs out."""
    if flow.address.kind != "flow":
        return None
    found = next((one for one in serving(lowering.reader, flow) if in_charge(one.deployment)), None)
    if found is None:
        return None
    deployment, path = found.deployment, found.node.text("path")
    outside = outside_variable(deployment, "endpoint", "url")
    base = deployment.maybe_text("endpoint", "url")
    url, health = path, None
    if base is not None:
        url = combine(lambda b, p: b.rstrip("/") + p, base, path)
    elif outside is None:
        where = platform(lowering.reader, deployment)
        host = port(deployment).express(lambda p: f"127.0.0.1:{p}")
        if near is not None and where is not None and where.value == near:
            host = port(deployment).express(lambda p: f"{deployment.address.name}:{p}")
        elif where is not None and deployment.has("publish"):
            host = deployment.integer("publish").express(lambda p: f"127.0.0.1:{p}")
        url = combine(lambda h, p: f"http://{h}{p}", host, path)
        health = host.express(lambda h: f"http://{h}{HEALTH}")
    outputs = list(flow.value.get("outputs") or {})
    return App(
        url=Sourced(url.value, url.sources, raw=True).because(found.named),
        method=found.node.text("method").value,
        body={name: Sourced("{{ " + name + " }}", (flow.source("inputs", name),), raw=True)
              for name in flow.value.get("inputs") or {}},
        answer=_held(flow, "answer" if "answer" in outputs else outputs[0] if outputs else None),
        passages=_held(flow, "passages" if "passages" in outputs else None),
        outside=outside,
        health=health,
    )


def _held(flow: View[Any], output: str | None) -> Sourced[str] | None:
    return None if output is None else Sourced(output, (flow.source("outputs", output),), raw=True)
