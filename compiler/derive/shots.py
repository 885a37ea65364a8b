"""A prompt as a model is sent it: its messages, with its worked cases as finished exchanges before the question.

Brown et al., "Language Models are Few-Shot Learners" (2020), called this few-shot; chat APIs take each case as one
message of the user and one of the assistant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from llmops.compiler.derive.cases import Case, cases, in_repository, problem
from llmops.compiler.derive.prompt import Part, parts
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, merge, plain
from llmops.compiler.model.sources import Content, Source
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View

BEFORE = ("system", "developer")
"""Roles whose messages stand before the exchanges."""
_NAMED = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}", re.ASCII)
_MORE = re.compile(r"\{\{|\{%|\{#")
_FIELD = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}", re.ASCII)


def conversation(lowering: Lowering, prompt: View[Any], model: str | None = None) -> tuple[list[Part], list[Finding]]:
    """The parts of a prompt for a model, with those of its worked cases: literal texts, in no template's syntax."""
    found = list(parts(prompt, model))
    if not prompt.has("examples"):
        return found, []
    shown, problems = _shown(lowering, prompt, [part for part in found if part.role not in BEFORE])
    first = next((n for n, part in enumerate(found) if part.role not in BEFORE), len(found))
    return [*found[:first], *shown, *found[first:]], problems


def answer_of(prompt: View[Any], case: Case) -> Sourced[str] | None:
    """What the model should answer in a case: its text; of a map, the JSON."""
    told: Any = None
    if case.node is not None and "answer" in case.node.value:
        told = case.node.tree("answer")
    elif prompt.ref("examples", "dataset") is not None:
        told = case.vars.get(prompt.text("examples", "answer").value)
    if told is None:
        return None
    value = plain(told)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Sourced(text, merge(*_origins(told)))


def _origins(tree: Any) -> Iterator[tuple[Source, ...]]:
    if isinstance(tree, Sourced):
        yield tree.sources
        tree = tree.value
    for item in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _origins(item)


def _shown(lowering: Lowering, prompt: View[Any], asked: list[Part]) -> tuple[list[Part], list[Finding]]:
    at = prompt.at("examples")
    if not asked:
        return [], [problem(at, "a worked case fills in the user's message, and this prompt has none", "",
                            "give the prompt a message of the user")]
    if any(part.role != "user" or part.medium != "text" for part in asked):
        return [], [problem(at, "a worked case is one question of texts and its answer",
                            "this prompt has other messages behind its system's", "write the cases as its messages")]
    found, problems = cases(lowering, prompt, "examples")
    out: list[Part] = []
    for case in found:
        answer = answer_of(prompt, case)
        if answer is None:
            continue  # a rule says so
        place = case.node.at() if case.node is not None and case.node.at()[:2] == prompt.at() else (*at, "dataset")
        for part in asked:
            filled = _filled(lowering, prompt, part, case)
            if filled is None:
                return [], [*problems, problem(
                    part.at, "a worked case can fill in plain variables only", "",
                    "take filters and statements out of this message, or the `examples` from the prompt",
                )]
            out.append(Part("user", filled.value, place, None, "text", "none", merge(filled.sources, case.why)))
        out.append(Part("assistant", answer.value, place, None, "text", "none", merge(answer.sources, case.why)))
    return out, problems


def _filled(lowering: Lowering, prompt: View[Any], part: Part, case: Case) -> Sourced[str] | None:
    """The question with a case's values in the place of its variables. Nothing is rendered: names are replaced."""
    sources: tuple[Source, ...] = (prompt.origin(part.at),)
    if part.file:
        sources = (*sources, Content(in_repository(lowering, part.file)))
    text = part.words
    used: list[tuple[Source, ...]] = []

    def value(name: str) -> str:
        given = case.vars.get(name)
        if given is None:
            return ""
        used.extend(_origins(given))
        told = plain(given)
        return told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)

    made = filled(text, prompt.text("syntax").value, value)
    return None if made is None else Sourced(made, merge(sources, *used))


def filled(text: str, syntax: str, value: Callable[[str], str]) -> str | None:
    """A template's text with its variables' values; None where it is more than a text with plain variables."""
    if syntax == "none":
        return text
    if syntax == "f-string":
        return _FIELD.sub(lambda sign: value(sign[1]) if sign[1] else sign[0][0], text)
    if _MORE.search(_NAMED.sub("", text)):
        return None
    return _NAMED.sub(lambda found: value(found[1]), text)


def sources_of(lowering: Lowering, prompt: View[Any], part: Part) -> tuple[Source, ...]:
    """Where a part of a conversation was made from."""
    if part.why:
        return part.why
    at: KeyPath = part.at
    made: tuple[Source, ...] = (prompt.origin(at),)
    return (*made, Content(in_repository(lowering, part.file))) if part.file else made


def syntax_of(prompt: View[Any], part: Part) -> str:
    """How a part of a conversation is written."""
    return part.syntax if part.syntax is not None else prompt.text("syntax").value


__all__ = ["BEFORE", "answer_of", "conversation", "filled", "sources_of", "syntax_of"]
