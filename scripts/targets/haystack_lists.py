#!/usr/bin/env python3
"""Take what Haystack's components are called, take and give from the installed packages.

    <environment>/bin/python scripts/targets/haystack_lists.py

Run it with the Python of an environment that holds the target's lock. It writes
`targets/haystack/data/components.json`.
A pipeline with an unknown parameter or socket ends when it is loaded: the target says so when it compiles.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[2] / "targets" / "haystack" / "data" / "components.json"
BY = ", by scripts/targets/haystack_lists.py"
PACKAGES = ("haystack-ai", "hayhooks", "pgvector-haystack", "qdrant-haystack", "mcp-haystack", "vllm-haystack")
CLASSES = (
    "haystack.components.agents.agent.Agent",
    "haystack.components.builders.chat_prompt_builder.ChatPromptBuilder",
    "haystack.components.converters.csv.CSVToDocument",
    "haystack.components.converters.docx.DOCXToDocument",
    "haystack.components.converters.html.HTMLToDocument",
    "haystack.components.converters.markdown.MarkdownToDocument",
    "haystack.components.converters.output_adapter.OutputAdapter",
    "haystack.components.converters.pypdf.PyPDFToDocument",
    "haystack.components.converters.txt.TextFileToDocument",
    "haystack.components.embedders.openai_document_embedder.OpenAIDocumentEmbedder",
    "haystack.components.embedders.openai_text_embedder.OpenAITextEmbedder",
    "haystack.components.extractors.regex_text_extractor.RegexTextExtractor",
    "haystack.components.generators.chat.fallback.FallbackChatGenerator",
    "haystack.components.generators.chat.openai.OpenAIChatGenerator",
    "haystack.components.joiners.branch.BranchJoiner",
    "haystack.components.joiners.document_joiner.DocumentJoiner",
    "haystack.components.preprocessors.document_splitter.DocumentSplitter",
    "haystack.components.preprocessors.recursive_splitter.RecursiveDocumentSplitter",
    "haystack.components.query.query_expander.QueryExpander",
    "haystack.components.retrievers.multi_query_embedding_retriever.MultiQueryEmbeddingRetriever",
    "haystack.components.routers.conditional_router.ConditionalRouter",
    "haystack.components.writers.document_writer.DocumentWriter",
    "haystack.core.super_component.super_component.SuperComponent",
    "haystack_integrations.components.rankers.vllm.ranker.VLLMRanker",
    "haystack_integrations.components.retrievers.pgvector.embedding_retriever.PgvectorEmbeddingRetriever",
    "haystack_integrations.components.retrievers.pgvector.keyword_retriever.PgvectorKeywordRetriever",
    "haystack_integrations.components.retrievers.qdrant.retriever.QdrantEmbeddingRetriever",
)
"""What the target writes as components, with their sockets."""
PARTS = ("Constant", "Conversation", "Function", "LeastScore", "Step", "TokenSplitter", "ToolCall")
"""The target's own, in `templates/haystack_parts.py`."""
OTHERS = (
    "haystack_integrations.document_stores.pgvector.document_store.PgvectorDocumentStore",
    "haystack_integrations.document_stores.qdrant.document_store.QdrantDocumentStore",
    "haystack_integrations.tools.mcp.mcp_toolset.MCPToolset",
)
"""What stands in a component's parameters, with parameters of its own."""


def main() -> None:
    joiner = import_module("haystack.components.joiners.document_joiner")
    sys.path.insert(0, str(TARGET.parents[1] / "templates"))
    names = sorted((*CLASSES, *(f"haystack_parts.{name}" for name in PARTS)))
    found: dict[str, Any] = {
        "source": ", ".join(f"pypi:{name}=={version(name)}" for name in PACKAGES) + BY,
        "as_of": "2026-11-24",
        "pipeline": sorted({*_serialised(), "inputs", "outputs", "streaming_components"}),
        "join_modes": [mode.value for mode in joiner.JoinMode],
        "components": {name: {**parameters(load(name)), **sockets(load(name))} for name in names},
        "others": {name: parameters(load(name)) for name in OTHERS},
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(found, indent=1) + "\n")


def load(name: str) -> Any:
    module, _, what = name.rpartition(".")
    return getattr(import_module(module), what)


def parameters(of: Any) -> dict[str, Any]:
    taken = inspect.signature(of.__init__).parameters
    needed = [name for name, one in taken.items() if name != "self" and one.default is inspect.Parameter.empty]
    return {"parameters": [name for name in taken if name != "self"], "needed": needed}


def sockets(of: Any) -> dict[str, Any]:
    """What goes in and out. A component may add sockets when it is made: those that take anything by name do."""
    taken = inspect.signature(of.run).parameters.values()
    open_ended = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken)
    inputs = [one.name for one in taken if one.name != "self" and one.kind is not inspect.Parameter.VAR_KEYWORD]
    given = getattr(of.run, "_output_types_cache", {})
    return {"inputs": inputs, "open": open_ended, "outputs": sorted(given)}


def _serialised() -> Iterator[str]:
    yield from import_module("haystack").Pipeline().to_dict()


if __name__ == "__main__":
    main()
