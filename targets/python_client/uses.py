"""Which prompts are put to which models, and how each is reached: one function of the package each."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from llmops.compiler.derive.calls import all_calls
from llmops.compiler.derive.cases import problem
from llmops.compiler.derive.params import params
from llmops.compiler.derive.prompt import Part
from llmops.compiler.derive.route import Call, reach, route, speaks_openai
from llmops.compiler.derive.shots import conversation, sources_of
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.sources import At
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import EXPERIMENT

CONSUMER = "python-client"
KINDS = ("flow", "agent", "eval")
"""Who puts a prompt to a model; of two that do, the first in this order gives the parameters."""
NAMES = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
TAGS = re.compile(r"\{\{|\{%|\{#|\}\}|%\}|#\}")
WORDS = frozenset(("true", "false", "none", "True", "False", "None", "loop", "self", "super"))
Problem = Finding | Unsupported


@dataclass(frozen=True, slots=True)
class Use:
    """A prompt put to a model. `layers` have parameters beside them, the later winning; `named` and `asked` are the
    references to the model and to the prompt, `also` those (to the prompt, to the model) of others who do the same."""

    prompt: View[Any]
    model: View[Any]
    layers: tuple[Node, ...]
    named: Sourced[str]
    asked: Sourced[str]
    caller: Node
    also: tuple[tuple[Sourced[str], Sourced[str]], ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.prompt.address.name, self.model.address.name


def uses(lowering: Lowering) -> list[Use]:
    """Each prompt with each model once, by name; what experiments put in the place of another, too."""
    found: dict[tuple[str, str], Use] = {}
    for kind in KINDS:
        for call in all_calls(lowering.reader):
            if call.prompt is None or call.caller.resource.address.kind != kind:
                continue
            named = Sourced(call.model.address.name, (At(lowering.reader.project.env, call.at),))
            asked = call.caller.ref_name("prompt") or named
            model = call.caller.view(call.model.address, call.at) or call.model
            _put(found, Use(call.prompt, model, (call.caller,), named, asked, call.caller))
    for experiment in lowering.reader.of(EXPERIMENT):
        for _, _, use in arms(experiment):
            if use is not None:
                _put(found, use)
    return [found[key] for key in sorted(found)]


def _put(found: dict[tuple[str, str], Use], use: Use) -> None:
    first = found.setdefault(use.key, use)
    if (first.asked, first.named) != (use.asked, use.named):
        found[use.key] = replace(first, also=(*first.also, (use.asked, use.named)))


def settled(use: Use) -> Use:
    """Of several who put the same prompt to the same model, none is why anything is said of the two."""
    if not use.also:
        return use
    named, asked = Sourced(use.named.value, raw=True), Sourced(use.asked.value, raw=True)
    return replace(use, prompt=use.prompt.unreached(), model=use.model.unreached(), named=named, asked=asked)


def standing(use: Use, among: list[Use]) -> tuple[Sourced[str], ...]:
    """Why there is such a function: the reference to its prompt, where nobody else makes it, and to its model where the
    prompt is put to another one as well."""
    several = sum(one.key[0] == use.key[0] for one in among) > 1
    return () if use.also else (use.asked, *((use.named,) if several else ()))


def naming(use: Use, among: list[Use]) -> tuple[Sourced[str], ...]:
    """Why it is called so: by its model too, where another reference makes the prompt one that is put to several."""
    same = [one for one in among if one.key[0] == use.key[0]]
    ways = [way for one in same for way in ((one.asked, one.named), *one.also)]
    if len(ways) < 2:
        return ()
    return tuple(one for asked, named in ways for one in ((asked, named) if len(same) > 1 else (named,)))


def arms(experiment: View[Any]) -> Iterator[tuple[Node, str, Use | None]]:
    """Each arm with each step that any arm changes: the prompt and model that the step then has."""
    named = experiment.ref("flow")
    if named is None:
        return
    flow = named.unreached()
    entries = list(experiment.entries("arms"))
    changed = list(dict.fromkeys(step for arm in entries for step in arm.value.get("set") or {}))
    for arm in entries:
        for name in changed:
            step = flow.node("steps", name)
            if step is not None:
                yield arm, name, _use(step, arm.node("set", name))


def _use(step: Node, patch: Node | None) -> Use | None:
    def of(field: str) -> Node | None:
        if patch is not None and field in patch.value:
            return patch
        return step if field in step.value else None

    by_prompt, by_model = of("prompt"), of("model")
    if by_prompt is None or by_model is None:
        return None
    prompt, model = by_prompt.ref("prompt"), by_model.ref("model")
    named, asked = by_model.ref_name("model"), by_prompt.ref_name("prompt")
    if prompt is None or model is None or named is None or asked is None:
        return None
    layers = (step,) if patch is None else (step, patch)
    return Use(prompt, model, layers, named, asked, step)


def names(found: list[Use]) -> dict[tuple[str, str], str]:
    """The function's name: the prompt's, with the model's where it is put to several."""
    several = {use.prompt.address.name for use in found if sum(u.key[0] == use.key[0] for u in found) > 1}
    return {use.key: f"{use.key[0]}_with_{use.key[1]}" if use.key[0] in several else use.key[0] for use in found}


