"""What the functions of this package share: rendering, calling over HTTP, and checking what comes back.

The standard library does all of it; prompts with filters or statements of Jinja2 need the package `jinja2` as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar

from ._schema import problems

_NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_TRIED_AGAIN = (408, 409, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 30.0


class ClientError(Exception):
    """Whatever a function of this package raises for a reason of its own."""


class SettingError(ClientError):
    """A variable of the environment that is needed is not set. The message names it."""


class CallError(ClientError):
    """The other side answered with an error, or not at all; `status` is 0 where there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class AnswerError(ClientError):
    """The answer is not what it must be. `path` is the place in it, `answer` the text as it came."""

    def __init__(self, message: str, path: str, answer: str) -> None:
        super().__init__(f"{path or 'the answer'}: {message}")
        self.path = path
        self.answer = answer


@dataclass(frozen=True)
class Client:
    """Settings of one call, where the compiled ones are not meant: an address, a key, parameters of the request."""

    base_url: str | None = None
    key: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    retries: int | None = None


@dataclass(frozen=True)
class Prompt:
    """A prompt as it was compiled, and the way to its model."""

    name: str
    messages: Sequence[Mapping[str, Any]]
    syntax: str
    model: str
    url: str | None
    url_variable: str
    key_variable: str | None
    params: Mapping[str, Any]
    schema: Any = None
    timeout: float = 600.0
    retries: int = 2


@dataclass(frozen=True)
class Flow:
    """How a served flow is called."""

    name: str
    url: str
    base_variable: str | None
    method: str
    body: Any
    key_variable: str | None
    answer: str | None
    passages: str | None
    timeout: float = 600.0
    retries: int = 0


C = TypeVar("C")
Turns = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Tool(Generic[C]):
    """A function that the model may ask for; `make` is the type of its calls, `schema` that of its arguments."""

    make: Callable[[str, Any], C]
    schema: Any
    description: str | None = None


