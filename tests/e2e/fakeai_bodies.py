"""What the scripted server sends: an answer in the shape of each of the interface's endpoints."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.fakeai import Answer, Ask, Script

CREATED = 1_700_000_000


def embed(text: str, dimensions: int) -> list[float]:
    """A unit vector made from the words of the text: no meaning, but stable, and near when words are shared."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.casefold()) or [text]:
        for place, byte in zip(_places(word, dimensions), hashlib.sha256(word.encode()).digest(), strict=False):
            vector[place] += 1.0 if byte & 1 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else [1.0, *[0.0] * (dimensions - 1)]


def _places(word: str, dimensions: int) -> list[int]:
    digest = hashlib.sha512(word.encode()).digest()
    return [int.from_bytes(digest[at : at + 4], "big") % dimensions for at in range(0, 32, 4)]


def _usage(ask: Ask, answer: Answer) -> dict[str, int]:
    given = answer.usage or {}
    prompt = int(given.get("prompt_tokens", len(ask.text.split())))
    completion = int(given.get("completion_tokens", len(answer.text.split())))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _tool_calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": str(call["name"]), "arguments": json.dumps(call.get("arguments", {}))},
        }
        for number, call in enumerate(answer.tool_calls)
    ]


def chat_body(ask: Ask, answer: Answer) -> dict[str, Any]:
    calls = _tool_calls(answer)
    message: dict[str, Any] = {"role": "assistant", "content": None if calls and not answer.text else answer.text}
    if calls:
        message["tool_calls"] = calls
    return {
        "id": "chatcmpl-fake", "object": "chat.completion", "created": CREATED, "model": ask.model,
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}],
        "usage": _usage(ask, answer),
    }  # fmt: skip


def chat_chunks(ask: Ask, answer: Answer, with_usage: bool) -> Iterator[dict[str, Any]]:
    base = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": CREATED, "model": ask.model}

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    calls = [{"index": number, **call} for number, call in enumerate(_tool_calls(answer))]
    yield chunk({"role": "assistant", "content": ""})
    for piece in re.findall(r"\s*\S+\s*$|\s*\S+", answer.text):
        yield chunk({"content": piece})
    if calls:
        yield chunk({"tool_calls": calls})
    yield chunk({}, "tool_calls" if calls else "stop")
    if with_usage:
        yield {**base, "choices": [], "usage": _usage(ask, answer)}


def completion_body(ask: Ask, answer: Answer) -> dict[str, Any]:
    choice = {"index": 0, "text": answer.text, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": "cmpl-fake", "object": "text_completion", "created": CREATED, "model": ask.model,
        "choices": [choice], "usage": _usage(ask, answer),
    }  # fmt: skip


def response_body(ask: Ask, answer: Answer) -> dict[str, Any]:
    usage = _usage(ask, answer)
    output: list[dict[str, Any]] = [
        {
            "type": "message", "id": "msg_fake", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": answer.text, "annotations": []}],
        }
    ]  # fmt: skip
    for call in _tool_calls(answer):
        output.append({"type": "function_call", "id": f"fc_{call['id']}", "call_id": call["id"],
                       "status": "completed", **call["function"]})  # fmt: skip
    return {
        "id": "resp_fake", "object": "response", "created_at": CREATED, "model": ask.model, "status": "completed",
        "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "output": output,
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "usage": {
            "input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"],
            "total_tokens": usage["total_tokens"], "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }  # fmt: skip


def response_events(ask: Ask, answer: Answer) -> Iterator[dict[str, Any]]:
    whole = response_body(ask, answer)
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}}
    ]
    for number, item in enumerate(whole["output"]):
        at = {"output_index": number}
        events.append({"type": "response.output_item.added", **at, "item": {**item, "content": []}})
        if item["type"] == "message":
            part, place = item["content"][0], {**at, "item_id": item["id"], "content_index": 0}
            events += [
                {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
                {"type": "response.output_text.delta", **place, "delta": answer.text},
                {"type": "response.output_text.done", **place, "text": answer.text},
                {"type": "response.content_part.done", **place, "part": part},
            ]
        events.append({"type": "response.output_item.done", **at, "item": item})
    events.append({"type": "response.completed", "response": whole})
    for number, event in enumerate(events):
        yield {**event, "sequence_number": number}


def _vectors(script: Script, texts: Sequence[str], size: int) -> list[list[float]]:
    if script.encoder is None:
        return [embed(text, size) for text in texts]
    with script.guard:
        return script.encoder.encode(texts)


def embeddings_body(ask: Ask, body: Mapping[str, Any], script: Script) -> dict[str, Any]:
    inputs = body.get("input", "")
    several = isinstance(inputs, list) and not all(isinstance(token, int) for token in inputs)
    texts: list[Any] = list(inputs) if several else [inputs]
    data = []
    made = _vectors(script, [str(text) for text in texts], int(body.get("dimensions") or script.dimensions))
    for number, floats in enumerate(made):
        vector: Any = floats
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{len(floats)}f", *floats)).decode()
        data.append({"object": "embedding", "index": number, "embedding": vector})
    tokens = len(ask.text.split())
    return {"object": "list", "model": ask.model, "data": data,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}  # fmt: skip


def rerank_body(ask: Ask, body: Mapping[str, Any]) -> dict[str, Any]:
    """As vLLM, Cohere and Jina answer `/rerank`: the best documents first, by their places in the request."""
    wanted = _words(str(body.get("query", "")))
    scores = [len(wanted & _words(str(text))) / max(len(wanted), 1) for text in body.get("documents", [])]
    order = sorted(range(len(scores)), key=lambda number: -scores[number])[: body.get("top_n")]
    results = [{"index": number, "relevance_score": scores[number]} for number in order]
    return {"id": "rerank-fake", "model": ask.model, "results": results, "usage": {"total_tokens": 0}}


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
