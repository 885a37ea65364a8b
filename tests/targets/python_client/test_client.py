"""The compiled package of the case `shop`: imported, called against a scripted server and an app, and type-checked."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.emit.escapes import CANARIES
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.e2e.fakeai import FakeAI
from tests.targets.test_cases import HERE, project_files

CASE = HERE / "python_client" / "cases" / "shop"
KEY = "sk-gateway-27c1d0"
GOOD = {"intent": "refund", "orders": [{"number": "AB123456"}], "sure": 0.5}


def compiled(**changed: str) -> Compilation:
    files = {**project_files(CASE), **{name: text.encode() for name, text in changed.items()}}
    return compile_project(Memory(files), Request())


def written(result: Compilation, root: Path) -> Path:
    for emitted in result.emitted:
        if emitted.target == "python-client":
            path = root / emitted.path.removeprefix("generated/dev/python-client/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(emitted.content)
    return root


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    root = written(compiled(), tmp_path_factory.mktemp("client"))
    sys.path.insert(0, str(root))
    try:
        yield importlib.import_module("case_client")
    finally:
        sys.path.remove(str(root))
        for name in [name for name in sys.modules if name.partition(".")[0] == "case_client"]:
            del sys.modules[name]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAI]:
    with FakeAI([{"echo": "text"}]) as fake:
        monkeypatch.setenv("ANSWERER_BASE_URL", fake.base_url)
        monkeypatch.setenv("JUDGE_URL", fake.base_url)
        monkeypatch.setenv("GATEWAY_KEY", KEY)
        yield fake


def test_a_prompt_is_put_as_the_config_says(package: Any, server: FakeAI) -> None:
    said = package.prompts.answer(question="May I {{ passages }}?", passages="Yes.")
    assert said.endswith("Yes.\n\nMay I {{ passages }}?")
    asked = server.requests[-1]
    assert asked["bearer"] == KEY
    assert asked["system"].startswith("You answer customers of a shoe shop in one short paragraph.\nUse what stands")
    body = asked["body"]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("answerer", 0.2, 200)
    assert "response_format" not in body


def test_what_may_be_left_out_is_empty(package: Any, server: FakeAI) -> None:
    assert "In ten words: Why? " in package.prompts.answer_short(question="Why?")
    assert server.requests[-1]["body"]["max_tokens"] == 20


def test_worked_cases_stand_before_the_question(package: Any, server: FakeAI) -> None:
    package.prompts.answer_short(question="Why?")
    assert server.requests[-1]["body"]["messages"] == [
        {"role": "user", "content": "In ten words: Is {{ it }} free? "},
        {"role": "assistant", "content": "Yes, {% always %}."},
        {"role": "user", "content": "In ten words: Why? "},
    ]


def test_jinja_renders_what_needs_it(package: Any, server: FakeAI) -> None:
    assert package.prompts.count(items=["a", "{{ b }}"]) == "1. a\n2. {{ b }}\n"


def test_an_answer_with_a_schema_is_data(package: Any, server: FakeAI) -> None:
    server.script([{"reply": GOOD}])
    assert package.prompts.classify(message="Money back", photo="https://example.com/1.png") == GOOD
    asked = server.requests[-1]
    content = asked["body"]["messages"][0]["content"]
    assert content == [
        {"type": "text", "text": "Money back"},
        {"type": "image_url", "image_url": {"url": "https://example.com/1.png"}},
    ]
    assert asked["bearer"] == ""
    assert asked["body"]["response_format"]["json_schema"]["schema"] == json.loads(
        (CASE / "schemas" / "intent.json").read_text()
    )


@pytest.mark.parametrize(
    ("reply", "path", "why"),
    [
        ("sorry", "", "no JSON"),
        ({**GOOD, "intent": "buy"}, "intent", 'one of ["refund", "other"] expected, not "buy"'),
        ({"intent": "other"}, "orders", "it is missing"),
        ({**GOOD, "orders": [{"number": "1"}]}, "orders.0.number", "it does not match"),
        ({**GOOD, "orders": [{"number": "AB123456", "parts": [{}]}]}, "orders.0.parts.0.number", "it is missing"),
        ({**GOOD, "sure": 2}, "sure", "maximum is 1, not 2"),
        ({**GOOD, "sure": True}, "sure", "number expected, not true"),
        ({**GOOD, "note": 1}, "note", "string or null expected, not 1"),
        ({**GOOD, "more": 1}, "more", "it is not known"),
        ([], "", "object expected, not []"),
    ],
)
def test_an_answer_that_breaks_its_schema_is_an_error(
    package: Any, server: FakeAI, reply: Any, path: str, why: str
) -> None:
    server.script([{"reply": reply}])
    with pytest.raises(package.AnswerError) as raised:
        package.prompts.classify(message="", photo="")
    assert (raised.value.path, why in str(raised.value)) == (path, True), str(raised.value)


def test_an_answer_comes_in_pieces(package: Any, server: FakeAI) -> None:
    server.script([{"status": 503, "retry_after": 0, "times": 1}, {"reply": "Yes, you may."}])
    pieces = package.prompts.answer_stream(question="May I?")
    before = len(server.requests)
    assert list(pieces) == ["Yes,", " you", " may."]
    assert len(server.requests) == before + 2, "one that failed, and the one that was tried again"
    assert server.requests[-1]["body"]["stream"] is True
    server.script([{"status": 400, "message": "no such model"}])
    with pytest.raises(package.CallError, match="no such model"):
        next(package.prompts.answer_stream(question="?"))


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b'data: {"choices": [{"delta": {"content": "Yes"}, "finish_reason": null}]}\n\n', "before its answer ended"),
        (b'data: {"error": {"message": "overloaded"}}\n\n', "overloaded"),
        (b"data: {oops\n\n", "no JSON"),
    ],
)
def test_a_stream_that_breaks_off_is_an_error(
    package: Any, monkeypatch: pytest.MonkeyPatch, sent: bytes, message: str
) -> None:
    class Broken(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        monkeypatch.setenv("ANSWERER_BASE_URL", f"http://127.0.0.1:{httpd.server_port}")
        monkeypatch.setenv("GATEWAY_KEY", KEY)
        with pytest.raises(package.ClientError, match=message):
            list(package.prompts.answer_stream(question="?"))
        httpd.shutdown()


def test_the_caller_runs_the_tools_of_a_step(package: Any, server: FakeAI) -> None:
    order = {"name": "refund", "arguments": {"order": "AB123456"}}
    server.script([{"tool_calls": [order], "times": 1}, {"reply": "It is paid back."}])
    turn = package.prompts.decide_turn(message="Money back")
    call = turn.calls[0]
    assert (turn.text, call.id, call.name, call.approval) == ("", "call_0", "refund", "human")
    assert call.arguments == {"order": "AB123456"}
    offered = server.requests[-1]["body"]["tools"][0]["function"]
    assert (offered["name"], offered["description"]) == ("refund", "Refund an order.")
    assert offered["parameters"]["required"] == ["order"]
    with pytest.raises(ValueError, match="no result is given for the call call_0"):
        turn.answered({})
    done = package.prompts.decide_turn(None, turn.answered({call.id: {"paid": 12.5}}), message="Money back")
    assert (done.text, done.calls) == ("It is paid back.", ())
    said = server.requests[-1]["body"]["messages"]
    assert [one["role"] for one in said] == ["system", "user", "assistant", "tool"]
    assert said[-1] == {"role": "tool", "tool_call_id": "call_0", "content": '{"paid": 12.5}'}


@pytest.mark.parametrize(
    ("call", "path", "message"),
    [
        ({"name": "refund", "arguments": {"order": "1"}}, "order", "it does not match"),
        ({"name": "refund", "arguments": {"order": "AB123456", "more": 1}}, "more", "it is not known"),
        ({"name": "remove", "arguments": {}}, "tool_calls", 'there is no tool "remove"'),
    ],
)
def test_a_call_that_no_tool_takes_is_an_error(
    package: Any, server: FakeAI, call: Any, path: str, message: str
) -> None:
    server.script([{"tool_calls": [call]}])
    with pytest.raises(package.AnswerError, match=message) as raised:
        package.prompts.decide_turn(message="?")
    assert raised.value.path == path


def test_a_failed_call_is_tried_again_and_then_told(package: Any, server: FakeAI) -> None:
    failing = {"status": 503, "message": "not yet", "retry_after": 0}
    server.script([{**failing, "times": 1}, {"reply": "now"}])
    assert package.prompts.answer(question="?") == "now"
    server.script([failing])
    with pytest.raises(package.CallError) as raised:
        package.prompts.answer(question="?")
    assert (raised.value.status, len(server.requests)) == (503, 2)
    server.script([{"status": 400, "message": "no"}])
    with pytest.raises(package.CallError):
        package.prompts.answer(question="?")
    assert len(server.requests) == 1


def test_settings_of_one_call(package: Any, server: FakeAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGE_URL")
    monkeypatch.delenv("GATEWAY_KEY")
    with pytest.raises(package.SettingError, match="JUDGE_URL is not set"):
        package.prompts.greet_with_judge(name="Bob")
    with pytest.raises(package.SettingError, match="GATEWAY_KEY is not set"):
        package.prompts.answer(question="?")
    client = package.Client(base_url=server.base_url, key="sk-own", params={"max_tokens": 1})
    package.prompts.answer(client, question="?")
    asked = server.requests[-1]
    assert (asked["bearer"], asked["body"]["max_tokens"], asked["body"]["temperature"]) == ("sk-own", 1, 0.2)


def test_arms_are_kept_and_shared_by_weight(package: Any, server: FakeAI) -> None:
    tried = package.experiments
    arms = {str(unit): tried.assign_tone(str(unit)) for unit in range(4000)}
    assert arms == {unit: tried.assign_tone(unit) for unit in arms}
    assert Counter(arms.values())["short"] / 4000 == pytest.approx(0.75, abs=0.03)
    assert (arms["0"], arms["1"]) == ("today", "short"), "units change their arm between releases"
    arm, said = tried.tone_answer("1", question="Why?")
    assert arm == "short"
    assert "In ten words: Why? " in said
    assert tried.TONE.changes["short"]["answer"]["prompt"] == "answer_short"


class _App(BaseHTTPRequestHandler):
    asked: list[Any] = []  # noqa: RUF012 - the server makes a handler for each request
    reply: Any = None

    def do_POST(self) -> None:
        self.asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        data = json.dumps(type(self).reply).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _App)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("ASSISTANT_URL", f"http://127.0.0.1:{server.server_port}/")
    yield
    server.shutdown()
    server.server_close()


def test_a_served_flow_is_called(package: Any, app: None) -> None:
    _App.reply = {"result": {"answer": "Yes.", "passages": ["a", {"content": "b"}]}}
    reply = package.flows.answer(question="May I?")
    assert (reply.answer, reply.passages) == ("Yes.", ("a", "b"))
    assert _App.asked[-1] == ("/answer", {"question": "May I?", "options": {}})
    _App.reply = {"result": {}}
    with pytest.raises(package.AnswerError, match=r"result\.answer: a text was expected"):
        package.flows.answer(question="May I?", language="de")
    assert _App.asked[-1][1]["options"] == {"language": "de"}


CALLER = """\
from case_client import experiments, flows, prompts

