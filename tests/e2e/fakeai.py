#!/usr/bin/env python3
"""A scripted server with the OpenAI interface: it stands in for model weights, and for nothing else.

    python tests/e2e/fakeai.py --rules rules.yaml --port 8080

    with FakeAI([{"when": {"model": "down"}, "status": 500}, {"echo": "user"}]) as server:
        client = openai.OpenAI(base_url=server.base_url, api_key="any")

Rules are tried in order; the first whose `when` matches answers. A rules file (YAML or JSON) is a list of
rules, or a mapping `{rules: [...], embeddings: {dimensions: 384}}`; `embeddings: {encoder: minilm}` gives the real
vectors of all-MiniLM-L6-v2, where the environment that runs this holds its package. A rule:

    when:                  every given condition must hold; without `when` the rule always matches
      model: answerer      the whole name
      user: refund         text of the last user message
      system: …            text of all system and developer messages
      text: …              text of all messages (for embeddings: all inputs)
      path: embeddings     end of the request's path
      bearer: key-1        the whole bearer token
                           user, system, text: a substring in any case, or {regex: '…'} (searched, dot matches newline)
    times: 2               only the first two times; then later rules have their turn
    delay: 0.5             seconds to wait first
    status: 429            an error with this status, and `message`, `retry_after` (seconds) if given
    reply: text            the answer; a mapping or a list is sent as JSON text (what an LLM judge must answer)
    echo: user             answer with user, system or text; {of: text, regex: 'Context: (.*)'} takes group 1
    tool_calls: [{name: refund, arguments: {order: 7}}]
    usage: {prompt_tokens: 10, completion_tokens: 2}

A request that no rule matches gets 400 `no_rule_matched`, except for embeddings and for reranking: those are made from
the words of the text (equal texts are equal, texts that share words are near; a document's score is the share of the
query's words that stand in it). Requests are recorded: `requests`
in process, GET /_requests over HTTP (DELETE forgets them).
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

RULE_KEYS = {
    "when", "times", "delay", "status", "message", "retry_after", "reply", "echo", "tool_calls", "usage", "name",
}  # fmt: skip
WHEN_KEYS = {"model", "user", "system", "text", "path", "bearer"}
UNSCRIPTED = ("/embeddings", "/rerank")
"""What is answered without a rule."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, reduced to what rules look at."""

    path: str
    model: str
    user: str
    system: str
    text: str
    bearer: str

    def part(self, name: str) -> str:
        return str(getattr(self, name))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule decided: an error when `status` is not 200."""

    status: int = 200
    text: str = ""
    message: str = ""
    retry_after: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    usage: Mapping[str, int] | None = None


class Encoder(Protocol):
    """Texts to vectors."""

    def encode(self, texts: Sequence[str]) -> list[list[float]]: ...


def _beside(name: str) -> Any:
    """A module of this folder, which may not be a package: started as a program, only the folder is on the path."""
    try:
        return importlib.import_module(f"tests.e2e.{name}")
    except ImportError:
        return importlib.import_module(name)


bodies = _beside("fakeai_bodies")


def real_encoder(name: str) -> Encoder:
    """The one real encoder; ImportError where this environment lacks its weights."""
    if name != "minilm":
        raise ValueError(f"unknown encoder `{name}`")
    loaded: Encoder = _beside("minilm").load()
    return loaded


@dataclass(slots=True)
class Script:
    """The rules, and how often each has answered."""

    rules: Sequence[Mapping[str, Any]] = ()
    dimensions: int = 16
    encoder: Encoder | None = None
    """What makes embeddings in place of the words' own."""
    used: dict[int, int] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for number, rule in enumerate(self.rules):
            unknown = sorted((set(rule) - RULE_KEYS) | (set(rule.get("when") or {}) - WHEN_KEYS))
            if unknown:
                raise ValueError(f"rule {number}: unknown key `{unknown[0]}`")

    def choose(self, ask: Ask) -> tuple[int, Mapping[str, Any]] | None:
        with self.guard:
            for number, rule in enumerate(self.rules):
                spent = self.used.get(number, 0)
                if spent < int(rule.get("times", spent + 1)) and _matches(rule.get("when") or {}, ask):
                    self.used[number] = spent + 1
                    return number, rule
        return None


