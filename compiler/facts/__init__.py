"""Facts about the world, each with its source and its date. Start at `Facts`."""

from __future__ import annotations

from .catalogue import Facts
from .rows import (
    ActionPin,
    Architecture,
    Embedder,
    EngineFacts,
    EngineMetric,
    EngineOption,
    Family,
    Gpu,
    Licence,
    ModelFacts,
    Provider,
    Revision,
    StoreFacts,
    Tokenizer,
    TokenizerForm,
    TokenizerPattern,
    VectorType,
)

__all__ = [
    "ActionPin",
    "Architecture",
    "Embedder",
    "EngineFacts",
    "EngineMetric",
    "EngineOption",
    "Facts",
    "Family",
    "Gpu",
    "Licence",
    "ModelFacts",
    "Provider",
    "Revision",
    "StoreFacts",
    "Tokenizer",
    "TokenizerForm",
    "TokenizerPattern",
    "VectorType",
]
