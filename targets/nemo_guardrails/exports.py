"""Where the server answers, how to start it, and how a guarded flow is called through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.guard import Guard, guards, screened
from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.serving import served, serving
from llmops.compiler.model.exports import App, Endpoint, Screen, Service, Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.schemas.types import FLOW, GUARDRAIL
from llmops.targets.nemo_guardrails.front import Front, front, near, ours
from llmops.targets.nemo_guardrails.lower import BROUGHT
from llmops.targets.nemo_guardrails.models import CONSUMER
from llmops.targets.nemo_guardrails.rails import Rail, rail

PORT = 4010
"""Its own default, 8000, is that of most engines of models."""
HEALTH = "/healthz"
CONFIGS = "/guardrails"
"""Where a container finds the folders."""
ANSWER, PASSAGES = "choices.0.message.content", "guardrails.output_data.passages"


def port(lowering: Lowering, server: View[Any]) -> Sourced[int]:
    chosen = server.maybe_integer("port")
    if chosen is None and lowering.options is not None:
        chosen = lowering.options.maybe_integer("port")
    return chosen or literal(PORT)


def endpoint(lowering: Lowering, server: View[Any], at: str | None) -> Endpoint | None:
    """For a server on this machine, or one that runs elsewhere: the base URL of its chat completions."""
    if not ours(server):
        return None
    if server.has("endpoint"):
        url, outside = server.maybe_text("endpoint", "url"), outside_variable(server, "endpoint", "url")
        return Endpoint(url or literal(""), None, outside=outside)
    if near(lowering.reader, server) is not None:
        return None  # its platform knows
    here = port(lowering, server)
    return Endpoint(
        here.express(lambda p: f"http://127.0.0.1:{p}/v1"), None,
        here.express(lambda p: f"http://127.0.0.1:{p}{HEALTH}"),
    )


def app(lowering: Lowering, flow: View[Any], at: str | None) -> App | None:
    """How a flow is called that a server of ours stands before."""
    if flow.address.kind != FLOW.name:
        return None
    place = next((place for place in serving(lowering.reader, flow) if ours(place.deployment)), None)
    where = lowering.ask(Endpoint, place.deployment, at) if place is not None else None
    if place is None or where is None:
        return None
    before = front(lowering, flow)
    name = place.named
    guardrails: dict[str, Any] = {"config_id": name}
    if before.others:
        named = {other.value: other.express(_variable) for other in before.others}
        guardrails["context"] = Sourced(named, merge(*(other.sources for other in before.others)), raw=True)
    guardrails["options"] = {"output_vars": ["passages"]}
    content = (before.message or literal("question")).express(_variable)
    body = {"model": name, "messages": [{"role": "user", "content": content}], "guardrails": guardrails}
    passages = before.app is not None and before.app.passages is not None
    address = where.url if where.outside is None else literal("")
    return App(
        address.express(lambda url: f"{url}/chat/completions"), "POST", body, literal(ANSWER),
        literal(PASSAGES) if passages else None, None, where.outside, where.health,
    )


def _variable(name: str) -> str:
    return f"{{{{ {name} }}}}"


def service(lowering: Lowering, server: View[Any], at: str | None) -> Service | None:
    """The server as a process of the host, or in a container."""
    if not ours(server) or server.has("endpoint"):
        return None
    here = port(lowering, server)
    lock = f"{lowering.shared_folder}/requirements.txt"
    flows = [found.flow for found in served(lowering.reader, server)]
    fronts = [front(lowering, flow) for flow in flows]
    stood = [found for flow in flows for found in _rails(lowering, flow, server)]
    options = lowering.options
    last = [literal("--port"), here.express(str), literal("--disable-chat-ui")]
    if len(flows) == 1:
        last += [literal("--default-config-id"), next(served(lowering.reader, server)).named]
    return Service(
        argv=(literal("nemoguardrails"), literal("server"), literal("--config"), literal(lowering.folder), *last),
        port=here,
        health=HEALTH,
        install=(("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock),),
        tools=("python",),
        image=options.maybe_text("image") if options is not None else None,
        args=(literal("server"), literal("--config"), literal(CONFIGS), *last),
        mounts=((lowering.folder, CONFIGS),),
        variables=tuple(_variables(stood, fronts)),
        settings={"NEMO_GUARDRAILS_NO_USAGE_STATS": literal("1")},
        needs=tuple(dict.fromkeys(_needs(stood, fronts))),
        files=(*(f"{lowering.folder}/{flow.address.name}" for flow in flows), lock),
    )


def screen(lowering: Lowering, view: View[Any], at: str | None) -> Screen | None:
    """How an app asks a guardrail: by `check.py`, in an environment of its own."""
    if view.address.kind != GUARDRAIL.name or view.value.get("engine") != CONSUMER:
        return None
    one, _ = rail(lowering, Guard(view, view, Sourced(view.address.name)), None, inside=True)
    if one is None:
        return None
    options, shared = lowering.options, lowering.shared_folder
    chosen = options.maybe_text("python") if options is not None else None
    own, lock = f"{shared}/venv", f"{shared}/requirements.txt"
    build = () if chosen is not None else (
        ("python", "-m", "venv", own),
        (f"{own}/bin/python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock),
    )
    ends = ["config.yml", "rails.co", *(["prompts.yml"] if one.prompt is not None else ())]
    ends += ["config.py"] if one.call is not None and one.call.url_variable is not None else []
    return Screen(
        argv=(chosen or literal(f"{own}/bin/python"), literal(f"{shared}/check.py"),
              literal(f"{lowering.folder}/{BROUGHT}")),
        install=build,
        variables=tuple(
            Variable(read.name.because(view.get("detector"), view.ref_name("model")), read.secret)
            for read in _variables([one], [])
        ),
        settings={"NEMO_GUARDRAILS_NO_USAGE_STATS": literal("1")},
        needs=tuple(dict.fromkeys(_needs([one], []))),
        files=(f"{shared}/check.py", lock, *(f"{lowering.folder}/{BROUGHT}/{view.address.name}/{end}" for end in ends)),
    )


def _rails(lowering: Lowering, flow: View[Any], server: View[Any]) -> Iterator[Rail]:
    for guard in guards(flow, CONSUMER):
        if screened(lowering, guard) or guard.stage == "tool":
            continue
        found, _ = rail(lowering, guard, near(lowering.reader, server))
        if found is not None:
            yield found


def _variables(stood: list[Rail], fronts: list[Front]) -> Iterator[Variable]:
    read = [variable for one in stood if one.call is not None for variable in (one.call.key, one.call.url_variable)]
    read += [
        variable for before in fronts if before.app is not None for variable in (before.app.key, before.app.outside)
    ]
    seen: set[tuple[str, Address | None]] = set()
    for variable in read:
        if variable is not None and (variable.name.value, variable.secret) not in seen:
            seen.add((variable.name.value, variable.secret))
            yield variable


def _needs(stood: list[Rail], fronts: list[Front]) -> Iterator[Address]:
    for one in stood:
        for through in (one.call.route.gateway, one.call.route.deployment) if one.call is not None else ():
            if through is not None:
                yield through.address
    for before in fronts:
        if before.behind is not None:
            yield before.behind
