"""The real server on what was compiled, and the protocol's own client: over standard input and over HTTP.

Each transport is one start of the client, which makes a session of the handshake that clients had until 2025
(`legacy`) and one of the protocol since 2026 (`auto`).
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.targets.test_cases import HERE, compile_case, project_files
from tests.tools.running import free_port
from tests.tools.toolbox import clean_environment, end_group, own_home, require_tool

pytestmark = pytest.mark.tools
CASE = HERE / "mcp" / "cases" / "functions"
CLIENT = Path(__file__).parent / "client.py"
GOOD, BAD = {"order": "AB123456", "amount": 5}, {"order": "12"}
MODES = ("legacy", "auto")
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("refund", GOOD), ("refund", BAD), ("refund", {**GOOD, "more": 1}), ("refund", {"amount": 5}),
    ("status", {"order": "AB123456"}), ("status", {"order": "AB000000"}), ("slow", {"seconds": 1}),
    ("broken", {"text": "hidden"}), ("weather", {"place": "Oslo & more"}), ("weather", {"place": "away"}),
    ("notify", {"text": "hi"}), ("nothing", {}),
]  # fmt: skip


@dataclass
class Shop:
    """The endpoints that functions are forwarded to."""

    asked: list[tuple[str, str, str | None, Any]] = field(default_factory=list)
    flaky: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    root: Path
    variables: dict[str, str]
    shop: Shop

    def python(self) -> str:
        return str(require_tool("mcp").parent / "python")

    def argv(self, *more: str, file: str = "tools.json") -> list[str]:
        """What starts the server, from any folder."""
        generated = self.root / "generated"
        return [self.python(), str(generated / "project/mcp/server.py"), str(generated / "dev/mcp" / file), *more]

    def talk(self, *sessions: dict[str, Any]) -> list[dict[str, Any]]:
        with own_home() as home:
            done = subprocess.run(
                [self.python(), str(CLIENT)], input=json.dumps(sessions), capture_output=True, text=True, check=False,
                env=clean_environment(home), timeout=120,
            )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        assert "Failed to parse" not in done.stderr, "something that is no message was written to the client"
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("shop")
    written = {e.path: e.content for e in compile_case(CASE).emitted if e.target == "mcp"}
    for name, data in {**project_files(CASE), **written}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    shop = Shop()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(shop)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield Place(root, {
            "SHOP_KEY": "sk-shop-7d11c4", "WEATHER_KEY": "sk-weather-93b0ea", "WEATHER_URL": f"{url}/weather",
            "NOTIFY_URL": f"{url}/notify",
        }, shop)
        server.shutdown()


def handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self, body: Any) -> None:
            shop.asked.append((self.command, self.path, self.headers.get("Authorization"), body))
            if self.path.endswith("place=away"):
                self.send_response(302)
                self.send_header("Location", "/weather?place=stolen")
                self.end_headers()
                return
            shop.flaky += self.path.startswith("/weather")
            self.send_response(503 if shop.flaky == 1 else 200)
            self.end_headers()
            self.wfile.write(b'{"degrees": 3}' if self.command == "GET" else b"noted")

        def do_GET(self) -> None:
            self.answer(None)

        def do_POST(self) -> None:
            self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler


def by_call(session: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, result) for (name, _), result in zip(CALLS, session["results"], strict=True)]


@pytest.fixture(scope="module")
def spoken(place: Place) -> list[dict[str, Any]]:
    """Over standard input: all calls with a user who agrees, and refunds with others."""
    server = {"argv": place.argv(), "env": place.variables}
    refunds = [("refund", GOOD)]
    return place.talk(
        *({"server": server, "mode": mode, "answer": "yes", "calls": CALLS} for mode in MODES),
        *({"server": server, "mode": mode, "answer": a, "calls": refunds} for mode in MODES
          for a in ("no", "unticked", None)),
    )  # fmt: skip


def test_clients_are_told_what_the_configs_say(place: Place, spoken: list[dict[str, Any]]) -> None:
    described = json.loads((place.root / "generated/dev/mcp/tools.json").read_text())
    for session in spoken:
        assert session["tools"] == [entry["tool"] for entry in described["functions"]]


def test_calls_do_what_they_should_in_both_protocols(spoken: list[dict[str, Any]]) -> None:
    for session in spoken[:2]:
        started = {"status": "started", "order": "AB123456", "amount": 5, "key": "sk-s"}
        results = [result for _, result in by_call(session)]
        assert results[0] == {"error": False, "text": json.dumps(started), "structured": started}
        assert [r["text"] for r in results[1:4]] == [
            "`refund.order`: '12' does not match '^[A-Z]{2}[0-9]{6}$'",
            "`refund`: Additional properties are not allowed ('more' was unexpected)",
            "`refund`: 'order' is a required property",
        ]
        assert results[4] == {"error": False, "text": "sent", "structured": {"result": "sent"}}
        assert results[5]["text"] == "`status` gave something else than its schema says"
        assert results[6]["text"] == "`slow` took longer than 0.3 s, and may still run"
        assert results[7]["text"] == "`broken` failed: ValueError"
        assert results[8] == {"error": False, "text": '{"degrees": 3}', "structured": {"degrees": 3}}
        assert results[9]["text"] == "the endpoint answered 302"
        assert results[10]["text"] == "noted"
        assert "there is no tool `nothing`" in results[11]["refused"]
        assert [r["error"] for r in results[:11]] == [
            False, True, True, True, False, True, True, True, False, True, False,
        ]  # fmt: skip


def test_a_person_is_asked_about_valid_calls_alone_and_with_their_arguments(spoken: list[dict[str, Any]]) -> None:
    for session in spoken[:2]:
        assert session["asked"] == ['Run `refund` with {"amount": 5, "order": "AB123456"}?']


def test_without_agreement_nothing_runs(spoken: list[dict[str, Any]]) -> None:
    refused = "a person was asked and did not agree"
    cannot = "a person must agree to this call, and this client cannot ask its user (MCP elicitation)"
    texts = [session["results"][0]["text"] for session in spoken[2:]]
    assert texts == [refused, refused, cannot] * 2
    assert all(session["results"][0]["error"] for session in spoken[2:])


def test_endpoints_get_the_arguments_and_the_key_and_no_redirect_is_followed(
    place: Place, spoken: list[dict[str, Any]]
) -> None:
    assert spoken
    key = "Bearer sk-weather-93b0ea"
    place_is = "/weather?place=Oslo+%26+more"
    assert place.shop.asked[:4] == [
        ("GET", place_is, key, None), ("GET", place_is, key, None), ("GET", "/weather?place=away", key, None),
        ("GET", "/weather?place=away", key, None),
    ]  # fmt: skip
    assert ("POST", "/notify", None, {"text": "hi"}) in place.shop.asked
    assert not any("stolen" in path for _, path, _, _ in place.shop.asked)


@contextlib.contextmanager
def listening(place: Place, tools: Path | None = None) -> Iterator[str]:
    """The server over HTTP: its address."""
    port = free_port()
    with own_home() as home:
        argv = place.argv("--http", "--port", str(port))
        process = subprocess.Popen(
            argv if tools is None else [*argv[:2], str(tools), *argv[3:]], start_new_session=True,
            env=clean_environment(home, place.variables), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}/mcp"
            until_it_answers(url)
            yield url
        finally:
            end_group(process)


def test_over_http_a_limit_counts_for_all_clients_and_an_agreement_counts_once(place: Place) -> None:
    calls = [("status", {"order": "AB123456"}), ("status", {"order": "AB123456"}), ("refund", GOOD)]
    with listening(place) as url:
        server = {"url": url}
        first, second = place.talk(
            {"server": server, "mode": "legacy", "answer": "yes", "calls": calls},
            {"server": server, "mode": "auto", "answer": "yes", "calls": calls,
             "replay": ["refund", GOOD, {**GOOD, "amount": 500}]},
        )  # fmt: skip
        assert status_of(url, {"Host": "evil.example"}) == 421
    assert [r["text"] for r in first["results"][:2]] == ["sent", "sent"]
    assert [r["text"] for r in second["results"][:2]] == ["sent", "`status` may be called 3 times a minute"]
    assert [s["results"][2]["error"] for s in (first, second)] == [False, False]
    assert [len(s["asked"]) for s in (first, second)] == [1, 1]
    once, twice, other = second["replayed"]
    assert not once["error"]
    assert twice["text"] == "that agreement was used: ask again"
    assert other == {"refused": "Invalid or expired requestState"}


def test_over_http_only_who_shows_the_key_is_served(place: Place) -> None:
    described = json.loads((place.root / "generated/dev/mcp/tools.json").read_text())
    described["http"]["key"] = "SHOP_KEY"
    tools = place.root / "generated/dev/mcp/keyed.json"
    tools.write_text(json.dumps(described))
    with listening(place, tools) as url:
        told = {"mode": "auto", "answer": None, "calls": [("notify", {"text": "hi"})]}
        (found,) = place.talk({"server": {"url": url, "key": place.variables["SHOP_KEY"]}, **told})
        assert [status_of(url, {"Authorization": shown}) for shown in ("", "Bearer", "Bearer sk-shop")] == [401] * 3
    assert found["results"][0]["text"] == "noted"


def test_a_server_whose_variables_are_missing_does_not_start(place: Place) -> None:
    with own_home() as home:
        shown = {name: value for name, value in place.variables.items() if name != "SHOP_KEY"}
        done = subprocess.run(place.argv(), env=clean_environment(home, shown), capture_output=True, text=True,
                              check=False, timeout=60)  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "error: not set: SHOP_KEY\n")


def test_a_server_of_others_is_reached_through_the_allow_list(place: Place) -> None:
    calls = [("status", {"order": "AB123456"}), ("notify", {"text": "hi"}), ("notify", {}), ("refund", GOOD)]
    told = {"mode": "auto", "answer": "yes", "calls": calls}
    described = json.loads((place.root / "generated/dev/mcp/servers/elsewhere.json").read_text())
    started = {**described, "upstream": {"argv": place.argv(), "pass": list(place.variables), "env": {"A": "b"}}}
    (place.root / "generated/dev/mcp/servers/started.json").write_text(json.dumps(started))
    with listening(place) as url:
        variables = {**place.variables, "ELSEWHERE_URL": url}
        found = place.talk(
            {"server": {"argv": place.argv(file="servers/elsewhere.json"), "env": variables}, **told},
            {"server": {"argv": place.argv(file="servers/started.json"), "env": variables}, **told},
        )
    for session in found:
        assert [tool["name"] for tool in session["tools"]] == ["status", "notify"]
        assert session["tools"][0]["outputSchema"]["properties"] == {
            "result": {"type": "string", "enum": ["packed", "sent", "delivered"]}
        }
        assert [tool["annotations"] for tool in session["tools"]] == [
            entry["tool"]["annotations"] for entry in described["functions"][:2]
        ]
        assert [result.get("text") for result in session["results"][:3]] == [
            "sent", "noted", "`notify`: 'text' is a required property",
        ]  # fmt: skip
        assert "there is no tool `refund`" in session["results"][3]["refused"]
        assert session["asked"] == ['Run `notify` with {"text": "hi"}?']


def until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            status_of(url, {})
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server is not up")


def status_of(url: str, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json", **headers}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
