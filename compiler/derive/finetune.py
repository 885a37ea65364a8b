"""What a fine-tuning starts from, learns from and makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive import model as models
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.view import Node, Reader, View
from llmops.schemas.types import MODEL


@dataclass(frozen=True, slots=True)
class Part:
    """A dataset that it learns from: `node` is the entry of `data`."""

    dataset: View[Any]
    node: Node
    named: Sourced[str]


def base(tuning: View[Any]) -> View[Any] | None:
    """The model that is trained; of one that goes on from another, still the first one's weights."""
    return tuning.ref("base")


def weights(tuning: View[Any]) -> tuple[Sourced[str] | None, Sourced[str] | None]:
    """The repository or address of the weights that are trained, and their revision."""
    model = base(tuning)
    if model is None:
        return None, None
    where = model.maybe_text("weights", "repo") or model.maybe_text("weights", "uri") or models.repo(model)
    revision = model.maybe_text("weights", "revision")
    named = tuning.ref_name("base")
    return (
        None if where is None else where.because(named),
        None if revision is None else revision.because(named),
    )


def parts(tuning: View[Any]) -> Iterator[Part]:
    """The datasets that it learns from, in its order."""
    for node in tuning.entries("data"):
        dataset = tuning.ref("data", node.name)
        if dataset is not None:
            yield Part(dataset, node, Sourced(node.name, (node.source(),)))


def adapter(tuning: View[Any]) -> Sourced[str]:
    """`none`, `lora` or `qlora`; all weights are trained where nothing is said."""
    return tuning.maybe_text("adapter", "type") or literal("none")


def made(reader: Reader, tuning: View[Any]) -> tuple[View[Any], ...]:
    """The models whose weights it makes."""
    return tuple(
        model for model in reader.of(MODEL)
        for by in [model.ref("weights", "finetune")] if by is not None and by.address == tuning.address
    )


def of_model(model: View[Any]) -> View[Any] | None:
    """The fine-tuning that makes a model's weights."""
    return model.ref("weights", "finetune")


def merged(tuning: View[Any]) -> bool:
    """Whether what it makes are whole weights: all were trained, or the adapter is merged into them."""
    into = tuning.maybe_flag("output", "merge")
    return adapter(tuning).value == "none" or (into is not None and into.value)
