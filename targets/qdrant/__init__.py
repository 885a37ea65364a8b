"""Qdrant: the collections of a store's indexes, as its API takes them."""

from __future__ import annotations

from llmops.compiler.model.exports import Collection, Service, Task
from llmops.compiler.model.target import Target
from llmops.targets.qdrant.collections import of_index
from llmops.targets.qdrant.exports import service, task
from llmops.targets.qdrant.known import check
from llmops.targets.qdrant.lower import lower

TARGET = Target(
    name="qdrant",
    title="Qdrant",
    since="0.1",
    version="1.20",
    lower=lower,
    exports={Collection: of_index, Service: service, Task: task},
    check=check,
)
