"""From the guardrails of a flow to the folder that the server reads for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.guard import Guard, guarded, screened
from llmops.compiler.derive.params import params
from llmops.compiler.derive.serving import serving
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import View
from llmops.targets.nemo_guardrails.front import Front, front, near, servers
from llmops.targets.nemo_guardrails.models import CONSUMER
from llmops.targets.nemo_guardrails.rails import Rail, because, library, rail

PATH = "/v1/chat/completions"
DECIDE = ("stage", "detector", "engine")
"""What decides which flow of the library's stands there anew."""
STAGES = ("input", "output")
BROUGHT = "_checks"
"""The folder of guardrails whose texts apps bring."""
ONCE = ("jailbreak", "pii", "regex", "secrets")
"""Detectors whose settings stand once for each stage (jailbreak: once), so that a second one would change the first."""


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    made = False
    asked: dict[Address, list[Guard]] = {}
    for holder, guards in guarded(lowering.reader, CONSUMER):
        stood = []
        for guard in guards:
            if screened(lowering, guard):
                asked.setdefault(guard.rail.address, []).append(guard)
            elif holder.address.kind != "flow" or guard.stage == "tool":
                yield Unsupported(
                    _place(guard), "its server stands before a served flow, and sees nothing of what is inside",
                    "let `langgraph` run it, which asks inside" if guard.stage == "tool" else
                    "list the guardrail in the flow, or let `langgraph` run the agent",
                )
            else:
                stood.append(guard)
        if stood:
            made = True
            yield from _folder(lowering, holder, tuple(stood))
    for several in asked.values():
        made = True
        yield from _brought(lowering, several)
    if asked:
        script = files(__package__).joinpath("templates", "check.py")
        yield Artifact("check.py", script.read_bytes(), format=Format.VERBATIM, shared=True)
    for server in servers(lowering.reader):
        yield from _server_unsupported(lowering, server)
    if made:
        lock = files(__package__).joinpath("lock", "requirements.txt")
        yield Artifact("requirements.txt", lock.read_bytes(), format=Format.VERBATIM, shared=True)


def _place(guard: Guard) -> Any:
    return guard.named.sources[0].path  # type: ignore[union-attr]


def _folder(
    lowering: Lowering, flow: View[Any], guards: tuple[Guard, ...]
) -> Iterator[Artifact | Unsupported | Finding]:
    before = front(lowering, flow)
    if before.problem is not None:
        yield before.problem
    if before.server is None and serving(lowering.reader, flow):
        yield Finding(
            f"`{flow.address.name}` is served, and its guardrails stand before nothing",
            (Label(_place(guards[0]), "nobody asks it", primary=True),),
            help=(f"add a deployment: `engine: {CONSUMER}`, `serves: {{{flow.address.name}: {{path: {PATH}}}}}`, and "
                  "`uses` with the deployment that runs the flow",),
        )
    stood: list[Rail] = []
    at = near(lowering.reader, before.server.deployment if before.server is not None else None)
    for guard in guards:
        found, problems = rail(lowering, guard, at)
        yield from problems
        clash = None if found is None else _clash(stood, found)
        if clash is not None:
            yield clash
        elif found is not None:
            yield from _grounding(found, before)
            stood.append(found)
    name = flow.address.name
    about: tuple[Address | Sourced[Address], ...] = (flow.address, *_about(stood))
    config = _config(lowering, flow, stood, before)
    yield Artifact(f"{name}/config.yml", _alone(stood, config, "engine"), about)
    asking = [one for one in stood if one.prompt is not None]
    prompts = [_because(one, one.prompt) for one in stood if one.prompt is not None]
    if prompts:
        yield Artifact(f"{name}/prompts.yml", {"prompts": _alone(asking, prompts, "detector", "engine")}, about)
    code = _code(stood)
    if code:
        yield Artifact(f"{name}/rails.co", code, about, Format.TEXT)
    for file in _files(stood, before):
        script = files(__package__).joinpath("templates", file)
        yield Artifact(f"{name}/{file}", script.read_bytes(), format=Format.VERBATIM)
    yield from _streaming_unsupported(stood)
    yield from _temperature_unsupported(stood)