answer: str = prompts.answer(question="May I?", passages=None)
intent = prompts.classify(message="a", photo="b")
kind: str = intent["intent"]
numbers: list[str] = [order["number"] for order in intent["orders"]]
passages: tuple[str, ...] = flows.answer(question="May I?").passages
arm, text = experiments.tone_answer("7", question="May I?")
assert arm != "today" or text
turn = prompts.decide_turn(message="Money back")
while turn.calls:
    orders: list[str] = [call.arguments["order"] for call in turn.calls]
    results = {call.id: call.name for call in turn.calls}
    turn = prompts.decide_turn(None, turn.answered(results), message="Money back")
"""


def judged(root: Path, tool: str, *arguments: str) -> tuple[int, str]:
    (root / "caller.py").write_text(CALLER)
    done = subprocess.run(
        [sys.executable, "-m", tool, *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.tools
def test_the_package_and_its_caller_are_typed(tmp_path: Path) -> None:
    root = written(compiled(), tmp_path)
    code, output = judged(root, "mypy", "--strict", "case_client", "caller.py")
    assert (code, output) == (0, "Success: no issues found in 7 source files\n")
    rules = "E4,E7,E9,W,F,I,UP,B,SIM,C4,RUF"
    assert judged(root, "ruff", "check", "--isolated", "--select", rules, "case_client")[0] == 0


@pytest.mark.tools
def test_a_renamed_variable_fails_where_it_is_used(tmp_path: Path) -> None:
    short = "files: {user: prompts/short.txt}\nvariables: {query: string, passages: {type: string, optional: true}}\n"
    result = compiled(**{
        "conf/prompt/answer_short.yaml": short, "prompts/short.txt": "{{ query }} {{ passages }}\n",
        "conf/prompt/answer.yaml": "messages: [{user: '{{ query }} {{ passages }}'}]\n"
        "variables: {query: string, passages: {type: string, optional: true}}\n",
        "conf/flow/answer.yaml": (project_files(CASE)["conf/flow/answer.yaml"].decode()).replace("question", "query"),
    })
    assert not result.failed, [d.message for d in result.diagnostics]
    code, output = judged(written(result, tmp_path), "mypy", "--strict", "case_client", "caller.py")
    assert code == 1
    named = 'Unexpected keyword argument "question" for "answer"  [call-arg]'
    assert output.count('Unexpected keyword argument "question"') == 3, output
    assert f"caller.py:3: error: {named}" in output


def test_no_text_of_a_config_is_code(tmp_path: Path) -> None:
    seen = [text for text in CANARIES if text and all(c == "\n" or (c.isprintable() and c <= "\uffff") for c in text)]
    texts = list({unicodedata.normalize("NFC", text): text for text in seen}.values())
    params = [text for text in texts if "${" not in text]  # those copy values of the config
    told = " ".join(texts)
    said = {"messages": [{"user": t} for t in texts], "syntax": "none", "variables": {}, "description": told}
    flow = {
        "inputs": {"message": "string"}, "steps": {"greet": {"prompt": "greet", "model": "judge", "params": {
            "y": params, "x": {text: text for text in params},
        }}}, "outputs": {"text": "greet.text"}, "access": "internal",
    }  # fmt: skip
    shop = project_files(CASE)["conf/flow/answer.yaml"].decode()
    result = compiled(**{
        "conf/prompt/greet.yaml": json.dumps(said), "conf/flow/route.yaml": json.dumps(flow),
        "conf/flow/answer.yaml": shop.replace(shop.splitlines()[0], f"description: {json.dumps(told)}"),
        "conf/eval/quality.yaml": "runner: promptfoo\nsubject: {prompt: answer, model: answerer}\n"
        "rows: [{vars: {question: Why}}]\n",
    })
    assert not result.failed, [d.message for d in result.diagnostics if d.severity == "error"]
    code = (written(result, tmp_path) / "case_client" / "prompts.py").read_text()
    made = next(
        node.value for node in ast.parse(code).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_GREET"
    )
    assert isinstance(made, ast.Call)
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in made.keywords}
    assert [message["content"] for message in given["messages"]] == texts
    assert given["params"] == {"y": params, "x": {text: text for text in params}}
    ast.parse((tmp_path / "case_client" / "flows.py").read_text())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"conf/prompt/greet.yaml": "messages: [{user: '{name!r}'}]\nsyntax: f-string\nvariables: {name: string}\n"},
            "the Python client fills names alone in an f-string",
        ),
        (
            {"conf/prompt/count.yaml": "messages: [{user: '{{ items | join }}'}]\nsyntax: nunjucks\n"
                                       "variables: {items: array}\n"},
            "the Python client renders no statements or filters of nunjucks",
        ),
        (
            {"conf/prompt/greet.yaml": "messages: [{user: '{{ name | upper }}'}]\nvariables: {name: string}\n"
                                       "examples: [{vars: {name: a}, answer: b}]\n"},
            "a worked case can fill in plain variables only",
        ),
        (
            {"schemas/intent.json": '{"type": "object", "properties": {"a": {"not": {}}}, "required": ["a"]}'},
            "python-client cannot express this: it does not check `a.not` of the answer's schema",
        ),
        (
            {"conf/gateway/main.yaml": "engine: litellm\nroutes: {judge: {}}\nsecret: gateway\n",
             "conf/model/answerer.yaml": "provider: anthropic\nid: claude-sonnet-4-6\n"},
            "the Python client speaks OpenAI's protocol, and model.answerer another one",
        ),
    ],
)  # fmt: skip
def test_what_it_cannot_be_is_said(changed: dict[str, str], message: str) -> None:
    assert message in [d.message for d in compiled(**changed).diagnostics]
