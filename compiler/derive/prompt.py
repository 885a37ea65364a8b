"""What is in a prompt: its texts with their places, its variables, and what it asks of a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.params import params
from llmops.compiler.derive.texts import content
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Source
from llmops.compiler.model.view import Node, View


@dataclass(frozen=True, slots=True)
class Part:
    """A text of a prompt. `at` is the text, or the path of the file that holds it; `medium` is text, image or audio.

    `syntax` is how it is written, where not as its prompt says: the texts of a worked case are `none`, read as they
    are. `why` are further places that it was made from.
    """

    role: str
    text: str
    at: KeyPath
    file: str | None = None
    medium: str = "text"
    syntax: str | None = None
    why: tuple[Source, ...] = ()

    @property
    def words(self) -> str:
        """The text without the line end that a file has behind its last line."""
        return self.text.rstrip("\n") if self.file else self.text

    @property
    def listed(self) -> bool:
        """Whether it is one of a message's list of parts: `… 0, "user", 1, "image"`."""
        return self.file is None and len(self.at) > 3 and self.at[-3] == self.role and isinstance(self.at[-2], int)

    @property
    def message(self) -> KeyPath:
        """The place of the message that it belongs to: the same for all of its parts."""
        return self.at[:-2] if self.listed else self.at


def parts(prompt: View[Any], model: str | None = None) -> Iterator[Part]:
    """The texts of the messages in order; those for one model where the prompt has a variant for it."""
    if model is not None and model in (prompt.value.get("variants") or {}):
        variant = prompt.node("variants", model)
        if variant is not None:
            yield from _of_list(variant) if isinstance(variant.value, list) else _of_files(prompt, variant)
            return
    messages, files = prompt.node("messages"), prompt.node("files")
    if messages is not None:
        yield from _of_list(messages)
    if files is not None:
        yield from _of_files(prompt, files)


def all_parts(prompt: View[Any]) -> Iterator[Part]:
    """The texts of the messages and of every variant."""
    yield from parts(prompt)
    for model in prompt.value.get("variants") or {}:
        yield from parts(prompt, model)


def _of_list(messages: Node) -> Iterator[Part]:
    for index, message in enumerate(messages.value):
        for role, said in message.items():
            if isinstance(said, str):
                messages.has(index, role)
                yield Part(role, said, messages.at(index, role))
            else:
                for number, part in enumerate(said):
                    for medium, text in part.items():
                        messages.has(index, role, number, medium)
                        yield Part(role, text, messages.at(index, role, number, medium), None, medium)


def _of_files(prompt: View[Any], files: Node) -> Iterator[Part]:
    """A file that is not there was reported when it was looked for."""
    for role in files.value:
        path = files.maybe_text(role)
        data = None if path is None else content(prompt.project, path.value)
        if path is not None and data is not None:
            yield Part(role, data.decode("utf-8", errors="replace"), files.at(role), path.value)


def variables(prompt: View[Any]) -> dict[str, bool]:
    """The declared variables; True where one must be given."""
    out: dict[str, bool] = {}
    for name, declared in (prompt.value.get("variables") or {}).items():
        prompt.has("variables", name)
        optional = isinstance(declared, dict) and bool(declared.get("optional"))
        out[name] = not optional
    return out


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a model must be able to do: the catalogue's name, in words, and the place that asks for it."""

    capability: str
    words: str
    at: KeyPath


def needs(prompt: View[Any] | None, model: View[Any], caller: Node | None) -> Iterator[Need]:
    """What a call needs of the model."""
    if prompt is not None:
        for part in parts(prompt, model.address.name):
            if part.role in ("system", "developer"):
                yield Need("system_messages", "take a system message", part.at)
            if part.medium == "image":
                yield Need("vision", "read images", part.at)
            if part.medium == "audio":
                yield Need("audio_input", "hear audio", part.at)
        if prompt.has("output_schema"):
            yield Need("response_schema", "follow an output schema", prompt.at("output_schema"))
    layers = [model, prompt, caller if caller is not None and has_params(caller) else None]
    for name, value in params(*layers).items():
        at = place(value)
        if at is None:
            continue
        if name in ("tools", "tool_choice", "parallel_tool_calls"):
            yield Need("function_calling", "call tools", at[: at.index(name) + 1] if name in at else at)
        if name == "response_format" and isinstance(value, dict):
            kind = value.get("type")
            if isinstance(kind, Sourced) and kind.value == "json_schema":
                yield Need("response_schema", "follow an output schema", at)


def has_params(node: Node) -> bool:
    return isinstance(node.value, dict) and "params" in node.value


def place(value: Any) -> KeyPath | None:
    """Where a parameter was written, from the origins of the first leaf in it."""
    if isinstance(value, Sourced):
        source = value.sources[0] if value.sources else None
        return getattr(source, "path", None)
    items = list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    return next((at for at in map(place, items) if at is not None), None)