def _brought(lowering: Lowering, guards: list[Guard]) -> Iterator[Artifact | Unsupported | Finding]:
    """The folder of one guardrail whose texts apps bring. Its name begins so that the server passes over it."""
    rails = guards[0].rail
    guard = guards[0] if len(guards) == 1 else Guard(rails, guards[0].holder, Sourced(rails.address.name))
    one, problems = rail(lowering, guard, None, inside=True)
    yield from problems
    if one is None:
        return
    name = f"{BROUGHT}/{rails.address.name}"
    about = (Sourced(rails.address, guard.named.sources, raw=True),)
    models = [] if one.model is None else _alone([one], [_because(one, one.model)], "detector")
    config: dict[str, Any] = {"models": models}
    temperatures = _temperatures([one])
    if temperatures:
        config["lowest_temperature"] = temperatures[0]
    outside = _outside([one])
    if outside:
        config["custom_data"] = {"base_urls": outside}
    listed = Sourced({"flows": [one.flow]}, because(guard, "stage").sources, raw=True)
    settings = {"config": _alone([one], dict(one.settings), "detector")} if one.settings else {}
    config["rails"] = {**settings, one.stage: listed}
    why = because(guard, "engine").sources
    yield Artifact(f"{name}/config.yml", Sourced(config, why, raw=True), about)
    if one.prompt is not None:
        prompts = _alone([one], [_because(one, one.prompt)], "detector", "engine")
        yield Artifact(f"{name}/prompts.yml", {"prompts": prompts}, about)
    yield Artifact(f"{name}/rails.co", _code([one]), about, Format.TEXT)
    if outside:
        script = files(__package__).joinpath("templates", "config.py")
        yield Artifact(f"{name}/config.py", script.read_bytes(), format=Format.VERBATIM)
    yield from _streaming_unsupported([one])


def _because(one: Rail, entry: dict[str, Any]) -> Sourced[dict[str, Any]]:
    """The whole entry stands there because of the detector, which asks a model."""
    rail = one.guard.rail
    return Sourced(entry, rail.text("detector").because(rail.get("engine")).sources, raw=True)


def _alone(rails: list[Rail], value: Any, *fields: str) -> Any:
    """What one rail alone brings stands there, its heading too, because of these fields of it."""
    if len(rails) != 1:
        return value
    return Sourced(value, Sourced(0).because(*(rails[0].guard.rail.get(name) for name in fields)).sources, raw=True)


def _about(stood: list[Rail]) -> Iterator[Sourced[Address]]:
    for one in stood:
        yield Sourced(one.guard.rail.address, one.guard.named.sources, raw=True)


def _files(stood: list[Rail], before: Front) -> Iterator[str]:
    if before.app is not None:
        yield "actions.py"
    if _outside(stood):
        yield "config.py"


def _clash(stood: list[Rail], new: Rail) -> Finding | None:
    view = new.guard.rail
    detector = view.text("detector").value
    for one in stood:
        other = one.guard.rail.text("detector").value
        same = detector == other or {detector, other} == {"regex", "secrets"}
        twice = detector == "grounding" or (detector in ONCE and new.guard.stage == one.guard.stage)
        if same and twice:
            return Finding(
                f"NeMo Guardrails has one `{detector}` for a text", (
                    Label(_place(new.guard), "a second one", primary=True), Label(_place(one.guard), "the first"),
                ), help=("put both into one guardrail",), severity=Severity.ERROR,
            )
    return None


