"""From a guardrail to a rail: the flow that runs, the model that it asks, its prompt, its settings, its message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.derive.guard import Guard
from llmops.compiler.derive.literals import patterns
from llmops.compiler.derive.params import params
from llmops.compiler.derive.route import Call
from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.emit.escapes import jinja
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.nemo_guardrails import prompts
from llmops.targets.nemo_guardrails.known import OWN, data, settings
from llmops.targets.nemo_guardrails.models import model_entry

Problem = Finding | Unsupported
ASKS = {
    "self_check": {"input": "self check input", "output": "self check output"},
    "content_safety": {"input": "content safety check input", "output": "content safety check output"},
    "topic_control": {"input": "topic safety check input"},
    "grounding": {"output": "self check facts"},
}
"""Detectors that ask a model, with the flows that they are at each stage."""
LOOKS = {
    "jailbreak": ("input",), "pii": ("input", "output", "retrieval"), "regex": ("input", "output", "retrieval"),
    "secrets": ("input", "output", "retrieval"),
}
"""Detectors that ask none, with their stages."""
DETECTORS = (*ASKS, *LOOKS)
TEXTS = {"input": "$user_message", "output": "$bot_message", "retrieval": "$relevant_chunks"}
INSIDE = {
    "self_check": ("input", "output", "retrieval", "tool"), "content_safety": ("input", "output", "retrieval", "tool"),
    "topic_control": ("input",), "grounding": ("output",), "jailbreak": ("input",),
    **dict.fromkeys(("pii", "regex", "secrets"), ("input", "output", "retrieval", "tool")),
}
"""The stages of detectors whose texts an app itself brings."""
LISTS = {"input": "input", "output": "output", "retrieval": "input", "tool": "tool_input"}
"""The list of rails, by stage, in which such a rail stands; passages come as a user's message does."""
BROUGHT = {
    "input": "$user_message", "output": "$bot_message", "retrieval": "$user_message", "tool": "$tool_message",
}
"""The variable that holds the text then."""
PROMPT_PARAMS = ("max_tokens", "stop", "output_parser", "max_length")
"""Settings of a guardrail's prompt, as the package's class calls them."""
SETTINGS = {
    "jailbreak": "jailbreak_detection", "pii": "sensitive_data_detection", "regex": "regex_detection",
    "secrets": "regex_detection", "content_safety": "content_safety",
}
"""Below `rails.config`."""
OWN_ENTRY = ("input", "output", "retrieval", "api_key", "nim_url", "nim_port", "embedding")
"""Settings that the fields of a guardrail say, that hold a secret, or that are no more."""


@dataclass(frozen=True, slots=True)
class Rail:
    """What a guardrail becomes. `flow` stands in the list of `stage`; `code` are the lines of a flow of our own."""

    guard: Guard
    stage: str
    flow: Sourced[str]
    model: dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    code: tuple[Sourced[str], ...] = ()
    message: Sourced[str] | None = None
    call: Call | None = None
    """How its model is reached."""
    library: str = ""
    """The flow of the package's own library for it, without parameters."""

    @property
    def name(self) -> str:
        return self.guard.rail.address.name


def rail(
    lowering: Lowering, guard: Guard, near: str | None = None, inside: bool = False
) -> tuple[Rail | None, list[Problem]]:
    """The rail, or None where nothing of it could stand; and all that it cannot say. `inside`: an app brings texts."""
    view = guard.rail
    problems: list[Problem] = list(_unsupported(guard, inside))
    refusal = _refused(guard, inside)
    if refusal is not None:
        return None, [refusal, *problems]
    detector, stage = view.text("detector"), view.text("stage")
    action = view.text("action")
    found = _flow(guard)
    entry, call, prompt = None, None, None
    if detector.value in ASKS:
        kind = _task(detector.value, stage.value)
        type_ = "self_check_facts" if detector.value == "grounding" else view.address.name
        made = model_entry(lowering, view, type_, because(guard, "detector"), near)
        if isinstance(made, Finding):
            return None, [made, *problems]
        entry, call = made
        read = inside and stage.value in ("retrieval", "tool") and detector.value == "self_check"
        suffix, usual = _suffix(detector.value, view.address.name), "self_check_read" if read else ""
        made_prompt = prompts.prompt(lowering, guard, kind, suffix, usual)
        problems += made_prompt.problems
        if made_prompt.entry is None:
            return None, problems
        prompt = {**made_prompt.entry, **_of_prompt(view)}
    if inside:
        why = because(guard, "engine")
        return Rail(
            guard, LISTS[stage.value], Sourced(f"{OWN}{view.address.name}", why.sources, raw=True), entry, prompt,
            _sourced(guard, _settings(guard, _source(stage.value))), tuple(_brought(guard)), None, call,
            found.partition(" $")[0],
        ), problems
    message = view.maybe_text("message")
    own = message is not None or action.value == "flag" or stage.value == "retrieval"
    why = because(guard, "stage", "detector", "action", "engine")
    name = Sourced(f"{OWN}{view.address.name}" if own else found, why.sources, raw=True)
    return Rail(
        guard, "output" if stage.value == "retrieval" else stage.value, name, entry, prompt,
        _sourced(guard, _settings(guard, stage.value)), tuple(_code(guard)) if own else (),
        message.express(jinja).because(guard.named, action)
        if message is not None and action.value == "block" else None, call=call,
        library=_flow(guard).partition(" $")[0],
    ), problems


