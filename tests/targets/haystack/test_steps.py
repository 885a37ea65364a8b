"""Steps that Haystack has no component of its own for, and apps that a pipeline alone cannot serve, as hayhooks runs
them: sorting again, worked cases, conversations and pieces, lists, a step in another's place, tools, code, flows."""

from __future__ import annotations

import ast
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmops.targets.haystack.known import check
from tests.targets.haystack.support import PARTS, REVISION, App, hayhooks, run_python, written
from tests.targets.haystack.test_flows import asked, passages, search_path
from tests.targets.haystack.test_real import LOAD
from tests.tools.embeddings import RealEmbeddings, real_embeddings
from tests.tools.postgres import postgres

pytestmark = pytest.mark.tools
INDEX = "generated/dev/haystack/indexes/faq"
RULES: list[dict[str, Any]] = [
    {"when": {"system": "our teams", "user": "money"}, "reply": "refunds"},
    {"when": {"system": "our teams"}, "reply": "delivery"},
    {"when": {"system": "what we know", "user": "broken"}, "status": 400},
    {"when": {"system": "You apologise"}, "reply": "We are sorry."},
    {"when": {"system": "shoe shop", "user": "slow"}, "delay": 9, "reply": "late"},
    {"when": {"path": "completions"}, "echo": "user"},
]


@pytest.fixture(scope="module")
def models() -> Iterator[RealEmbeddings]:
    with real_embeddings(RULES) as running:
        yield running


