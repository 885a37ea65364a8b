"""Components that Haystack's own packages lack, for pipelines that are compiled from flows and indexes.

No pipeline brings code: what runs is this file, Haystack's packages, and functions that a flow's `code` names.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from haystack import Document, SuperComponent, component
from haystack.dataclasses import ChatMessage
from haystack.token_counters import ApproximateTokenCounter
from haystack.tools import Toolset
from haystack.tools.serde_utils import deserialize_tools_or_toolset_inplace

TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}


@component
class Constant:
    """A value that the config says itself."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @component.output_types(value=Any)
    def run(self) -> dict[str, Any]:
        return {"value": self.value}


@component
class Step:
    """A pipeline as one step: once, or for `each` entry of a list; tried again; within a time; another in its place.

    `when` is taken and not looked at: a router that gives nothing there keeps the step from running.
    """

    def __init__(
        self,
        step: SuperComponent,
        takes: list[str],
        gives: list[str],
        each: bool = False,
        retries: int = 0,
        timeout: float | None = None,
        otherwise: SuperComponent | None = None,
        otherwise_gives: list[str] | None = None,
    ) -> None:
        self.step, self.otherwise, self.each = step, otherwise, each
        self.retries, self.timeout = retries, timeout
        self.gives, self.spare = gives, otherwise_gives or []
        component.set_input_types(self, **dict.fromkeys(takes, Any))
        sockets = {name: list if each else _type(step, name) for name in gives}
        sockets |= {f"otherwise-{name}": _type(otherwise, name) for name in self.spare}
        component.set_output_types(self, **sockets)

    def warm_up(self) -> None:
        for one in self._parts():
            one.warm_up()

    async def warm_up_async(self) -> None:
        for one in self._parts():
            await one.warm_up_async()

    def _parts(self) -> list[SuperComponent]:
        return [one for one in (self.step, self.otherwise) if one is not None]

    def run(self, **given: Any) -> dict[str, Any]:
        return asyncio.run(self.run_async(**given))

    async def run_async(self, **given: Any) -> dict[str, Any]:
        if not self.each:
            return await self._once(given)
        entries = given.get("item")
        if not isinstance(entries, list):
            raise ValueError("what the step runs for each of is no list")
        results = [await self._once({**given, "item": entry}) for entry in entries]
        return {name: [result.get(name) for result in results] for name in self.gives}

    async def _once(self, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return _named(await self._tried(given), self.gives)
        except Exception as error:
            if self.otherwise is None:
                raise
            print(f"a step failed with {type(error).__name__}: another runs in its place", file=sys.stderr)
            made = await self.otherwise.run_async(**_taken(self.otherwise, given))
            return {**_named(made, self.gives), **{f"otherwise-{name}": made[name] for name in self.spare}}

    async def _tried(self, given: Mapping[str, Any]) -> dict[str, Any]:
        left = self.retries
        while True:
            try:
                async with asyncio.timeout(self.timeout):
                    return await self.step.run_async(**_taken(self.step, given))
            except Exception:
                if not left:
                    raise
                left -= 1


def _type(of: SuperComponent | None, name: str) -> Any:
    found = getattr(of, "__haystack_output__", None)
    return found._sockets_dict[name].type if found is not None else Any


def _taken(of: SuperComponent, given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in of.input_mapping}


def _named(made: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: made[name] for name in names if name in made}


@component
class Function:
    """A function of a Python file of the project: its `returns` by name, and `result`, all that it returned."""

    def __init__(
        self, file: str, function: str, takes: list[str], gives: list[str], returns: dict[str, str] | None = None
    ) -> None:
        self.file, self.function, self.gives, self.returns = file, function, gives, returns or {}
        component.set_input_types(self, **dict.fromkeys(takes, Any))
        component.set_output_types(self, **{n: TYPES.get(self.returns.get(n, ""), Any) for n in gives})

    def warm_up(self) -> None:
        code(self.file, self.function)

    def run(self, **given: Any) -> dict[str, Any]:
        return self._given(code(self.file, self.function)(**given))

    async def run_async(self, **given: Any) -> dict[str, Any]:
        found = code(self.file, self.function)
        if inspect.iscoroutinefunction(found):
            return self._given(await found(**given))
        return self._given(await asyncio.to_thread(found, **given))

    def _given(self, result: Any) -> dict[str, Any]:
        named = {n: result[n] for n in self.returns if n in result} if isinstance(result, Mapping) else {}
        if not named and len(self.returns) == 1:
            named = {next(iter(self.returns)): result}
        return _named({**named, "result": result}, self.gives)


@functools.cache
def code(file: str, function: str) -> Callable[..., Any]:
    """A function of a file below the folder in which the app runs."""
    root = Path.cwd().resolve()
    path = (root / file).resolve()
    if not path.is_relative_to(root):
        raise ValueError(f"{file} is not in the project")
    spec = importlib.util.spec_from_file_location(f"_step_{path.stem}_{len(sys.modules)}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{file} is no Python file")
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = functools.reduce(getattr, function.split("."), module)
    if not callable(found):
        raise ValueError(f"{file} has no function `{function}`")
    return found


@component
class ToolCall:
    """One function of a server of tools, called by the flow itself: its `text`, and `result`, read as JSON if it is."""

    def __init__(self, tools: Toolset, function: str, takes: list[str], gives: list[str]) -> None:
        self.tools, self.function, self.gives = tools, function, gives
        component.set_input_types(self, **dict.fromkeys(takes, Any))
        component.set_output_types(self, **{name: str if name == "text" else Any for name in gives})

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ToolCall:
        parameters = dict(data["init_parameters"])
        deserialize_tools_or_toolset_inplace(parameters, key="tools")
        return cls(**parameters)

    def warm_up(self) -> None:
        self.tools.warm_up()

    def run(self, **given: Any) -> dict[str, Any]:
        self.warm_up()
        tool = next(one for one in self.tools if one.name == self.function)
        text = _text_of(tool.invoke(**given))
        try:
            result = json.loads(text)
        except ValueError:
            result = text
        return _named({"text": text, "result": result}, self.gives)


def _text_of(returned: Any) -> str:
    """The texts in what a server returned: as MCP says it, a list of parts."""
    try:
        parts = json.loads(returned)["content"]
        return "\n".join(one["text"] for one in parts if one.get("type") == "text")
    except (ValueError, TypeError, KeyError):
        return returned if isinstance(returned, str) else json.dumps(returned)


@component
class Conversation:
    """Puts what was said before between the system's words and the rest: the last turns, and as many tokens."""

    def __init__(self, turns: int | None = None, tokens: int | None = None) -> None:
        self.turns, self.tokens = turns, tokens

    @component.output_types(messages=list[ChatMessage])
    def run(self, messages: list[ChatMessage], history: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        makers = {"user": ChatMessage.from_user, "assistant": ChatMessage.from_assistant}
        said = [
            makers[one["role"]](one["content"])
            for one in history or []
            if one.get("role") in makers and isinstance(one.get("content"), str)
        ]
        first = next((n for n, one in enumerate(messages) if one.role.value != "system"), len(messages))
        return {"messages": [*messages[:first], *self._last(said), *messages[first:]]}

    def _last(self, said: list[ChatMessage]) -> list[ChatMessage]:
        begins = [n for n, one in enumerate(said) if one.role.value == "user"]
        if self.turns is not None:
            begins = begins[-self.turns :]
        if self.tokens is not None:
            counter = ApproximateTokenCounter()
            begins = [n for n in begins if counter.count(said[n:]) <= self.tokens]
        return said[begins[0] :] if begins else []


@component
class LeastScore:
    """Leaves out documents that score less, where a store's own search does not."""

    def __init__(self, score: float) -> None:
        self.score = score

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        return {"documents": [one for one in documents if one.score is not None and one.score >= self.score]}


@component
class TokenSplitter:
    """Cuts documents into chunks of so many tokens of the embedder's own tokenizer, between words where it can.

    `tokenizer` is the file `tokenizer.json` of a repository of the Hugging Face hub, at a revision, as the step before
    has fetched it (`python fill.py --fetch PIPELINE.yaml`), or the name of a table of tiktoken's.
    """

    def __init__(self, tokenizer: dict[str, str], split_length: int, split_overlap: int = 0) -> None:
        if not 0 <= split_overlap < split_length:
            raise ValueError("the overlap must be less than the length")
        self.tokenizer, self.split_length, self.split_overlap = tokenizer, split_length, split_overlap

    def warm_up(self) -> None:
        spans_of(tuple(sorted(self.tokenizer.items())))

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        spans = spans_of(tuple(sorted(self.tokenizer.items())))
        return {"documents": [chunk for one in documents for chunk in self._cut(one, spans)]}

    def _cut(self, document: Document, spans: Callable[[str], list[tuple[int, int]]]) -> list[Document]:
        text = document.content or ""
        if not text.strip():
            return []
        found, chunks, start = spans(text), [], 0
        while start < len(found):
            end = min(start + self.split_length, len(found))
            if end < len(found):
                end = _between_words(text, found, start, end)
            begin = found[start][0] if start else 0
            stop = found[end][0] if end < len(found) else len(text)
            meta = {**document.meta, "source_id": document.id, "split_id": len(chunks), "split_idx_start": begin}
            chunks.append(replace(document, id="", content=text[begin:stop], meta=meta))
            if end == len(found):
                break
            start = max(_between_words(text, found, start, end - self.split_overlap), start + 1)
        return chunks


def _between_words(text: str, found: list[tuple[int, int]], start: int, end: int) -> int:
    """The last token from `start` to `end` with which a word begins, if it is past the middle."""
    for number in range(end, start + (end - start) // 2, -1):
        at = found[number][0]
        if at == 0 or text[at - 1].isspace() or text[at].isspace():
            return number
    return end


@functools.cache
def spans_of(tokenizer: tuple[tuple[str, str], ...]) -> Callable[[str], list[tuple[int, int]]]:
    """What gives the place of each token in a text."""
    told = dict(tokenizer)
    if "tiktoken" in told:
        import tiktoken

        encoding = tiktoken.get_encoding(told["tiktoken"])

        def spans(text: str) -> list[tuple[int, int]]:
            starts = encoding.decode_with_offsets(encoding.encode_ordinary(text))[1]
            return list(zip(starts, [*starts[1:], len(text)], strict=True))

        return spans
    from huggingface_hub import hf_hub_download
    from tokenizers import Tokenizer

    path = hf_hub_download(told["repo"], "tokenizer.json", revision=told.get("revision"), local_files_only=True)
    loaded = Tokenizer.from_file(path)
    loaded.no_truncation()
    loaded.no_padding()
    return lambda text: list(loaded.encode(text, add_special_tokens=False).offsets)


def fetch(tokenizer: Mapping[str, str]) -> None:
    """Brings a tokenizer onto this machine, once."""
    if "tiktoken" in tokenizer:
        import tiktoken

        tiktoken.get_encoding(tokenizer["tiktoken"])
        return
    from huggingface_hub import hf_hub_download

    hf_hub_download(tokenizer["repo"], "tokenizer.json", revision=tokenizer.get("revision"))