def _grounding(found: Rail, before: Front) -> Iterator[Finding]:
    view = found.guard.rail
    passages = view.text("detector").value == "grounding" or found.guard.stage == "retrieval"
    if passages and (before.app is None or before.app.passages is None):
        yield Finding(
            f"`{view.address.name}` would see no passages", (
                Label(_place(found.guard), "the reply of the app holds none", primary=True),
            ), help=("let the flow give its passages out, and name them where it is served",), severity=Severity.ERROR,
        )


# --- config.yml --------------------------------------------------------------------------------------------------


def _config(lowering: Lowering, flow: View[Any], stood: list[Rail], before: Front) -> dict[str, Any]:
    asking = [one for one in stood if one.model is not None]
    models = [_because(one, one.model) for one in asking if one.model is not None]
    config: dict[str, Any] = {"models": _alone(asking, models, "detector")}
    temperatures = _temperatures(stood)
    if temperatures:
        config["lowest_temperature"] = temperatures[0]
    messages = {
        f"refuse {one.name}": Sourced([one.message], one.message.sources, raw=True)
        for one in stood if one.message is not None
    }
    if messages:
        config["bot_messages"] = _alone([one for one in stood if one.message is not None], messages, "action")
    own: dict[str, Any] = {}
    if before.app is not None:
        own["app"] = _app(flow, before)
    outside = _outside(stood)
    if outside:
        own["base_urls"] = outside
    if own:
        config["custom_data"] = own
    config["rails"] = _rails(flow, stood)
    return config


def _temperatures(stood: list[Rail]) -> list[Sourced[Any]]:
    """What the models' requests ask for, once each: all rails have one temperature, but that for topics its own."""
    found: list[Sourced[Any]] = []
    for one in stood:
        value = params(one.guard.rail.ref("model")).get("temperature") if one.model is not None else None
        if isinstance(value, Sourced):
            value = value.because(one.guard.rail.ref_name("model"), one.guard.rail.get("detector"))
        if isinstance(value, Sourced) and all(value.value != other.value for other in found):
            found.append(value)
    return found


def _temperature_unsupported(stood: list[Rail]) -> Iterator[Unsupported]:
    for other in _temperatures(stood)[1:]:
        yield Unsupported(other.sources[0].path, "all its rails have one temperature")  # type: ignore[union-attr]


def _outside(stood: list[Rail]) -> dict[str, Sourced[str]]:
    """The variables that hold addresses of models, by the type of the model."""
    found: dict[str, Sourced[str]] = {}
    for one in stood:
        if one.model is not None and one.call is not None and one.call.url_variable is not None:
            found[one.model["type"].value] = one.call.url_variable.name.because(
                one.model["type"], one.guard.rail.ref_name("model")
            )
    return found


def _app(flow: View[Any], before: Front) -> dict[str, Any]:
    """How `actions.py` calls the app."""
    app = before.app
    assert app is not None
    made: dict[str, Any] = {}
    if app.outside is not None:
        made["base"] = app.outside.name
    made["url"] = app.url.because(before.sources)
    made["method"] = app.method
    made["body"] = dict(app.body)
    if before.message is not None:
        made["message"] = before.message
    if app.answer is not None:
        made["answer"] = app.answer
    if app.passages is not None:
        made["passages"] = app.passages
    if app.key is not None:
        made["key"] = app.key.name
    timeout = flow.maybe_text("timeout")
    if timeout is not None:
        made["timeout"] = timeout.map(seconds)
    return made


def _rails(flow: View[Any], stood: list[Rail]) -> dict[str, Any]:
    rails: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for one in stood:
        _merge(settings, one.settings)
    if settings:
        rails["config"] = _alone([one for one in stood if one.settings], settings, "detector")
    for stage in STAGES:
        # what looks at passages comes first: an answer that they spoilt needs no other look
        listed = sorted((one for one in stood if one.stage == stage), key=lambda one: one.guard.stage != "retrieval")
        if listed:
            rails[stage] = {"flows": [one.flow for one in listed]}
            rails[stage] = _alone(listed, {**rails[stage], **_streamed(flow, stood, stage)}, "stage", "detector")
    stages = Sourced(0).because(*(one.guard.rail.get("stage") for one in stood)).sources
    for stage in STAGES:
        if stage in rails:
            rails[stage] = Sourced(rails[stage], stages, raw=True)  # where one moves away, the other's heading moves
    return rails


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = dict(value) if isinstance(value, dict) else value