def read_script(source: Path | Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> Script:
    """From a YAML or JSON file, a list of rules, or a mapping with `rules` and `embeddings`."""
    data: Any = source
    if isinstance(source, Path):
        text = source.read_text(encoding="utf-8")
        if source.suffix == ".json":
            data = json.loads(text)
        else:
            import yaml  # only here: a JSON file needs the standard library alone

            data = yaml.safe_load(text)
    if isinstance(data, Mapping):
        embeddings = data.get("embeddings") or {}
        encoder = real_encoder(str(embeddings["encoder"])) if "encoder" in embeddings else None
        return Script(tuple(data.get("rules") or ()), int(embeddings.get("dimensions", 16)), encoder)
    return Script(tuple(data or ()))


def _found(wanted: object, text: str) -> bool:
    if isinstance(wanted, Mapping):
        return re.search(str(wanted["regex"]), text, re.DOTALL) is not None
    return str(wanted).casefold() in text.casefold()


def _matches(when: Mapping[str, Any], ask: Ask) -> bool:
    for key, wanted in when.items():
        have = ask.part(key)
        if key in ("model", "bearer") and not isinstance(wanted, Mapping):
            if have != str(wanted):
                return False
        elif key == "path":
            if not have.endswith(str(wanted)):
                return False
        elif not _found(wanted, have):
            return False
    return True


def answer_of(rule: Mapping[str, Any], ask: Ask) -> Answer:
    """What the rule says to this request; waits out its delay."""
    time.sleep(float(rule.get("delay", 0)))
    if int(rule.get("status", 200)) != 200:
        message = str(rule.get("message", "scripted failure"))
        return Answer(int(rule["status"]), message=message, retry_after=str(rule.get("retry_after", "")))
    text = ""
    if "echo" in rule:
        echo = rule["echo"]
        of, pattern = (echo.get("of", "user"), echo.get("regex")) if isinstance(echo, Mapping) else (echo, None)
        text = ask.part(str(of))
        if pattern is not None:
            match = re.search(str(pattern), text, re.DOTALL)
            text = (match[1 if match.lastindex else 0] or "") if match else ""
    elif "reply" in rule:
        reply = rule["reply"]
        text = reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)
    return Answer(text=text, tool_calls=tuple(rule.get("tool_calls") or ()), usage=rule.get("usage"))


