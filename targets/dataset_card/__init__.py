"""Dataset cards: what a dataset is, where it comes from, and who uses it, as the hub of Hugging Face shows it."""

from __future__ import annotations

from llmops.compiler.model.target import Target
from llmops.targets.dataset_card import known
from llmops.targets.dataset_card.lower import lower

TARGET = Target(name="dataset-card", title="Dataset cards", since="0.1", version="1", lower=lower, check=known.check)
