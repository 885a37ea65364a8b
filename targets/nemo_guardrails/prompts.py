"""What a rail's model is asked: a prompt of the config, or the usual one."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.guard import Guard
from llmops.compiler.derive.prompt import Part
from llmops.compiler.derive.shots import conversation, sources_of, syntax_of
from llmops.compiler.derive.template import MalformedError, names
from llmops.compiler.emit.escapes import jinja
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.nemo_guardrails.known import data

ROLES = {"developer": "system"}
ONE_TEXT = "topic_safety_check_input"
"""A task whose prompt must be one text: the action adds a sentence and the conversation to it."""
PARSED = ("content_safety_check_input", "content_safety_check_output")
"""Tasks whose action takes an answer apart that a parser has read."""
PARSER = "is_content_safe"


@dataclass(frozen=True, slots=True)
class Made:
    """An entry of `prompts`; None where there can be none."""

    entry: dict[str, Any] | None
    problems: tuple[Finding | Unsupported, ...] = ()


def prompt(lowering: Lowering, guard: Guard, task: str, suffix: str, usual: str = "") -> Made:
    """`usual` is what stands there without a prompt of the config, where the task's own speaks of another text."""
    view = guard.rail
    decided = Sourced(0).because(view.get("detector"), view.get("stage"))
    entry: dict[str, Any] = {"task": Sourced(f"{task}{suffix}", raw=True).because(guard.named, decided)}
    own = view.ref("prompt") if view.has("prompt") else None
    if own is None:
        entry["content"] = _topics(view) if task == ONE_TEXT else _usual(usual or task).because(decided)
    else:
        model = view.ref("model")
        found, wrong = conversation(lowering, own, None if model is None else model.address.name)
        problems = (*wrong, *_problems(lowering, view, own, found, task))
        if any(isinstance(problem, Finding) for problem in problems):
            return Made(None, problems)
        named = view.ref_name("prompt")
        messages = [
            {"type": literal(ROLES.get(part.role, part.role)), "content": _text(lowering, own, part).because(named)}
            for part in found
        ]
        if task == ONE_TEXT:
            texts = [message["content"] for message in messages]
            entry["content"] = Sourced(
                "\n\n".join(text.value for text in texts), merge(*(text.sources for text in texts)), raw=True
            )
        else:
            entry["messages"] = Sourced(messages, named.sources if named is not None else (), raw=True)
        if task in PARSED:
            entry["output_parser"] = literal(PARSER)
        return Made(entry, problems)
    return Made(entry)


def _usual(task: str) -> Sourced[str]:
    return literal(str(data("prompts.json")["tasks"][task]))


def _topics(view: View[Any]) -> Sourced[str]:
    topics = view.tree("topics")
    lines = [str(data("prompts.json")["topics"]), *(f"- {jinja(topic.value)}" for topic in topics)]
    return Sourced("\n".join(lines), merge(*(topic.sources for topic in topics)), raw=True)


def _problems(
    lowering: Lowering, view: View[Any], own: View[Any], found: list[Part], task: str
) -> Iterator[Finding | Unsupported]:
    known = data("tasks.json")["variables"][task]
    for part in found:
        if part.medium != "text":
            yield Finding("a rail's model reads text alone", (Label(part.at, part.medium, primary=True),),
                          severity=Severity.ERROR)
            continue
        try:
            unknown = [name for name in names(part.text, syntax_of(own, part)) if name not in known]
        except MalformedError:
            continue  # a rule says so
        for name in unknown:
            yield Finding(
                f"nothing fills `{name}` in this prompt of a guardrail",
                (Label(part.at, f"`{name}`", primary=True), Label(view.at("prompt"), f"asked for `{task}`")),
                notes=(f"filled are: {', '.join(known) or 'none'}",),
                help=("name the text as NeMo Guardrails does",), severity=Severity.ERROR,
            )
    for name in ("output_schema", "params", "cache"):
        if own.written(name):
            yield Unsupported(own.at(name), "a rail's prompt is messages alone")


def _text(lowering: Lowering, own: View[Any], part: Part) -> Sourced[str]:
    """A template on purpose: what the package renders is Jinja2."""
    text = part.words
    written = {"f-string": _f_string, "none": jinja}.get(syntax_of(own, part), str)(text)
    return Sourced(written, sources_of(lowering, own, part), raw=True)


def _f_string(text: str) -> str:
    """Python's braces as Jinja's."""
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError:
        return jinja(text)  # a rule says that it is malformed
    out = ""
    for before, name, _, _ in pieces:
        written = jinja(before)
        if name is None:
            out += written
        else:
            out += f"{written[:-1]}{{{{ '{{' }}}}" if written.endswith("{") else written
            out += f"{{{{ {name} }}}}"
    return out