def _plain(content: Any) -> str:
    """The text of a message's content, which is a string or a list of typed parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(_plain(part.get("text", "")) if isinstance(part, Mapping) else str(part) for part in content)
    return ""


def ask_of(path: str, body: Mapping[str, Any], bearer: str) -> Ask:
    """Chat messages, a prompt, or the input of embeddings and responses, as one shape."""
    raw = body.get("messages", body.get("input", body.get("prompt", "")))
    system: list[str] = [str(body["instructions"])] if body.get("instructions") else []
    user: list[str] = []
    rest: list[str] = []
    for entry in raw if isinstance(raw, list) else [raw]:
        if isinstance(entry, Mapping):
            text, role = _plain(entry.get("content")), entry.get("role")
            (system if role in ("system", "developer") else user if role == "user" else rest).append(text)
        else:
            user.append(str(entry))
    everything = "\n".join((*system, *user, *rest))
    last = user[-1] if user else ""
    return Ask(path, str(body.get("model", "")), last, "\n".join(system), everything, bearer)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet: the record of requests is what tests look at."""

    def _path(self) -> str:
        path = self.path.split("?", 1)[0].rstrip("/")
        return path.removeprefix("/v1")

    def _send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _fail(self, status: int, message: str, code: str, retry_after: str = "") -> None:
        kind = "rate_limit_error" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
        headers = {"Retry-After": retry_after} if retry_after else None
        self._send(status, {"error": {"message": message, "type": kind, "code": code, "param": None}}, headers)

    def _stream(self, events: Iterator[dict[str, Any]], named: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events:
            head = f"event: {event['type']}\n" if named else ""
            self.wfile.write(f"{head}data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
            self.wfile.flush()
        if not named:
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def do_GET(self) -> None:
        path = self._path()
        if path in ("/health", "/health/liveliness", ""):
            self._send(200, {"status": "ok"})
        elif path == "/models":
            self._send(200, {"object": "list", "data": [
                {"id": name, "object": "model", "created": bodies.CREATED, "owned_by": "fake"}
                for name in self.server.models()]})  # fmt: skip
        elif path == "/_requests":
            self._send(200, self.server.recorded())
        else:
            self._fail(404, f"no such page: {path}", "not_found")

    def do_DELETE(self) -> None:
        if self._path() == "/_requests":
            self.server.forget()
            self._send(200, {"status": "ok"})
        else:
            self._fail(404, "only /_requests can be deleted", "not_found")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            self._fail(400, "the body is not JSON", "bad_json")
            return
        bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        path = self._path()
        ask = ask_of(path, body, bearer)
        chosen = self.server.script.choose(ask)
        answer = answer_of(chosen[1], ask) if chosen else Answer(200 if path in UNSCRIPTED else 400)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.record(
            {
                "path": path, "model": ask.model, "user": ask.user, "system": ask.system, "bearer": bearer,
                "headers": headers, "body": body, "rule": chosen[0] if chosen else None, "status": answer.status,
            }
        )  # fmt: skip
        if not chosen and answer.status == 400:
            self._fail(400, f"no rule matches model `{ask.model}`: {ask.user[:200]}", "no_rule_matched")
        elif answer.status != 200:
            self._fail(answer.status, answer.message, "scripted", answer.retry_after)
        else:
            self._answer(path, ask, answer, body)

    def _answer(self, path: str, ask: Ask, answer: Answer, body: Mapping[str, Any]) -> None:
        stream = bool(body.get("stream"))
        if path == "/chat/completions" and stream:
            usage = bool((body.get("stream_options") or {}).get("include_usage"))
            self._stream(bodies.chat_chunks(ask, answer, usage), named=False)
        elif path == "/chat/completions":
            self._send(200, bodies.chat_body(ask, answer))
        elif path == "/completions" and stream:
            self._stream(iter([bodies.completion_body(ask, answer)]), named=False)
        elif path == "/completions":
            self._send(200, bodies.completion_body(ask, answer))
        elif path == "/responses" and stream:
            self._stream(bodies.response_events(ask, answer), named=True)
        elif path == "/responses":
            self._send(200, bodies.response_body(ask, answer))
        elif path == "/embeddings":
            self._send(200, bodies.embeddings_body(ask, body, self.server.script))
        elif path == "/rerank":
            self._send(200, bodies.rerank_body(ask, body))
        else:
            self._fail(404, f"no such page: {path}", "not_found")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, script: Script) -> None:
        self.script = script
        self._requests: list[dict[str, Any]] = []
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def record(self, request: dict[str, Any]) -> None:
        with self._guard:
            self._requests.append(request)

    def recorded(self) -> list[dict[str, Any]]:
        with self._guard:
            return list(self._requests)

    def forget(self) -> None:
        with self._guard:
            self._requests.clear()
        with self.script.guard:
            self.script.used.clear()

    def models(self) -> list[str]:
        named = {str((rule.get("when") or {}).get("model", "fake")) for rule in self.script.rules}
        return sorted(named) or ["fake"]


class FakeAI:
    """The server as a context manager, on loopback; `port` 0 takes a free one."""

    def __init__(self, rules: Path | Sequence[Mapping[str, Any]] | Mapping[str, Any] = (), port: int = 0) -> None:
        self._server = _Server(port, read_script(rules))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Without `/v1`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What OpenAI clients call `base_url`: ends in `/v1`."""
        return f"{self.url}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """path, model, user, system, bearer, headers (lower case), body, rule (its number), status; oldest first."""
        return self._server.recorded()

    def script(self, rules: Path | Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> None:
        """Put other rules in place and forget the requests."""
        self._server.script = read_script(rules)
        self._server.forget()

    def __enter__(self) -> FakeAI:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A scripted server with the OpenAI interface, on loopback.")
    parser.add_argument("--rules", type=Path, required=True, help="YAML or JSON file of rules")
    parser.add_argument("--port", type=int, default=0, help="default: a free one, which is printed")
    options = parser.parse_args(arguments)
    with FakeAI(options.rules, options.port) as server:
        print(server.base_url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