def _of_prompt(view: View[Any]) -> dict[str, Any]:
    """Settings of the prompt: the guardrail's own, else what the model's requests always have."""
    own = {name: value for name, value in (view.tree("params") or {}).items() if name in PROMPT_PARAMS}
    asked = view.ref_name("model")
    usual = {name: value for name, value in params(view.ref("model")).items() if name in PROMPT_PARAMS}
    return {**{name: value.because(asked) if isinstance(value, Sourced) else value
               for name, value in usual.items()}, **own}


def because(guard: Guard, *fields: str) -> Sourced[int]:
    """The reference to the guardrail, and the fields that decided."""
    return Sourced(0).because(guard.named, *(guard.rail.get(name) for name in fields))


def _source(stage: str) -> str:
    """The name that the library's settings have for a text which an app brings. Of `retrieval` it would give another
    text back, and not say that this one must not pass."""
    return "output" if stage == "output" else "input"


def _refused(guard: Guard, inside: bool) -> Problem | None:
    """Why nothing of it can stand."""
    view = guard.rail
    detector, stage, action = view.text("detector").value, view.text("stage").value, view.text("action").value
    if detector not in DETECTORS:
        close = nearest(detector, DETECTORS)
        label = f"did you mean `{close[0]}`?" if close else "no rail of it stands"
        return Finding(
            f"NeMo Guardrails has no detector `{detector}`", (Label(view.at("detector"), label, primary=True),),
            notes=(f"it has: {', '.join(sorted(DETECTORS))}",), severity=Severity.ERROR, found=detector,
            expected=close[0] if close else None,
        )
    stages = INSIDE[detector] if inside else (*ASKS.get(detector, {}), *LOOKS.get(detector, ()))
    if stage not in stages and (inside or not (detector == "self_check" and stage == "retrieval")):
        return _error(view, "stage", f"`{detector}` cannot read that text in NeMo Guardrails",
                      f"it reads: {', '.join(stages)}", "choose another detector or stage")
    if action in ("rewrite", "route"):
        return _error(view, "action", f"NeMo Guardrails cannot {action} a text", "it can block, flag, and redact",
                      "`action: block`")
    if action == "redact" and inside:
        return _error(view, "action", "NeMo Guardrails cannot redact here", "it only says whether the text may pass",
                      "`action: block`, or `engine: presidio`")
    if action == "redact" and (detector != "pii" or stage == "retrieval"):
        why = "the model has read the passages before they come here" if detector == "pii" else (
            f"`{detector}` says only whether a text may pass")
        return _error(view, "action", "NeMo Guardrails cannot redact here", why, "`action: block`")
    return _missing(guard, detector)


def _missing(guard: Guard, detector: str) -> Problem | None:
    """What the detector cannot do without."""
    view, params = guard.rail, guard.rail.value.get("params") or {}
    if detector in ASKS and not view.has("model"):
        return _error(view, "detector", f"`{detector}` asks a model, and none is named", "which one?", "say `model`")
    if detector == "topic_control" and not (view.has("topics") or view.has("prompt")):
        return _error(view, "detector", "no topics are named", "what may be spoken about?", "say `topics`")
    if detector == "content_safety" and not view.has("prompt"):
        return _error(view, "detector", "no prompt is named", "each safety model wants to be asked in its own way",
                      "say `prompt`, with the words of the model's card")
    if detector == "pii" and not view.has("entities"):
        return _error(view, "detector", "no entities are named", "without them it looks for nothing", "say `entities`")
    if detector == "regex" and not params.get("patterns"):
        return _error(view, "detector", "no patterns are given", "without them it looks for nothing",
                      "`params: {patterns: [...]}`")
    if detector == "jailbreak" and not (params.get("server_endpoint") or params.get("nim_base_url")):
        return _error(view, "detector", "it would load models of its own into the server",
                      "neither `server_endpoint` nor `nim_base_url` is given", "`params: {nim_base_url: …}`")
    return None


