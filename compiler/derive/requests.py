"""What a full request takes of a model's context, by its parts: for each step, agent and eval that calls a model.

Full: with as many passages as are asked for, each as long as its index cuts them, and the history at its limit. Numbers
of tokens that a config says are taken as they are, whoever counts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.context import effective_context
from llmops.compiler.derive.flow import Plan, Step, Value, plan
from llmops.compiler.derive.index import chunk_tokens
from llmops.compiler.derive.params import params
from llmops.compiler.derive.prompt import has_params, place
from llmops.compiler.derive.route import route
from llmops.compiler.derive.tokens import Addend, prompt_tokens, speech, text_tokens, tool_tokens
from llmops.compiler.facts import Facts
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Fact
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import AGENT, EVAL, FLOW

ANSWERS = ("max_tokens", "max_completion_tokens")
BYTES = 4
"""The most bytes of a character in UTF-8."""


@dataclass(frozen=True, slots=True)
class Request:
    """A call of a model: `caller` is the map that names it. `limit` is the context on the way that the call takes."""

    caller: Node
    words: str
    model: View[Any]
    addends: tuple[Addend, ...]
    limit: Sourced[int] | None

    @property
    def least(self) -> int:
        return sum(addend.least for addend in self.addends)


def requests(reader: Reader, facts: Facts) -> Iterator[Request]:
    """The requests with a prompt: those of flows and agents, and of evals that try a prompt itself."""
    for flow in reader.of(FLOW):
        followed = plan(facts, flow)
        for step in followed.steps:
            if step.prompt is not None and step.model is not None:
                yield of_step(reader, facts, followed, step, step.prompt, step.model)
    for agent in reader.of(AGENT):
        prompt, model = agent.ref("prompt"), agent.ref("model")
        if prompt is not None and model is not None:
            tools = _tools(facts, agent, model)
            yield _request(reader, facts, agent, f"{agent.address}", prompt, model, [*_memory(agent), *tools])
    for eval_ in reader.of(EVAL):
        for subject in _subjects(eval_):
            prompt = subject.ref("prompt") if "prompt" in subject.value else None
            model = subject.ref("model") if "model" in subject.value else None
            if prompt is not None and model is not None:
                yield _request(reader, facts, subject, f"{eval_.address}", prompt, model, [])


def of_step(reader: Reader, facts: Facts, followed: Plan, step: Step, prompt: View[Any], model: View[Any]) -> Request:
    """The request of a step that puts a prompt to a model."""
    extra = [
        found for value in step.bound.values() if (found := _bound(facts, followed, step, value, model)) is not None
    ]
    if any(step.name in value.steps for value in followed.outputs.values()):
        extra += _history(followed.flow)
    words = f"step `{step.name}` of {followed.flow.address}"
    return _request(reader, facts, step.node, words, prompt, model, [*extra, *_tools(facts, step.node, model)])


def _request(
    reader: Reader, facts: Facts, caller: Node, words: str, prompt: View[Any], model: View[Any], extra: list[Addend]
) -> Request:
    limit = effective_context(reader, facts, route(reader, model, caller))
    answer = _answer(model, prompt, caller)
    shared = limit is not None and not _of_provider(limit)
    addends = (*prompt_tokens(facts, prompt, model), *extra, *([answer] if answer is not None and shared else ()))
    return Request(caller, words, model, addends, limit)


def _of_provider(limit: Sourced[int]) -> bool:
    """Whether the catalogue gives the limit for a provider's model: some count the answer apart from the request."""
    return any(isinstance(source, Fact) and source.fact.startswith("model/") for source in limit.sources)


def _answer(model: View[Any], prompt: View[Any], caller: Node) -> Addend | None:
    """What is kept free for the answer."""
    merged = params(model, prompt, caller if has_params(caller) else None)
    for name in ANSWERS:
        asked = merged.get(name)
        at = place(asked)
        if isinstance(asked, Sourced) and isinstance(asked.value, int) and at is not None:
            return Addend(f"answer (`{name}`)", asked.value, asked.value, at)
    return None


