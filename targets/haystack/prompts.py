"""Prompts as lists of chat messages, each a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops.compiler.derive.prompt import Part
from llmops.compiler.derive.prompt import variables as declared
from llmops.compiler.derive.shots import conversation, sources_of, syntax_of
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import View
from llmops.targets.haystack import jinja
from llmops.targets.haystack.pipe import Pipe

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


def messages(
    pipe: Pipe, prompt: View[Any], model: str | None, fixed: Mapping[str, Sourced[Any]]
) -> list[dict[str, Any]]:
    """The messages; `fixed` are variables whose values the flow says itself."""
    told = []
    found, problems = conversation(pipe.lowering, prompt, model)
    pipe.problems.extend(problems)
    for part in found:
        if part.medium != "text":
            pipe.error(part.at, f"Haystack is given no {part.medium} in a prompt of this flow")
            continue
        if part.role == "developer":
            pipe.unsupported(part.at, "it knows no messages of developers", "they are sent as the system's")
        told.append({"role": ROLES.get(part.role, part.role), "content": [{"text": _text(pipe, prompt, part, fixed)}]})
    if prompt.has("cache") and prompt.flag("cache").value:
        pipe.unsupported(prompt.at("cache"), "it asks no provider to keep a part of a prompt")
    return told


def _text(pipe: Pipe, prompt: View[Any], part: Part, fixed: Mapping[str, Sourced[Any]]) -> Sourced[str]:
    syntax = syntax_of(prompt, part)
    text = part.words
    sources = sources_of(pipe.lowering, prompt, part)
    if part.role == "assistant":
        # the builder renders what system and user say, and takes an assistant's words as they are
        if "{{" in text and syntax != "none":
            pipe.error(part.at, "Haystack puts no variables into an assistant's message")
        return Sourced(text, sources, raw=True)
    made = pipe.express(Sourced(text, sources), lambda t: jinja.template(t, syntax))
    if part.syntax is not None:
        return made  # a worked case: its variables have values of their own
    for name, value in fixed.items():
        made = _set(made, name, value)
    return made


def _set(text: Sourced[str], name: str, value: Sourced[Any]) -> Sourced[str]:
    made = f"{{% set {name} = {jinja.value(value.value)} %}}{text.value}"
    return Sourced(made, text.sources, raw=True).because(value)


def builder(
    pipe: Pipe, prompt: View[Any], model: str | None, fixed: Mapping[str, Sourced[Any]], why: Sourced[Any] | None
) -> dict[str, Any]:
    """The parameters of a builder of chat prompts. Variables are those that the prompt declares."""
    known = {name: needed for name, needed in declared(prompt).items() if name not in fixed}
    told = [
        {**message, "content": [{"text": part["text"].because(why)} for part in message["content"]]}
        for message in messages(pipe, prompt, model, fixed)
    ]
    made: dict[str, Any] = {"template": told}
    if known:
        made["variables"] = list(known)
        made["required_variables"] = [name for name in known if known[name]]
    return made