def _error(view: View[Any], at: str, message: str, label: str, cure: str) -> Finding:
    return Finding(message, (Label(view.at(at), label, primary=True),), help=(cure,), severity=Severity.ERROR)


# --- the flow ----------------------------------------------------------------------------------------------------


def _flow(guard: Guard) -> str:
    """The flow of the package's own library."""
    view = guard.rail
    detector, stage, name = view.text("detector").value, view.text("stage").value, view.address.name
    if detector in ASKS:
        return f"{ASKS[detector].get(stage, ASKS[detector].get('input', ''))}{_suffix(detector, name)}"
    if detector == "jailbreak":
        return "jailbreak detection model" if _nim(view) else "jailbreak detection heuristics"
    if detector == "pii":
        return f"{'mask' if view.text('action').value == 'redact' else 'detect'} sensitive data on {stage}"
    return f"regex check {'input' if stage == 'tool' else stage}"


def _nim(view: View[Any]) -> bool:
    return "nim_base_url" in (view.value.get("params") or {})


def _suffix(detector: str, name: str) -> str:
    """By this a flow finds its own model and prompt among several."""
    return {"self_check": f" $variant={name}", "grounding": ""}.get(detector, f" $model={name}")


def _task(detector: str, stage: str) -> str:
    stage = "input" if stage in ("retrieval", "tool") else stage
    return ASKS[detector][stage].replace(" ", "_")


def _code(guard: Guard) -> Iterator[Sourced[str]]:
    """A flow of our own, for what the library's cannot: a message of its own, only noting, passages."""
    view = guard.rail
    name, action, stage = view.address.name, view.text("action").value, view.text("stage").value
    yield _line(guard, f"define subflow {OWN}{name}")
    if action == "redact":
        yield _line(guard, f"  do {_flow(guard)}", "action", "detector", "stage")
        return
    yield _line(guard, f"  $response = execute {_execute(view, stage, TEXTS[stage], stage)}", "detector", "stage")
    # of passages the library gives a text without them back, instead of saying that they must not pass
    cut = " or $response.is_transform" if stage == "retrieval" and view.text("detector").value in LOOKS else ""
    yield _line(guard, f"  if $response.is_blocked{cut}", *(("detector", "stage") if cut else ()))
    if action == "flag":
        yield _line(guard, f"    $flagged_{name} = True", "action")
        return
    if stage == "input":
        yield _line(guard, "    do mask blocked user input", "action", "stage")
    yield _line(guard, f"    bot refuse {name if view.has('message') else 'to respond'}", "action")
    yield _line(guard, "    stop", "action")


def _brought(guard: Guard) -> Iterator[Sourced[str]]:
    """A flow for a text that an app brings. The app lets it pass only where the last line has run."""
    view = guard.rail
    name, action, stage = view.address.name, view.text("action").value, view.text("stage").value
    yield _line(guard, f"define subflow {OWN}{name}")
    asked = _execute(view, stage, BROUGHT[stage], _source(stage))
    yield _line(guard, f"  $response = execute {asked}", "detector", "stage")
    yield _line(guard, "  if $response.is_blocked")
    if action == "flag":
        yield _line(guard, f"    $flagged_{name} = True", "action")
    else:
        yield _line(guard, "    bot refuse to respond", "action")
        yield _line(guard, "    stop", "action")
    yield _line(guard, f"  $passed_{name} = True")


def _line(guard: Guard, text: str, *fields: str) -> Sourced[str]:
    """A line, which stands there because of the engine and these fields; one with the name, of the reference too."""
    view = guard.rail
    named = guard.named if view.address.name in text else None
    return Sourced(text, raw=True).because(named, view.get("engine"), *(view.get(field) for field in fields))


def library(flow: str) -> list[str]:
    """A flow of the library's anew, as a subflow. Its action finds the variant or model in what called it."""
    return [
        f"define subflow {flow}", f"  $response = execute {flow.replace(' ', '_')}", "  if $response.is_blocked",
        *(["    do mask blocked user input"] if flow.endswith("input") else []),
        "    bot refuse to respond", "    stop",
    ]


def _execute(view: View[Any], stage: str, text: str, source: str) -> str:
    detector, name = view.text("detector").value, view.address.name
    checked = f", user_message={text}" if stage in ("retrieval", "tool") else ""
    if detector == "self_check":
        return f'{_task(detector, stage)}(variant="{name}"{checked})'
    if detector in ("content_safety", "topic_control"):
        return f'{_task(detector, stage)}(model_name="{name}"{checked})'
    if detector == "jailbreak":
        return "jailbreak_detection_model" if _nim(view) else "jailbreak_detection_heuristics"
    if detector == "grounding":
        return "self_check_facts"
    action = "detect_sensitive_data" if detector == "pii" else "detect_regex_pattern"
    return f'{action}(source="{source}", text={text})'