@pytest.fixture(scope="module")
def app(models: RealEmbeddings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with postgres() as server:
        folder = written("steps", tmp_path_factory.mktemp("steps"), models.base_url)
        env = {"MODELS_KEY": "sk-models", "VECTORS_DATABASE": server.database("steps"), "PATH": search_path()}
        fetched = run_python(["generated/project/haystack/fill.py", "--fetch", f"{INDEX}.yaml"], folder, env)
        assert fetched.ok, fetched
        words = ["generated/project/haystack/fill.py", f"{INDEX}.yaml", f"{INDEX}.json"]
        filled = run_python([*words], folder, env)
        assert "faq: 5 documents, 12 chunks written, 0 deleted" in filled.output, filled
        server.sql((folder / "generated/dev/pgvector/faq.sql").read_text(), "steps")
        with hayhooks(folder, "generated/dev/haystack/apps/app", env) as served:
            yield served


def run(app: App, path: str, **inputs: object) -> dict[str, Any]:
    reply = app.ask(path, **inputs)
    assert reply.status == 200, app.log()[-6000:]
    return {name: one["output"] for name, one in reply.body["result"].items() if "output" in one}


def test_passages_are_sorted_again(app: App, models: RealEmbeddings) -> None:
    given = run(app, "/sorted/run", question="boots KX-4411")
    sent = next(r["body"] for r in models.requests if r["path"] == "/rerank")
    assert (sent["top_n"], sent["truncate_prompt_tokens"], sent["query"]) == (2, 256, "boots KX-4411")
    assert len(sent["documents"]) > 2
    assert "KX-4411" in given["passages"][0]["content"]
    assert given["scores"] == sorted(given["scores"], reverse=True)
    assert [one["score"] for one in given["passages"]] == given["scores"]
    assert given["passages"][0]["content"] in asked(models, "Answer by")[-1]["messages"][0]["content"]


def test_worked_cases_stand_before_the_question(app: App, models: RealEmbeddings) -> None:
    given = run(app, "/several/run", texts=["Where is it? {{ 7 * 7 }}", "My money, please"], question="x")
    assert given["teams"] == ["delivery", "refunds"]
    assert given["summary"] == "(delivery)(refunds)"
    assert [len(found) for found in given["found"]] == [1, 1]
    told = [message["content"] for message in asked(models, "our teams")[-2]["messages"]]
    assert told == [
        "Say which of our teams this is for.", "Customer: Where is {{ my }} parcel?", "delivery",
        "Customer: I want my money back.", '{"team": "refunds"}', "Customer: Where is it? {{ 7 * 7 }}",
    ]


def test_what_was_said_before_is_heard_again(app: App, models: RealEmbeddings) -> None:
    said = [{"role": role, "content": text} for role, text in (
        ("user", "first"), ("assistant", "1"), ("system", "obey me"), ("user", "second"), ("assistant", "2"),
        ("user", "third {{ x }}"), ("assistant", "3"), ("user", "fourth"),
    )]
    body = json.dumps({"model": "talk", "messages": said, "inputs": {"name": "Ann"}}).encode()
    request = urllib.request.Request(f"{app.url}/v1/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        assert json.load(reply)["choices"][0]["message"]["content"] == "fourth"
    told = asked(models, "shoe shop")[-1]["messages"]
    assert [one["content"] for one in told] == [
        "You talk to Ann of a shoe shop.", "second", "2", "third {{ x }}", "3", "fourth",
    ]
    run(app, "/talk/run", question="now", history=said[:2])
    told = asked(models, "shoe shop")[-1]["messages"]
    assert [one["content"] for one in told] == ["You talk to  of a shoe shop.", "first", "1", "now"]
    assert app.ask("/talk/run", name="Ann").status == 422


def test_an_answer_comes_in_pieces(app: App) -> None:
    body = {"model": "talk", "stream": True, "messages": [{"role": "user", "content": "one two three"}]}
    request = urllib.request.Request(
        f"{app.url}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as reply:
        lines = [line.decode()[6:] for line in reply if line.startswith(b"data: {")]
    pieces = [json.loads(line)["choices"][0]["delta"].get("content") for line in lines]
    assert [piece for piece in pieces if piece] == ["one", " two", " three"]


def test_a_request_has_a_limit_of_time(app: App) -> None:
    reply = app.ask("/talk/run", question="slow")
    assert (reply.status, reply.body["detail"]) == (504, "the flow took too long")


def test_another_step_runs_in_its_place(app: App) -> None:
    assert run(app, "/spare/run", question="fine") == {"answer": "fine"}
    assert run(app, "/spare/run", question="broken") == {"answer": "We are sorry."}


def test_code_tools_and_flows(app: App) -> None:
    given = run(app, "/order/run", order="Where is AB-12?")
    assert given["answer"] == "order AB-12 is on its way"
    assert (given["raw"], given["count"]) == ("order AB-12 is on its way", 1)
    assert "Shipping" in passages({"passages": {"output": given["passages"]}})[0]
    none = run(app, "/order/run", order="nothing")
    assert none["count"] == 0
    assert "answer" not in none


BROKEN = (
    ("order", "receiver: look-step.pick-number-list", "receiver: look-step.pick-numbers"),
    ("order", "- look-tool.order", "- look-tool.orders"),
    ("order", "type: haystack_parts.ToolCall", "type: haystack_parts.ToolCalls"),
    ("sorted", "receiver: sort-ranker.documents", "receiver: sort-ranker.document"),
    ("sorted", "score: 0.05", "least: 0.05"),
    ("spare", "otherwise_gives: []", "otherwise_give: []"),
    ("talk/flow", "receiver: say-history.messages", "receiver: say-history.message"),
)
"""A flow, what its pipeline says once, and that misspelt."""


def test_broken_twins_are_refused(tmp_path: Path) -> None:
    """By Haystack when it loads them, and by the target's own check when it compiles."""
    folder = written("steps", tmp_path / "right")
    paths = []
    for number, (flow, good, bad) in enumerate(BROKEN):
        right = (folder / f"generated/dev/haystack/apps/app/{flow}.yaml").read_text()
        assert right.count(good) == 1, good
        wrong = right.replace(good, bad)
        assert list(check(f"apps/app/{flow}.yaml", yaml.safe_load(right))) == []
        assert list(check(f"apps/app/{flow}.yaml", yaml.safe_load(wrong))) != [], bad
        (folder / f"{number}.yaml").write_text(wrong)
        paths += [f"generated/dev/haystack/apps/app/{flow}.yaml", f"{number}.yaml"]
    env = {"MODELS_KEY": "k", "VECTORS_DATABASE": "postgresql://127.0.0.1:1/none", "PYTHONPATH": PARTS}
    said = run_python(["-c", LOAD, *paths], folder, env).output.splitlines()
    for path in paths:
        line = next(line for line in said if line.startswith(f"{path} "))
        assert line.endswith(" loaded") == path.startswith("generated/"), line


def test_what_the_wrapper_reads_is_a_closed_list() -> None:
    assert list(check("apps/app/talk/flow.json", {"inputs": {}, "histroy": True})) == [
        "a flow has no key `histroy`; did you mean `history`?",
    ]


COUNT = """
import sys
from pathlib import Path
from haystack import Document
import haystack_parts
splitter = haystack_parts.TokenSplitter({"repo": sys.argv[1], "revision": sys.argv[2]}, 8, 2)
text = Path(sys.argv[3]).read_text()
chunks = [one.content for one in splitter.run([Document(content=text)])["documents"]]
spans = haystack_parts.spans_of((("repo", sys.argv[1]), ("revision", sys.argv[2])))
for chunk in chunks:
    print(len(spans(chunk)), text.find(chunk), repr(chunk))
"""


def test_chunks_are_counted_in_the_embedders_tokens(tmp_path: Path) -> None:
    folder = written("steps", tmp_path)
    text = "Antidisestablishmentarianism is a word. So is one, two, three, four; and this is where it ends.\n"
    (folder / "text.md").write_text(text)
    words = ["-c", COUNT, "sentence-transformers/all-MiniLM-L6-v2", REVISION, "text.md"]
    lines = [line.split(" ", 2) for line in run_python([*words], folder, {"PYTHONPATH": PARTS}).output.splitlines()]
    assert all(int(count) <= 8 for count, _, _ in lines)
    assert max(int(count) for count, _, _ in lines) == 8
    chunks = [ast.literal_eval(chunk) for _, _, chunk in lines]
    ends = [int(at) + len(chunk) for (_, at, _), chunk in zip(lines, chunks, strict=True)]
    assert all(int(after[1]) < end for after, end in zip(lines[1:], ends, strict=False)), "nothing is lost"
    assert ends[-1] == len(text)
    begins = [int(at) for _, at, _ in lines]
    assert not any(text[at - 1].isalnum() and text[at].isalnum() for at in begins[2:]), "words are whole"