@dataclass(frozen=True)
class Turn(Generic[C]):
    """What the model says, and what it asks to call; `messages` is all that was said since the question."""

    text: str
    calls: tuple[C, ...]
    messages: tuple[Mapping[str, Any], ...]

    def answered(self, results: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
        """What the next turn goes on from: each call's result, a text or data, by the call's `id`."""
        asked = [call["id"] for call in self.messages[-1].get("tool_calls", ())]
        missing = [name for name in asked if name not in results]
        if missing:
            raise ValueError(f"no result is given for the call {missing[0]}")
        said = {name: results[name] for name in asked}
        return (*self.messages, *(
            {"role": "tool", "tool_call_id": name, "content": one if isinstance(one, str) else json.dumps(one)}
            for name, one in said.items()
        ))


# --- calls -------------------------------------------------------------------------------------------------------


def ask(prompt: Prompt, values: Mapping[str, Any], client: Client | None) -> str:
    """The text of the model's answer."""
    reply = _put(prompt, values, client or Client(), {}, _whole)
    said = found(reply, "choices.0.message.content")
    if not isinstance(said, str):
        raise AnswerError("the model said nothing", "choices.0.message.content", json.dumps(reply))
    return said


def stream(prompt: Prompt, values: Mapping[str, Any], client: Client | None) -> Iterator[str]:
    """The text of the model's answer in pieces, as they come.

    The request is made when the first piece is asked for; an answer that breaks off is a `CallError`.
    """
    with _put(prompt, values, client or Client(), {"stream": True}, _itself) as answer:
        ended = False
        for event in _events(answer):
            if "error" in event:
                raise CallError(f"the model of `{prompt.name}` broke off: {json.dumps(event['error'])[:500]}")
            piece = found(event, "choices.0.delta.content")
            ended = ended or found(event, "choices.0.finish_reason") is not None
            if isinstance(piece, str) and piece:
                yield piece
    if not ended:
        raise CallError(f"the model of `{prompt.name}` broke off before its answer ended")


def turn(
    prompt: Prompt, values: Mapping[str, Any], tools: Mapping[str, Tool[C]], turns: Turns, client: Client | None
) -> Turn[C]:
    """The model's next turn, after `turns`. Calls whose arguments break their schema are an `AnswerError`."""
    offered = [
        {"type": "function", "function": {
            "name": name, "parameters": tool.schema,
            **({"description": tool.description} if tool.description is not None else {}),
        }}
        for name, tool in tools.items()
    ]
    reply = _put(prompt, values, client or Client(), {"tools": offered}, _whole, turns)
    message = found(reply, "choices.0.message")
    if not isinstance(message, dict):
        raise AnswerError("the model said nothing", "choices.0.message", json.dumps(reply))
    asked = message.get("tool_calls") or []
    calls = tuple(_asked(tools, one) for one in asked)
    said = message.get("content")
    kept = {"role": "assistant", "content": said, **({"tool_calls": asked} if asked else {})}
    return Turn(said if isinstance(said, str) else "", calls, (*turns, kept))


def _asked(tools: Mapping[str, Tool[C]], call: Any) -> C:
    name, text = found(call, "function.name"), found(call, "function.arguments")
    tool = tools.get(name) if isinstance(name, str) else None
    if tool is None:
        raise AnswerError(f"there is no tool {json.dumps(name)}", "tool_calls", json.dumps(call))
    try:
        arguments = json.loads(text or "{}")
    except (TypeError, ValueError) as error:
        raise AnswerError(f"the arguments of `{name}` are no JSON ({error})", "tool_calls", json.dumps(call)) from None
    wrong = next(problems(arguments, tool.schema, tool.schema), None)
    if wrong is not None:
        raise AnswerError(f"`{name}`: {wrong[1]}", wrong[0], json.dumps(call))
    return tool.make(str(found(call, "id") or ""), arguments)


def _events(answer: Any) -> Iterator[dict[str, Any]]:
    """What a stream of server-sent events holds, until it says that it is done."""
    try:
        for line in answer:
            name, _, text = line.decode(errors="replace").strip().partition(":")
            if name == "data" and text.strip() == "[DONE]":
                return
            event = _json(text.encode()) if name == "data" else None
            if isinstance(event, dict):
                yield event
    except OSError as error:
        raise CallError(f"the stream broke off: {error}") from None


def _put(
    prompt: Prompt, values: Mapping[str, Any], client: Client, more: Mapping[str, Any], read: Callable[[Any], Any],
    turns: Turns = (),
) -> Any:
    """Put the prompt to its model; `turns` were said after it."""
    url = client.base_url or os.environ.get(prompt.url_variable) or prompt.url
    if url is None:
        raise SettingError(f"{prompt.url_variable} is not set: it holds the address of the model of `{prompt.name}`")
    body: dict[str, Any] = {
        "model": prompt.model, "messages": [*(_message(prompt, one, values) for one in prompt.messages), *turns],
        **prompt.params, **client.params, **more,
    }
    if prompt.schema is not None and "response_format" not in body:
        described = {"name": prompt.name, "schema": prompt.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": described}
    return _called(
        f"{url.rstrip('/')}/chat/completions", "POST", body, client.key or _key(prompt.key_variable), client,
        prompt.timeout, prompt.retries, read,
    )


def ask_json(prompt: Prompt, values: Mapping[str, Any], client: Client | None) -> Any:
    """The model's answer as data that follows the prompt's schema."""
    text = ask(prompt, values, client)
    try:
        data = json.loads(text)
    except ValueError as error:
        raise AnswerError(f"no JSON ({error})", "", text) from None
    wrong = next(problems(data, prompt.schema, prompt.schema), None)
    if wrong is not None:
        raise AnswerError(wrong[1], wrong[0], text)
    return data


def call(flow: Flow, values: Mapping[str, Any], client: Client | None) -> Any:
    """The whole reply of a served flow."""
    chosen = client or Client()
    url = flow.url
    if flow.base_variable is not None or chosen.base_url is not None:
        base = chosen.base_url or os.environ.get(flow.base_variable or "")
        if not base:
            raise SettingError(f"{flow.base_variable} is not set: it holds the address at which `{flow.name}` answers")
        url = base.rstrip("/") + (url if flow.base_variable is not None else "/" + url.split("/", 3)[-1])
    return _called(
        url, flow.method, _filled(flow.body, values), chosen.key or _key(flow.key_variable), chosen, flow.timeout,
        flow.retries, _whole,
    )


def answer_of(flow: Flow, reply: Any) -> str:
    """The answer in a flow's reply."""
    said = reply if flow.answer is None else found(reply, flow.answer)
    if not isinstance(said, str):
        raise AnswerError("a text was expected", flow.answer or "", json.dumps(reply))
    return said


def passages_of(flow: Flow, reply: Any) -> tuple[str, ...]:
    """The texts that were retrieved; none where the reply holds none."""
    several = found(reply, flow.passages) if flow.passages is not None else None
    listed = several if isinstance(several, list) else [] if several is None else [several]
    return tuple(_passage(one) for one in listed)


def found(reply: Any, path: str) -> Any:
    """What stands in a reply below keys joined by dots; None where nothing does."""
    for key in path.split("."):
        if isinstance(reply, list) and key.isdigit() and int(key) < len(reply):
            reply = reply[int(key)]
        elif isinstance(reply, dict):
            reply = reply.get(key)
        else:
            return None
    return reply


def assigned(experiment: str, unit: str, bounds: Sequence[tuple[str, float]]) -> str:
    """The arm of a unit: always the same one, and over many units as many in each as its weight says."""
    digest = hashlib.sha256(f"{experiment}:{unit}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return next((arm for arm, bound in bounds if share < bound), bounds[-1][0])


def _passage(one: Any) -> str:
    if isinstance(one, dict):
        text = one.get("content", one.get("text"))
        return text if isinstance(text, str) else json.dumps(one)
    return one if isinstance(one, str) else json.dumps(one)


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise SettingError(f"{variable} is not set: it holds the key that is shown")
    return key


def _called(
    url: str, method: str, body: Any, key: str | None, client: Client, timeout: float, retries: int,
    read: Callable[[Any], Any],
) -> Any:
    headers = {"Content-Type": "application/json", **client.headers}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    longest = client.timeout if client.timeout is not None else timeout
    again = client.retries if client.retries is not None else retries
    for attempt in range(again + 1):
        try:
            return read(urllib.request.urlopen(request, timeout=longest))
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            if error.code not in _TRIED_AGAIN or attempt == again:
                raise CallError(f"{error.code} from {url}: {text[:500]}", error.code) from None
            wait = _told(error.headers.get("Retry-After"))
        except OSError as error:
            if attempt == again:
                raise CallError(f"no answer from {url}: {error}") from None
            wait = None
        time.sleep(min(0.5 * 2.0**attempt if wait is None else wait, _LONGEST_WAIT))
    raise AssertionError("the last attempt returns or raises")


def _whole(answer: Any) -> Any:
    with answer:
        return _json(answer.read())


def _itself(answer: Any) -> Any:
    return answer


def _told(after: str | None) -> float | None:
    """How long the other side asks to wait: seconds, or a date."""
    if after is None:
        return None
    if after.isdigit():
        return float(after)
    try:
        return max(parsedate_to_datetime(after).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise AnswerError("no JSON", "", data.decode(errors="replace")) from None


# --- rendering ---------------------------------------------------------------------------------------------------


def _message(prompt: Prompt, message: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    content, syntax = message["content"], message.get("syntax", prompt.syntax)
    if isinstance(content, str):
        return {"role": message["role"], "content": _rendered(content, syntax, values)}
    return {"role": message["role"], "content": [_part(part, syntax, values) for part in content]}


def _part(part: Mapping[str, Any], syntax: str, values: Mapping[str, Any]) -> dict[str, Any]:
    if part["type"] == "text":
        return {"type": "text", "text": _rendered(part["text"], syntax, values)}
    return {"type": "image_url", "image_url": {"url": _rendered(part["image_url"]["url"], syntax, values)}}


def _rendered(template: str, syntax: str, values: Mapping[str, Any]) -> str:
    """`names` are templates of names alone, `jinja2` need its engine, `none` are no templates."""
    if syntax == "none":
        return template
    if syntax == "jinja2":
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        made = ImmutableSandboxedEnvironment(keep_trailing_newline=True).from_string(template)
        return str(made.render({name: value for name, value in values.items() if value is not None}))
    return _NAME.sub(lambda name: _text(values.get(name[1])), template)


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def _filled(body: Any, values: Mapping[str, Any]) -> Any:
    """The body with the values in the place of `{{ name }}`; what is nothing else becomes the value itself."""
    if isinstance(body, dict):
        made = {key: _filled(item, values) for key, item in body.items()}
        return {key: item for key, item in made.items() if item is not None}
    if isinstance(body, list):
        return [_filled(item, values) for item in body]
    if not isinstance(body, str):
        return body
    whole = _NAME.fullmatch(body)
    return values.get(whole[1]) if whole else _rendered(body, "names", values)