# --- settings ----------------------------------------------------------------------------------------------------


def _settings(guard: Guard, stage: str) -> dict[str, Any]:
    """What stands below `rails.config` for it."""
    view = guard.rail
    detector = view.text("detector").value
    if detector not in SETTINGS:
        return {}
    params = {k: v for k, v in (view.tree("params") or {}).items() if k in allowed(detector)}
    if detector in ("regex", "secrets"):
        own = {k: v for k, v in (view.tree("params") or {}).items() if k in ("patterns", "case_insensitive")}
        if detector == "secrets":
            because = view.get("detector")
            known = [literal(pattern).because(because) for pattern in patterns()]
            own["patterns"] = [*known, *own.get("patterns", ())]
        return {"regex_detection": {stage: own}}
    if detector == "pii":
        options: dict[str, Any] = {"entities": view.tree("entities")}
        threshold = view.maybe_number("threshold")
        if threshold is not None and view.text("action").value != "redact":
            options["score_threshold"] = threshold
        return {"sensitive_data_detection": {**params, stage: options}}
    return {SETTINGS[detector]: params} if params else {}


def _sourced(guard: Guard, found: dict[str, Any]) -> dict[str, Any]:
    """Each setting stands there because of the guardrail, too; those of one stage below that stage."""
    why = Sourced(0).because(*(guard.rail.get(name) for name in ("detector", "stage", "engine")))

    def told(value: Any) -> Any:
        return {key: told(below) for key, below in value.items()} if isinstance(value, dict) else Sourced(
            value, why.sources, raw=True) if isinstance(value, list) else value.because(why)

    return {key: told(below) for key, below in found.items()}


def allowed(detector: str) -> frozenset[str]:
    """The `params` that a detector takes."""
    own = {name for name in settings(SETTINGS[detector]) if name not in OWN_ENTRY} if detector in SETTINGS else set()
    if detector in ASKS:
        own |= set(PROMPT_PARAMS)
    if detector in ("regex", "secrets"):
        own |= {"patterns", "case_insensitive"}
    return frozenset(own)


def _unsupported(guard: Guard, inside: bool = False) -> Iterator[Problem]:
    view = guard.rail
    detector, action = view.text("detector").value, view.text("action").value
    if detector not in DETECTORS:
        return
    for name in view.value.get("params") or {}:
        if name not in allowed(detector):
            close = nearest(name, sorted(allowed(detector)))
            yield Finding(
                f"`{detector}` of NeMo Guardrails has no setting `{name}`",
                (Label(view.at("params", name), f"did you mean `{close[0]}`?" if close else "left out", primary=True),),
                found=name, expected=close[0] if close else None,
            )
    for index, pattern in enumerate((view.value.get("params") or {}).get("patterns") or ()):
        try:
            re.compile(str(pattern))
        except re.error as error:
            yield Finding(
                f"the pattern is none: {error.msg}",
                (Label(view.at("params", "patterns", index), "Python cannot read it", primary=True),),
                severity=Severity.ERROR,
            )
    if view.has("entities") and detector != "pii":
        yield Unsupported(view.at("entities"), f"`{detector}` looks for no entities", "`detector: pii`")
    if view.has("topics") and (detector != "topic_control" or view.has("prompt")):
        yield Unsupported(view.at("topics"), "the prompt of that detector names no topics", "`detector: topic_control`")
    if view.has("threshold") and (detector != "pii" or action == "redact"):
        why = "it redacts from a score of its own" if detector == "pii" else f"`{detector}` gives no score"
        yield Unsupported(view.at("threshold"), why)
    if view.has("prompt") and detector not in ASKS:
        yield Unsupported(view.at("prompt"), f"`{detector}` asks no model")
    if view.has("model") and detector not in ASKS:
        yield Unsupported(view.at("model"), f"`{detector}` asks no model")
    if view.has("message") and action != "block":
        yield Unsupported(view.at("message"), "nothing is refused, so nobody is told", "`action: block`")
    if detector == "pii":
        spoken = data("tasks.json")["languages"]
        for index, language in enumerate(view.value.get("languages") or ()):
            if language.partition("-")[0] not in spoken:
                yield Unsupported(view.at("languages", index), "its analyser reads English alone", "`engine: presidio`")
    if view.has("latency") and not inside:
        yield Unsupported(view.at("latency"), "it waits until the detector has answered")
