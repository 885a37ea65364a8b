"""What an agent remembers: the end of a conversation, and facts beyond it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage, trim_messages
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore

RECALLED = 5
"""Memories that are shown at once."""


def kept(messages: Sequence[AnyMessage], short: Mapping[str, Any]) -> list[AnyMessage]:
    """The end of a conversation that its memory holds. It begins with something that a person said."""
    found = list(messages)
    turns = [n for n, message in enumerate(found) if isinstance(message, HumanMessage)]
    window = short.get("window")
    if window is not None and len(turns) > window:
        found = found[turns[-window]:]
    if "tokens" in short:
        found = trim_messages(
            found, max_tokens=short["tokens"], token_counter=count_tokens_approximately, start_on="human",
            strategy="last",
        )  # fmt: skip
        found = found or list(messages[turns[-1]:] if turns else messages[-1:])
    return found


def namespace(long: Mapping[str, Any], config: RunnableConfig) -> tuple[str, ...] | None:
    """Whose memories these are; None where the run does not say for whom it is."""
    told = config.get("configurable") or {}
    if long["scope"] == "app":
        return ("memories", "app")
    key = told.get("thread_id") if long["scope"] == "session" else (
        told.get("user_id") or told.get("langgraph_auth_user_id")
    )
    return None if key is None else ("memories", long["scope"], str(key))


MEMORY_TOOLS: dict[str, dict[str, Any]] = {
    "remember": {"description": "Keep a fact for later conversations.", "properties": {"fact": {"type": "string"}}},
    "recall": {"description": "Look up facts that were kept.", "properties": {"about": {"type": "string"}}},
}


async def remembered(
    long: Mapping[str, Any], name: str, arguments: Mapping[str, Any], store: BaseStore | None, config: RunnableConfig
) -> str:
    where = namespace(long, config)
    if store is None or where is None:
        return "Nothing can be kept: nobody is known to keep it for."
    if name == "remember":
        ttl = {"ttl": long["ttl"]} if "ttl" in long and store.supports_ttl else {}
        await store.aput(where, str(time.time_ns()), {"fact": str(arguments.get("fact", ""))}, **ttl)
        return "Kept."
    found = await store.asearch(where, query=str(arguments.get("about", "")), limit=RECALLED)
    return "\n".join(str(item.value["fact"]) for item in found) or "Nothing was kept."
