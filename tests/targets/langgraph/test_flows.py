"""Served flows: the compiled app answers over HTTP, with a scripted model and the real server of functions."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.langgraph.known import check
from tests.e2e.fakeai import FakeAI
from tests.targets.langgraph.kit import CASES, KEY, calls, python, runs, write
from tests.targets.test_cases import compile_case, project_files
from tests.tools.running import Reply, free_port, post
from tests.tools.toolbox import clean_environment, end_group, own_home

RULES: list[dict[str, Any]] = [
    {"when": {"system": "Name the intent", "user": "where"}, "reply": {"intent": "order"}},
    {"when": {"system": "Name the intent", "user": "help"}, "reply": {"intent": "help"}},
    {"when": {"system": "Name the intent"}, "reply": {"intent": "other"}},
    {"when": {"system": "orders of Ann", "text": "was sent"}, "reply": "Ann, it was sent."},
    {"when": {"system": "orders of Ann"}, **calls("status", order="AB123456")},
    {"when": {"path": "chat/completions"}, "echo": "user"},
]
ORDER = {"order": "AB123456"}
RUNS: dict[str, dict[str, Any]] = {
    "agreed": {"flow": "pay", "inputs": ORDER, "turns": [None, {"resume": True}]},
    "refused": {"flow": "pay", "inputs": ORDER, "turns": [None, {"resume": False}]},
}


@dataclass(frozen=True, slots=True)
class App:
    root: Path
    url: str
    models: FakeAI
    log: Path

    def post(self, path: str, body: Any) -> Reply:
        return post(f"{self.url}{path}", body)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    root, port = tmp_path_factory.mktemp("shop"), free_port()
    folder, log = write("flows", root), root / "log"
    with FakeAI(RULES) as models, own_home() as home, log.open("wb") as said:
        env = clean_environment(home, {"MODELS_URL": models.base_url, "MODELS_KEY": KEY})
        process = subprocess.Popen(
            [python(), folder / "web.py", "app", "--port", str(port)], env=env, cwd=root, start_new_session=True,
            stdout=said, stderr=said,
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            until_it_answers(f"{url}/ok")
            yield App(root, url, models, log)
        finally:
            end_group(process)


def until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            assert time.monotonic() < deadline, "the app is not up"
            time.sleep(0.1)


@pytest.mark.tools
def test_steps_run_by_their_conditions_and_values_go_where_they_should(app: App) -> None:
    reply = app.post("/support", {"question": "where is it?", **ORDER, "topics": ["boots", "laces"]})
    assert (reply.status, reply.body) == (200, {
        "answer": "Answer where is it? with order AB123456 and AB123456 was sent.", "intent": "order",
        "notes": ["Say something about boots.", "Say something about laces."], "state": "fine",
    })
    sent = [r for r in app.models.requests if r["body"].get("seed") == 5]
    assert sent[-1]["bearer"] == KEY
    asked = next(r["body"]["messages"] for r in app.models.requests if "Name the intent" in (r["system"] or ""))
    assert [(message["role"], message["content"]) for message in asked][1:] == [
        ("user", "Which {{ laces }} fit?"), ("assistant", '{"intent": "other"}'), ("user", "where is it?"),
    ]


@pytest.mark.tools
def test_a_step_that_is_left_out_gives_nothing_and_the_first_that_is_there_is_taken(app: App) -> None:
    other = app.post("/support", {"question": "hello", **ORDER})
    assert other.body == {
        "answer": "Answer hello with order AB123456.", "intent": "other", "notes": None, "state": "fine",
    }
    helped = app.post("/support", {"question": "help me", **ORDER})
    assert helped.body["answer"] == "Ann, it was sent."


@pytest.mark.tools
def test_another_step_runs_in_place_of_one_that_fails(app: App) -> None:
    reply = app.post("/support", {"question": "hello", "order": "XX000000"})
    assert reply.body["state"] == "sorry for XX000000"
    assert "step fragile: ValueError, sorry runs" in app.log.read_text()


@pytest.mark.tools
def test_what_is_asked_wrongly_is_told_and_what_fails_inside_is_not(app: App) -> None:
    wrong = app.post("/support", {"question": "hello", "ordr": "AB123456"})
    assert (wrong.status, wrong.body) == (
        422, {"error": "other inputs are expected", "unknown": ["ordr"], "missing": ["order"]},
    )
    assert app.post("/support", {"question": 1 << 20, "order": "x" * (1 << 20)}).status == 400
    assert app.post("/reply", {"question": "hello"}).status == 404
    failed = app.post("/support", {"question": "hello", "order": "AB123456", "topics": "no list"})
    assert (failed.status, failed.body) == (500, {"error": "it failed"})
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{app.url}/support", timeout=5)


@pytest.mark.tools
def test_a_person_agrees_before_a_step_calls_a_tool(app: App) -> None:
    assert app.post("/pay", ORDER).status == 409
    assert not (app.root / "refunds.txt").exists()
    found = runs(app.root / "generated/dev/langgraph/app", RUNS, app.models.base_url)
    asks = [{"tool": "refund", "arguments": ORDER}]
    assert found["runs"]["agreed"] == [
        {"outputs": None, "asks": asks}, {"outputs": {"done": "refund of AB123456 started"}, "asks": []},
    ]
    assert found["runs"]["refused"][1] == {
        "error": "PermissionError: a person was asked about refund and did not agree"
    }
    assert (app.root / "refunds.txt").read_text() == "AB123456\n"
    assert found["graphs"] == ["flow_pay", "flow_reply", "flow_support"]


EVAL = """\
runner: promptfoo
subject: {flow: support}
rows: [{vars: {question: hello, order: AB123456}, assert: [{type: icontains, value: order}]}]
"""


def test_an_eval_calls_the_app_and_a_job_starts_it() -> None:
    files = {**project_files(CASES / "flows"), "conf/eval/quality.yaml": EVAL.encode()}
    listed = files["conf/config.yaml"].replace(b"  - env: dev", b"  - eval: [quality]\n  - env: dev")
    made = compile_project(Memory({**files, "conf/config.yaml": listed}), Request())
    assert [d.message for d in made.diagnostics if d.severity == "error"] == []
    suite = next(e.data for e in made.emitted if e.path.endswith("promptfoo/quality.yaml"))
    called = suite["providers"][0]["config"]
    assert (called["url"], called["method"]) == ("http://127.0.0.1:8700/support", "POST")
    assert called["body"] == {"question": "{{ question }}", "order": "{{ order }}", "topics": "{{ topics }}"}
    assert called["transformResponse"] == 'json?.["answer"]'


def test_a_container_has_what_the_app_runs() -> None:
    """Compose mounts it at its own paths, so that the app finds it as it does in the repository."""
    files = dict(project_files(CASES / "flows"))
    files["conf/deployment/app.yaml"] += b"platform: compose\n"
    files["conf/target/langgraph.yaml"] = b"image: registry.example.com/shop:1\n"
    listed = b"target: [langgraph, mcp]"
    files["conf/config.yaml"] = files["conf/config.yaml"].replace(b"target: [mcp]", listed)
    made = compile_project(Memory(files), Request())
    assert [d.message for d in made.diagnostics if d.severity == "error"] == []
    data = next(e.data for e in made.emitted if e.path.endswith("compose.yaml"))
    (service,) = [one for name, one in data["services"].items() if name == "app"]
    inside = [mount["target"] if isinstance(mount, dict) else mount.split(":")[1] for mount in service["volumes"]]
    assert {
        "/app/generated/dev/langgraph/app/app.json", "/app/generated/dev/langgraph/app/web.py",
        "/app/generated/project/mcp/server.py", "/app/tools/shop.py", "/app/tools/steps.py",
    } <= set(inside)


def test_what_nobody_reads_in_a_flow_is_told() -> None:
    data = {Path(e.path).name: e.data for e in compile_case(CASES / "flows").emitted if e.target == "langgraph"}
    assert list(check("app/app.json", data["app.json"])) == []
    broken = json.loads(json.dumps(data["app.json"]))
    steps = broken["flows"]["support"]["steps"]
    steps[0]["agent"]["max_step"] = steps[0]["agent"].pop("max_steps")
    steps[1]["retris"] = steps[1].pop("retries")
    steps[4]["agent"] = "helpr"
    assert list(check("app/app.json", broken)) == [
        "step `intent` of flow `support` has no key `max_step`; did you mean `max_steps`?",
        "step `where` of flow `support` has no key `retris`; did you mean `retries`?",
        "step `help` of flow `support` names `helpr`, which is not among the agents",
    ]
