"""The dimensions of a network, from the catalogue, each replaced where `facts.architecture` of the model says it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from llmops.compiler.derive.model import repo
from llmops.compiler.facts import Facts
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Fact, Source
from llmops.compiler.model.view import View


@dataclass(frozen=True, slots=True)
class Dimensions:
    """What decides memory and how a model can be split; None is unknown.

    `kv_lora_rank` and `qk_rope_head_dim` are those of latent attention (MLA); of the `layers`, `full_attention_layers`
    see the whole context where there is a `sliding_window` (in tokens).
    """

    layers: int | None = None
    hidden_size: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    vocabulary: int | None = None
    parameters: int | None = None
    dtype: str | None = None
    quantization: str | None = None
    kv_lora_rank: int | None = None
    qk_rope_head_dim: int | None = None
    sliding_window: int | None = None
    full_attention_layers: int | None = None

    @property
    def latent(self) -> bool:
        return self.kv_lora_rank is not None

    def shareable(self, accelerators: int) -> bool:
        """Whether each layer can be shared over them: heads come out even, and so do KV heads, or copies of them."""
        if not self.heads or self.heads % accelerators:
            return False
        alone = self.latent or not self.kv_heads
        return alone or not (self.kv_heads or 1) % accelerators or not accelerators % (self.kv_heads or 1)


def architecture(facts: Facts, model: View[Any]) -> Sourced[Dimensions] | None:
    """None where neither the catalogue knows the weights nor the config describes them."""
    name = repo(model)
    row = None if name is None else facts.architecture(name.value)
    sources: tuple[Source, ...] = ()
    found = Dimensions()
    if row is not None:
        found = Dimensions(**{field.name: getattr(row, field.name) for field in fields(Dimensions)})
        sources = (Fact(row.fact, row.source, row.as_of), model.source("weights", "repo"))
    written = model.node("facts", "architecture")
    if written is not None:
        for field in fields(Dimensions):
            if field.name not in written.value:
                continue
            value = written.get(field.name)
            if value is not None:
                found = replace(found, **{field.name: value.value})
                sources = merge(sources, value.sources)
    quantization = model.maybe_text("quantization")
    if quantization is not None:
        found = replace(found, quantization=quantization.value)
        sources = merge(sources, quantization.sources)
    if row is None and written is None:
        return None
    if found.head_dim is None and found.hidden_size is not None and found.heads:
        found = replace(found, head_dim=found.hidden_size // found.heads)
    return Sourced(found, sources, raw=True)
