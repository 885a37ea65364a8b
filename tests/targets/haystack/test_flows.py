"""What steps of flows become, as hayhooks runs it: searches of both kinds, conditions, plans, agents with tools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.targets.haystack.support import App, hayhooks, run_python, written
from tests.tools.embeddings import RealEmbeddings, real_embeddings
from tests.tools.postgres import postgres
from tests.tools.toolbox import tool_python

pytestmark = pytest.mark.tools
RETURNS = {"intent": "returns", "urgent": True}
RULES: list[dict[str, Any]] = [
    {"when": {"system": "as JSON", "user": "return"}, "reply": RETURNS},
    {"when": {"system": "as JSON"}, "reply": {"intent": "other", "urgent": False}},
    {"when": {"user": "expanded queries"}, "reply": {"queries": ["money back for worn shoes", "send boots back"]}},
    {"when": {"system": "look orders up", "text": "on its way"}, "reply": "It is on its way."},
    {"when": {"system": "look orders up"}, "tool_calls": [{"name": "status", "arguments": {"order": "AB-1"}}]},
    {"when": {"path": "completions"}, "echo": "user"},
]


@pytest.fixture(scope="module")
def models() -> Iterator[RealEmbeddings]:
    with real_embeddings(RULES) as running:
        yield running


@pytest.fixture(scope="module")
def app(models: RealEmbeddings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The index is filled without its SQL: Haystack makes the table itself, and the SQL then finds it right."""
    with postgres() as server:
        folder = written("flows", tmp_path_factory.mktemp("flows"), models.base_url)
        uri = server.database("flows")
        env = {"MODELS_KEY": "sk-models", "VECTORS_DATABASE": uri, "PATH": search_path()}
        base = "generated/dev/haystack/indexes/faq"
        filled = run_python(["generated/project/haystack/fill.py", f"{base}.yaml", f"{base}.json"], folder, env)
        assert "faq: 5 documents, 5 chunks written, 0 deleted" in filled.output, filled
        server.sql((folder / "generated/dev/pgvector/faq.sql").read_text(), "flows")
        with hayhooks(folder, "generated/dev/haystack/apps/app", env) as served:
            yield served


def search_path() -> str:
    """The environment's own `python` first: tools' servers are started by that name."""
    return f"{tool_python('haystack').parent}{os.pathsep}{os.environ['PATH']}"


def asked(models: RealEmbeddings, system: str) -> list[dict[str, Any]]:
    return [r["body"] for r in models.requests if system in r["system"]]


def passages(reply: Any) -> list[str]:
    return [one["content"] for one in reply["passages"]["output"]]


def test_meanings_and_words_together(app: App) -> None:
    reply = app.ask("/hybrid/run", question="boots KX-4411", language="en")
    assert reply.status == 200, app.log()
    found = passages(reply.body["result"])
    assert found[0] == "Article KX-4411 is a boot of black leather."
    assert len(found) == 2
    assert reply.body["result"]["answer"]["output"].startswith(f"[2026] {found[0]} [2026] {found[1]} | boots")
    german = app.ask("/hybrid/run", question="boots KX-4411", language="de").body["result"]
    assert passages(german) == ["Getragene Schuhe können binnen 30 Tagen zurückgegeben werden."]
    assert german["passages"]["output"][0]["meta"] == {"file": "data/faq.jsonl:3", "language": "de", "year": 2026}


def test_a_filter_takes_no_orders(app: App) -> None:
    """A request's value is a value, whatever stands in it."""
    for text in ("en'}]} or 1", "{{ 7 * 7 }}", "en', 'x': __import__('os')", "\\", "'", '"'):
        reply = app.ask("/hybrid/run", question="boots", language=text)
        assert reply.status == 200, app.log()
        assert passages(reply.body["result"]) == []


def test_words_alone(app: App) -> None:
    found = app.ask("/words/run", question="shipping").body["result"]
    assert passages(found) == ["Shipping is free from 50 euros."]


def test_what_hangs_on_a_condition_runs_where_it_holds(app: App, models: RealEmbeddings) -> None:
    yes = app.ask("/routed/run", question="May I return {{ worn }} shoes?").body["result"]
    assert yes["answer"]["output"].startswith("Passages: Worn shoes may be returned")
    assert yes["answer"]["output"].endswith("Question: May I return {{ worn }} shoes?")
    assert yes["urgent"]["output"] == "true"
    told = asked(models, "plain 'kind' words")[-1]
    assert told["messages"][0]["content"] == "Answer in {one} sentence, in plain 'kind' words."
    assert told["temperature"] == 0.2
    assert asked(models, "as JSON")[-1]["response_format"]["json_schema"]["name"] == "intent"
    before = len(asked(models, "plain 'kind' words"))
    no = app.ask("/routed/run", question="What is your name?").body["result"]
    assert (no["answer"]["output"], no["urgent"]["output"]) == ("Hello.", "false")
    assert len(asked(models, "plain 'kind' words")) == before
    assert asked(models, "You may write")[-1]["messages"][0]["content"] == "You may write {{ braces }} and {% tags %}."


def test_a_reply_holds_no_prompt(app: App) -> None:
    """What a pipeline gives and nothing takes is in hayhooks' reply: none of it may be the model's instructions."""
    for path, question in (("/routed/run", "What is your name?"), ("/routed/run", "return"), ("/order/run", "AB-1?")):
        reply = app.ask(path, question=question)
        assert reply.status == 200, app.log()
        for words in ("You may write", "plain 'kind'", "as JSON", "You look orders up"):
            assert words not in str(reply.body)


def test_a_model_plans_the_queries(app: App, models: RealEmbeddings) -> None:
    found = app.ask("/planned/run", question="refund").body["result"]
    assert "Worn shoes may be returned within 30 days." in passages(found)
    texts = [text for r in models.requests if r["path"] == "/embeddings" for text in listed(r["body"]["input"])]
    assert {"money back for worn shoes", "send boots back", "refund"} <= set(texts)


def listed(data: Any) -> list[str]:
    return data if isinstance(data, list) else [data]


def test_a_model_alone(app: App) -> None:
    vector = app.ask("/vector/run", text="a happy person").body["result"]["vector"]["output"]
    assert len(vector) == 384
    assert sum(one * one for one in vector) == pytest.approx(1, abs=1e-3)


def test_an_agent_calls_its_tools(app: App, models: RealEmbeddings) -> None:
    reply = app.ask("/order/run", question="Where is AB-1?")
    assert reply.status == 200, app.log()
    assert reply.body["result"]["answer"]["output"] == "It is on its way."
    first, second = asked(models, "look orders up")[-2:]
    assert [tool["function"]["name"] for tool in first["tools"]] == ["status"]
    returned = next(message for message in second["messages"] if message["role"] == "tool")
    assert "order AB-1 is on its way" in str(returned["content"])