def reached(lowering: Lowering, use: Use) -> Call | Finding:
    way = route(lowering.reader, use.model, use.caller)
    call = reach(lowering, way, CONSUMER) if way.reached else None
    at = use.caller.at("model") if "model" in use.caller.value else use.caller.at()
    if call is None:
        return problem(at, f"the Python client cannot reach {use.model.address}", "nothing that answers serves it",
                       "let a gateway or a deployment serve it")
    if not speaks_openai(lowering, call):
        return problem(at, f"the Python client speaks OpenAI's protocol, and {use.model.address} another one",
                       "reached at its provider", "give a gateway a route to it")
    return call


def requested(use: Use) -> dict[str, Any]:
    """The parameters of a request."""
    made = params(use.model, use.prompt, *(layer for layer in use.layers if _has_params(layer)))
    made.pop("stream", None)
    return made


def _has_params(layer: Node) -> bool:
    return isinstance(layer.value, dict) and "params" in layer.value


# --- messages ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages as data, and their language: `names`, `jinja2` or `none`."""

    listed: list[dict[str, Any]]
    syntax: str
    problems: tuple[Problem, ...]


def messages(lowering: Lowering, use: Use) -> Messages:
    prompt = use.prompt
    written = prompt.text("syntax").value
    listed: list[dict[str, Any]] = []
    problems: list[Problem] = []
    engine = False
    last: Part | None = None
    told, found = conversation(lowering, prompt, use.model.address.name)
    problems += found
    for part in told:
        if part.medium == "audio":
            problems.append(problem(part.at, "the Python client sends no recordings", "", "call the flow in its place"))
            continue
        text, more, hard = _text(lowering, use, part, part.syntax or written)
        engine = engine or hard
        problems += more
        shown: dict[str, Any] = {"type": "text", "text": text}
        if part.medium == "image":
            shown = {"type": "image_url", "image_url": {"url": text}}
        if not part.listed:
            own = {} if part.syntax is None else {"syntax": literal(part.syntax)}
            listed.append({"role": part.role, "content": text, **own})
        elif last is not None and last.message == part.message:
            listed[-1]["content"].append(shown)
        else:
            listed.append({"role": part.role, "content": [shown]})
        last = part
    problems += _unsupported(prompt)
    syntax = "none" if written == "none" else "jinja2" if engine else "names"
    return Messages(listed, syntax, tuple(problems))


def _unsupported(prompt: View[Any]) -> Iterator[Problem]:
    if prompt.written("cache") and prompt.flag("cache").value:
        yield Unsupported(prompt.at("cache"), "it asks no provider to keep a part of a prompt")


def _text(lowering: Lowering, use: Use, part: Part, syntax: str) -> tuple[Sourced[str], list[Problem], bool]:
    """The template in the package's language, what is wrong, and whether it needs Jinja's engine."""
    text = part.words
    sources = sources_of(lowering, use.prompt, part)
    if use.model.address.name in (use.prompt.value.get("variants") or {}):
        sources = merge(sources, use.named.sources)
    found: list[Problem] = []
    engine = False
    if syntax == "f-string":
        made = _of_braces(text)
        if made is None:
            found.append(problem(part.at, "the Python client fills names alone in an f-string",
                                 "more than names in braces, or a text like `{{ name }}`", "`syntax: jinja2`"))
        text = made or ""
    elif syntax != "none":
        plain = NAMES.sub("", text)
        engine = bool(TAGS.search(plain)) or not WORDS.isdisjoint(NAMES.findall(text))
        if engine and syntax == "nunjucks":
            found.append(problem(part.at, "the Python client renders no statements or filters of nunjucks",
                                 "more than names in braces", "`syntax: jinja2`"))
    return Sourced(text, sources, raw=True), found, engine


def _of_braces(text: str) -> str | None:
    """An f-string's names as `{{ name }}`; None where it says more."""
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError:
        return None
    out = ""
    for before, name, spec, conversion in pieces:
        if NAMES.search(before) or (name is not None and (spec or conversion or not name.isidentifier())):
            return None
        if name is not None and before.endswith("{"):
            return None
        out += before + (f"{{{{ {name} }}}}" if name is not None else "")
    return out