def _history(flow: View[Any]) -> list[Addend]:
    tokens = flow.maybe_integer("history", "tokens")
    if tokens is not None:
        return [Addend("history", tokens.value, tokens.value, flow.at("history", "tokens"))]
    turns = flow.maybe_integer("history", "turns")
    if turns is None:
        return []
    at = flow.at("history", "turns")
    return [Addend(f"history of {turns.value} turns", 0, None, at, unknown="how long a turn of the history is")]


def _memory(agent: View[Any]) -> list[Addend]:
    tokens = agent.maybe_integer("memory", "short", "tokens")
    if tokens is None:
        return []
    return [Addend("memory", tokens.value, tokens.value, agent.at("memory", "short", "tokens"))]


def _tools(facts: Facts, caller: Node, model: View[Any]) -> Iterator[Addend]:
    for number in range(len(caller.value.get("tools") or ())):
        tool = caller.ref("tools", number)
        if tool is not None:
            yield tool_tokens(facts, tool, model, caller.at("tools", number))


def _bound(facts: Facts, followed: Plan, step: Step, value: Value, model: View[Any]) -> Addend | None:
    """What a value that goes into a prompt takes; None for what only a request says, and for what nothing bounds."""
    if value.first:
        several = [_bound(facts, followed, step, one, model) for one in value.first]
        known = [one for one in several if one is not None]
        return min(known, key=lambda one: one.least) if known and len(known) == len(several) else None
    if isinstance(value.literal, Sourced) and isinstance(value.literal.value, str):
        return text_tokens(speech(facts, model), [value.literal.value], "a text of the flow", value.at)
    if value.item and step.each is not None:
        source = followed.step(step.each.step) if step.each.step is not None else None
        return _passages(facts, followed, source, 1, model) if source is not None else None
    source = followed.step(value.step) if value.step is not None else None
    return _passages(facts, followed, source, None, model) if source is not None and not value.path else None


def _passages(facts: Facts, followed: Plan, source: Step, count: int | None, model: View[Any]) -> Addend | None:
    """What a search found, or what is left of it after sorting again."""
    if source.verb == "model" and source.resource is not None:
        kept = source.node.maybe_integer("top_n")
        found = next((v for v in source.every() if v.step is not None and not v.path), None)
        search = followed.step(found.step) if found is not None and found.step is not None else None
        if search is None or search.verb != "index":
            return None
        many = kept if kept is not None else search.node.maybe_integer("top_k")
        return _chunks(facts, search, source.node if kept is not None else search.node, many, count, model)
    if source.verb != "index":
        return None
    return _chunks(facts, source, source.node, source.node.maybe_integer("top_k"), count, model)


def _chunks(
    facts: Facts, search: Step, node: Node, many: Sourced[int] | None, count: int | None, model: View[Any]
) -> Addend | None:
    index = search.resource
    if index is None:
        return None
    words = f"passages of {index.address}"
    key = next((name for name in ("top_n", "top_k") if name in node.value), None)
    at = node.at(key) if key is not None else node.at()
    number = count if count is not None else many.value if many is not None else None
    if number is None:
        return Addend(words, 0, None, at, unknown=f"how many passages `{search.name}` finds")
    least, most = chunk_tokens(facts, index)
    size = index.maybe_integer("chunking", "size")
    tokenizer = speech(facts, model).tokenizer
    characters = size is not None and index.text("chunking", "by").value == "characters"
    if most is None and size is not None and characters and tokenizer is not None and tokenizer.bytes:
        highest = number * (size.value * BYTES + tokenizer.extra)
        return Addend(words, 0, highest, at, loose=f"how many tokens {number} × {size.value} characters make")
    if least is None and most is None:
        return Addend(words, 0, None, at, unknown=f"how many tokens a passage of {index.address} has")
    low, high = least.value if least is not None else 0, most.value if most is not None else None
    how = f"{number} × {low if least is not None else high}"
    return Addend(words, number * low, None if high is None else number * high, at, how)


def _subjects(eval_: View[Any]) -> Iterator[Node]:
    single = eval_.node("subject")
    if single is not None:
        yield single
    yield from eval_.entries("subjects")
