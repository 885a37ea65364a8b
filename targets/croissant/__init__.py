"""Croissant: one JSON-LD description a dataset, as dataset search engines and loaders read it."""

from __future__ import annotations

from llmops.compiler.model.target import Target
from llmops.targets.croissant import known
from llmops.targets.croissant.lower import lower

TARGET = Target(name="croissant", title="Croissant", since="0.1", version="1.1", lower=lower, check=known.check)
