"""What is known of a model: from `facts` in its config where that says it, else from the catalogue.

Each answer carries its origin, so that `explain` shows which was used; None is "unknown", never 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from llmops.compiler.facts import Facts, ModelFacts
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Fact
from llmops.compiler.model.view import View

T = TypeVar("T")

_TASKS = {
    "chat": "chat", "responses": "chat", "embedding": "embedding", "rerank": "rerank", "moderation": "moderation",
    "audio_transcription": "transcription", "audio_speech": "speech", "image_generation": "image",
}
"""From the catalogue's word for what a hosted model does to the language's; other modes have none."""

COMMIT = re.compile(r"[0-9a-f]{40}")


def hosted(facts: Facts, model: View[Any]) -> ModelFacts | None:
    """The catalogue's row of a provider's model."""
    provider, id_ = model.maybe_text("provider"), model.maybe_text("id")
    return facts.model(provider.value, id_.value) if provider is not None and id_ is not None else None


def repo(model: View[Any]) -> Sourced[str] | None:
    """The Hugging Face repository of weights that one serves oneself; of a fine-tuned model, those of its base."""
    written = model.maybe_text("weights", "repo")
    return written if written is not None else trained(model, lambda base: repo(base))


def trained(model: View[Any], read: Callable[[View[Any]], Sourced[T] | None]) -> Sourced[T] | None:
    """What is read of the base of a fine-tuned model; None where the model is no such one."""
    tuning = model.ref("weights", "finetune")
    base = tuning.ref("base") if tuning is not None else None
    found = read(base) if base is not None and not _circular(model) else None
    if found is None or tuning is None:
        return None
    return found.because(tuning.ref_name("base"), model.ref_name("weights", "finetune"))


def _circular(model: View[Any]) -> bool:
    """Whether it is made, over some fine-tunings, of itself or of one that is: a cycle, which is reported as such."""
    seen = {model.address}
    while (tuning := model.ref("weights", "finetune")) is not None and (base := tuning.ref("base")) is not None:
        if base.address in seen:
            return True
        seen.add(base.address)
        model = base
    return False


def context_tokens(facts: Facts, model: View[Any]) -> Sourced[int] | None:
    """The most tokens that a request and its answer may have together, by what the model itself can."""
    written = model.maybe_integer("facts", "context")
    if written is not None:
        return written
    row = hosted(facts, model)
    if row is not None:
        return _fact(model, row, row.context, "id", "provider")
    name = repo(model)
    if name is None:
        return None
    dimensions = facts.architecture(name.value)
    if dimensions is not None and dimensions.context is not None:
        length = dimensions.context
        if dimensions.rope_factor is not None and dimensions.context_includes_rope is False:
            length = int((dimensions.original_context or length) * dimensions.rope_factor)
        return _fact(model, dimensions, length, "weights", "repo")
    embedder = facts.embedder(name.value)
    return None if embedder is None else _fact(model, embedder, embedder.max_tokens, "weights", "repo")


def max_output(facts: Facts, model: View[Any]) -> Sourced[int] | None:
    """The most tokens that an answer may have."""
    written = model.maybe_integer("facts", "max_output")
    if written is not None:
        return written
    row = hosted(facts, model)
    return None if row is None else _fact(model, row, row.max_output, "id", "provider")


def capability(facts: Facts, model: View[Any], name: str) -> Sourced[bool] | None:
    """Whether the model can do something, by the catalogue's name for it (`function_calling`, `vision`)."""
    written = model.maybe_flag("facts", "capabilities", name)
    if written is not None:
        return written
    row = hosted(facts, model)
    return None if row is None else _fact(model, row, row.can(name), "id", "provider")


def price(facts: Facts, model: View[Any], which: str) -> Sourced[float] | None:
    """US dollars per token: `which` is `input`, `output` or `cached`."""
    written = model.maybe_number("facts", "price", f"usd_per_million_{which}")
    if written is not None:
        return written.map(lambda million: million / 1e6)
    row = hosted(facts, model)
    if row is None:
        return None
    found = {"input": row.input_price, "output": row.output_price, "cached": row.cached_input_price}[which]
    return _fact(model, row, found, "id", "provider")


def retires(facts: Facts, model: View[Any]) -> Sourced[str] | None:
    """The day on which the provider switches it off, as `2027-01-31`."""
    written = model.maybe_text("facts", "retires")
    if written is not None:
        return written
    row = hosted(facts, model)
    return None if row is None else _fact(model, row, row.retires, "id", "provider")


def task(facts: Facts, model: View[Any]) -> Sourced[str] | None:
    """What the model does: `chat`, `embedding`, `rerank` …"""
    written = model.maybe_text("task")
    if written is not None:
        return written
    row = hosted(facts, model)
    if row is not None:
        return _fact(model, row, _TASKS.get(row.mode or ""), "id", "provider")
    name = repo(model)
    embedder = None if name is None else facts.embedder(name.value)
    if embedder is not None:
        return _fact(model, embedder, "embedding", "weights", "repo")
    architecture = None if name is None else facts.architecture(name.value)
    return None if architecture is None else _fact(model, architecture, "chat", "weights", "repo")


def dimension(facts: Facts, model: View[Any]) -> Sourced[int] | None:
    """The length of its embeddings: shortened, by `facts`, else the catalogue's."""
    written = model.maybe_integer("dimension") or model.maybe_integer("facts", "dimension")
    if written is not None:
        return written
    row = hosted(facts, model)
    if row is not None:
        return _fact(model, row, row.dimension, "id", "provider")
    name = repo(model)
    embedder = None if name is None else facts.embedder(name.value)
    return None if embedder is None else _fact(model, embedder, embedder.dimension, "weights", "repo")


def called(model: View[Any]) -> str:
    """The model's name outside, for messages: `openai/gpt-4o-mini`, `Qwen/Qwen3-14B`."""
    provider, id_ = model.maybe_text("provider"), model.maybe_text("id")
    if provider is not None and id_ is not None:
        return f"{provider.value}/{id_.value}"
    weights = repo(model) or model.maybe_text("weights", "uri")
    return model.address.name if weights is None else weights.value


def source_note(value: Sourced[Any]) -> str:
    """"(facts: model/openai/gpt-4o, 2026-10)" or "(by `facts` of the model)": where a number came from."""
    for source in value.sources:
        if isinstance(source, Fact):
            return f"(facts: {source.fact}{f', {source.as_of[:7]}' if source.as_of else ''})"
    return "(by the config)"


def _fact(model: View[Any], row: Any, value: Any, *named_by: str) -> Sourced[Any] | None:
    """A value of the catalogue, which stands here because of the model's name outside."""
    if value is None:
        return None
    if named_by[0] == "weights":
        weights = repo(model)
        names = weights.sources if weights is not None else ()
    else:
        names = tuple(model.source(key) for key in named_by)
    return Sourced(value, (fact_source(row), *names), raw=True)


def fact_source(row: Any) -> Fact:
    """The origin of what a row of the catalogue says."""
    return Fact(row.fact, row.source, row.as_of)
