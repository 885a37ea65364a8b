"""pgvector: SQL that makes the tables of a store's indexes, and may be run again."""

from __future__ import annotations

from llmops.compiler.model.exports import Collection, Service, Task
from llmops.compiler.model.target import Target
from llmops.targets.pgvector.collections import of_index
from llmops.targets.pgvector.exports import service, task
from llmops.targets.pgvector.lower import lower
from llmops.targets.pgvector.sql import escape

TARGET = Target(
    name="pgvector",
    title="PostgreSQL with pgvector",
    since="0.1",
    version="0.8",
    lower=lower,
    exports={Collection: of_index, Service: service, Task: task},
    escape=escape,
)
