"""A flow as hayhooks serves it where a pipeline alone does not do: with what was said before, in pieces, within a time.

Beside this file stand `flow.yaml`, the pipeline, and `flow.json`, what a request may hold. `POST /NAME/run` takes the
inputs and gives the outputs; where the flow has one text to answer, `POST /v1/chat/completions` takes a conversation.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from hayhooks import BasePipelineWrapper, async_streaming_generator
from hayhooks.server.utils.yaml_utils import get_components_from_outputs, get_inputs_outputs_from_yaml
from haystack import Pipeline

HERE = Path(__file__).resolve().parent
EMPTY: dict[str, Any] = {"string": "", "array": [], "object": {}}
HISTORY = "history"


class PipelineWrapper(BasePipelineWrapper):
    def setup(self) -> None:
        self.told: dict[str, Any] = json.loads((HERE / "flow.json").read_text(encoding="utf-8"))
        source = (HERE / "flow.yaml").read_text(encoding="utf-8")
        self.pipeline = Pipeline.loads(source)
        declared = get_inputs_outputs_from_yaml(source)
        self.targets = {name: one.targets or [one.path] for name, one in declared["inputs"].items()}
        self.wanted = get_components_from_outputs(declared["outputs"])

        async def run(**given: Any) -> dict[str, Any]:
            return await self.asked(given)

        run.__signature__ = inspect.Signature(list(self.parameters()), return_annotation=dict)  # type: ignore[attr-defined]
        self.run_api_async = run  # type: ignore[method-assign]

    def parameters(self) -> Any:
        for name, one in self.told["inputs"].items():
            kind = str if one["type"] == "string" else Any
            default = inspect.Parameter.empty if not one.get("optional") else None
            annotation = kind | None if one.get("optional") and kind is str else kind
            yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        if self.told.get(HISTORY):
            yield inspect.Parameter(
                HISTORY, inspect.Parameter.KEYWORD_ONLY, annotation=list[dict[str, str]] | None, default=None
            )

    def data(self, given: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """A request's values for the sockets that take them. An optional one that is not there is empty."""
        inputs = self.told["inputs"]
        missing = [name for name, one in inputs.items() if given.get(name) is None and not one.get("optional")]
        if missing:
            raise HTTPException(422, f"the request lacks {', '.join(missing)}")
        values = {name: given.get(name) for name in inputs}
        values = {n: EMPTY.get(inputs[n]["type"]) if value is None else value for n, value in values.items()}
        if self.told.get(HISTORY):
            values[HISTORY] = given.get(HISTORY) or []
        made: dict[str, dict[str, Any]] = {}
        for name, targets in self.targets.items():
            for target in targets:
                component, socket = target.split(".", 1)
                made.setdefault(component, {})[socket] = values[name]
        return made

    async def asked(self, given: dict[str, Any]) -> dict[str, Any]:
        data = self.data(given)
        try:
            async with asyncio.timeout(self.told.get("timeout")):
                return await self.pipeline.run_async(data=data, include_outputs_from=self.wanted)
        except TimeoutError:
            raise HTTPException(504, "the flow took too long") from None

    async def run_api_async(self) -> dict:
        raise NotImplementedError  # setup puts one with the flow's inputs in its place

    async def run_chat_completion_async(
        self, model: str, messages: list[dict], body: dict
    ) -> str | AsyncGenerator[str, None]:
        question = self.told.get("chat")
        if question is None:
            raise HTTPException(501, "this flow answers no conversation: call its own path")
        spoken = [one for one in messages if one.get("role") in ("user", "assistant")]
        said = [{"role": one["role"], "content": text(one)} for one in spoken]
        if not said or said[-1]["role"] != "user":
            raise HTTPException(422, "the last message must be the user's")
        given = {**(body.get("inputs") or {}), question: said[-1]["content"], HISTORY: said[:-1]}
        if body.get("stream") and self.told.get("pieces"):
            return self.pieces(self.data(given))
        return str((await self.asked(given))[self.told["answer"]]["output"])

    async def pieces(self, data: dict[str, Any]) -> AsyncGenerator[str, None]:
        """What the answering model says, as it says it."""
        clock, limit = asyncio.get_running_loop(), self.told.get("timeout")
        end = clock.time() + limit if limit is not None else None
        stream = async_streaming_generator(
            pipeline=self.pipeline, pipeline_run_args=data, streaming_components=self.told["pieces"]
        )
        try:
            while True:
                left = end - clock.time() if end is not None else None
                piece = await asyncio.wait_for(anext(stream), left)
                if getattr(piece, "content", None) and not getattr(piece, "tool_call_result", None):
                    yield piece.content
        except StopAsyncIteration:
            return
        finally:
            await stream.aclose()


def text(message: dict[str, Any]) -> str:
    """The text of a message, which may stand in parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(one.get("text", "") for one in content if one.get("type") == "text")