def _streamed(flow: View[Any], stood: list[Rail], stage: str) -> dict[str, Any]:
    streaming = _streaming(flow, stood) if stage == "output" else {}
    return {"streaming": streaming} if streaming else {}


def _streaming(flow: View[Any], stood: list[Rail]) -> dict[str, Any]:
    """Nothing of an answer goes out before it was looked at."""
    chosen = next((one.guard.rail for one in stood if _chunked(one)), None)
    streams = flow.maybe_flag("stream")
    if chosen is None and not (streams is not None and streams.value):
        return {}
    made: dict[str, Any] = {"enabled": literal(True).because(streams)}
    if chosen is not None:
        made["enabled"] = made["enabled"].because(chosen.get("streaming", "chunk"))
        made["chunk_size"] = chosen.integer("streaming", "chunk")
        context = chosen.maybe_integer("streaming", "context")
        if context is not None:
            made["context_size"] = context
    made["stream_first"] = literal(False)
    return made


def _chunked(one: Rail) -> bool:
    return one.guard.stage == "output" and one.guard.rail.has("streaming")


def _streaming_unsupported(stood: list[Rail]) -> Iterator[Unsupported]:
    first: Any = None
    for one in stood:
        view = one.guard.rail
        if not view.has("streaming"):
            continue
        if one.guard.stage != "output":
            yield Unsupported(view.at("streaming"), "what comes in is never streamed")
        elif first is not None and view.value["streaming"] != first:
            yield Unsupported(view.at("streaming"), "it has one size of chunks for all rails", "give all the same")
        else:
            first = view.value["streaming"]


# --- rails.co ----------------------------------------------------------------------------------------------------


def _code(stood: list[Rail]) -> list[Sourced[str] | str]:
    """Flows of our own, and the library's anew as a subflow where one of ours runs its action: the library's starts by
    itself whenever somebody runs that action, and would refuse what is only to be noted."""
    lines: list[Sourced[str] | str] = []
    anew: dict[str, Sourced[list[str]]] = {}
    for one in stood:
        if one.code:
            lines += [""] if lines else []
            lines += one.code
            if one.model is not None:
                made = anew.get(one.library) or Sourced(library(one.library), raw=True)
                anew[one.library] = made.because(*(one.guard.rail.get(name) for name in DECIDE))
    for made in anew.values():
        lines += ["", *(Sourced(line, made.sources, raw=True) for line in made.value)]
    return lines


# --- the server --------------------------------------------------------------------------------------------------


def _server_unsupported(lowering: Lowering, server: View[Any]) -> Iterator[Unsupported | Finding]:
    for node in server.entries("serves"):
        flow = server.ref("serves", node.name)
        if flow is not None and not any(h.address == flow.address for h, _ in guarded(lowering.reader, CONSUMER)):
            yield Finding(
                f"`{node.name}` lists no guardrail of NeMo Guardrails", (
                    Label(node.at(), "the server would stand before it and look at nothing", primary=True,
                          key_only=True),
                ), help=(f"list one in the flow: `guardrails: [...]` in conf/flow/{node.name}.yaml",),
                severity=Severity.ERROR,
            )
        if node.text("path").value != PATH:
            yield Unsupported(node.at("path"), f"the server has this path alone: {PATH}", f"`path: {PATH}`")
        for name in ("method", "port", "body", "answer", "passages"):
            if node.written(name):
                yield Unsupported(node.at(name), "how the server is called is its own, as OpenAI's chat completions")
