"""The compiled graphs, run by LangGraph with their tools behind the real server of functions: one start for all runs.

A scripted server stands in for the models' weights; it keeps what it was asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmops.targets.langgraph.known import check
from tests.e2e.fakeai import FakeAI
from tests.targets.langgraph.kit import CASES, KEY, calls, runs, write
from tests.targets.test_cases import compile_case
from tests.tools.toolbox import require_tool, run_tool

CASE = CASES / "team"
ORDER = {"order": "AB123456"}


RULES: list[dict[str, Any]] = [
    {"when": {"system": "Write a short summary"}, "reply": "SUMMARY"},
    {"when": {"system": "how sure"}, "reply": {"sure": 0.5}},
    {"when": {"user": "loop"}, **calls("status", order="CD000000")},
    {"when": {"text": "was sent"}, "reply": "It was sent."},
    {"when": {"user": "where", "system": "SHOES"}, **calls("status", **ORDER)},
    {"when": {"system": "SHOES", "user": "money"}, **calls("transfer_to_billing")},
    {"when": {"text": "did not agree"}, "reply": "Then not."},
    {"when": {"text": "refund of AB123456 started"}, "reply": "Your money comes."},
    {"when": {"system": "settle bills", "user": "money"}, **calls("refund", **ORDER)},
    {"when": {"text": "Kept."}, "reply": "I keep that."},
    {"when": {"user": "I like boots"}, **calls("remember", fact="likes boots")},
    {"when": {"text": "likes boots"}, "reply": "You like boots."},
    {"when": {"user": "What do I like"}, **calls("recall", about="liking")},
    {"when": {"path": "chat/completions"}, "echo": "user"},
]
SHOP = {"shop": "shoes"}
RUNS: dict[str, dict[str, Any]] = {
    "plain": {"graph": "support", "inputs": SHOP, "turns": ["Hello"]},
    "tool": {"graph": "support", "inputs": SHOP, "turns": ["where is it"]},
    "agreed": {"graph": "support", "inputs": SHOP, "turns": ["money please", {"resume": True}]},
    "refused": {"graph": "support", "inputs": SHOP, "turns": ["money please", {"resume": "no"}]},
    "loop": {"graph": "support", "inputs": SHOP, "turns": ["loop"]},
    "long talk": {"graph": "support", "inputs": SHOP, "turns": ["one", "two", "three", "four"]},
    "missing": {"graph": "support", "turns": ["Hello"]},
    "judged": {"graph": "judge", "turns": ["Is it so?"]},
    "keeps": {"graph": "keeper", "user": "ann", "turns": ["I like boots"]},
    "recalls": {"graph": "keeper", "user": "ann", "turns": ["What do I like"]},
    "another": {"graph": "keeper", "user": "bob", "turns": ["What do I like"]},
    "nobody": {"graph": "keeper", "turns": ["I like boots"]},
}


@dataclass(frozen=True, slots=True)
class Found:
    root: Path
    app: Path
    runs: dict[str, list[dict[str, Any]]]
    graphs: list[str]
    asked: list[dict[str, Any]]

    def sent(self, words: str) -> list[dict[str, Any]]:
        """The requests whose last words of a person are these."""
        return [r for r in self.asked if said_last(r["body"]) == words]


def said_last(body: dict[str, Any]) -> str:
    return str([m["content"] for m in body["messages"] if m["role"] == "user"][-1])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    root = tmp_path_factory.mktemp("shop")
    app = write("team", root)
    with FakeAI(RULES) as models:
        told = runs(app, RUNS, models.base_url)
        return Found(root, app, told["runs"], told["graphs"], list(models.requests))


@pytest.mark.tools
def test_the_module_holds_the_graphs_that_the_file_names(found: Found) -> None:
    assert found.graphs == ["judge", "keeper", "support"]
    config = json.loads((found.app / "langgraph.json").read_text())
    assert config["graphs"] == {name: f"./graphs.py:{name}" for name in found.graphs}


@pytest.mark.tools
def test_a_model_is_asked_as_the_configs_say(found: Found) -> None:
    assert found.runs["plain"][0]["said"] == "Hello"
    (sent,) = found.sent("Hello")
    body = sent["body"]
    assert sent["bearer"] == KEY
    assert (body["model"], body["temperature"], body["seed"]) == ("gpt-5.4-mini-2026-03-17", 0.2, 3)
    assert body["max_completion_tokens"] == 300
    assert body["messages"][0] == {
        "role": "system", "content": "You help the customers of SHOES. Hand over to billing for money.",
    }
    offered = {one["function"]["name"]: one["function"] for one in body["tools"]}
    assert set(offered) == {"status", "transfer_to_billing"}
    assert offered["transfer_to_billing"]["description"].endswith("Settles bills and starts refunds.")
    assert offered["status"]["parameters"]["required"] == ["order"]


@pytest.mark.tools
def test_a_tool_is_called_by_its_server(found: Found) -> None:
    assert found.runs["tool"][0]["said"] == "It was sent."
    assert found.runs["tool"][0]["calls"] == {"support": 2}


@pytest.mark.tools
def test_the_conversation_is_handed_over_and_a_person_is_asked_first(found: Found) -> None:
    stopped, done = found.runs["agreed"]
    assert stopped["asks"] == [{"tool": "refund", "arguments": ORDER}]
    assert stopped["active"] == "billing"
    assert done["said"] == "Your money comes."
    assert (found.root / "refunds.txt").read_text() == "AB123456\n", "refunds that nobody agreed to were made"


@pytest.mark.tools
def test_without_agreement_the_tool_is_not_called(found: Found) -> None:
    stopped, done = found.runs["refused"]
    assert stopped["asks"] == [{"tool": "refund", "arguments": ORDER}]
    assert done["said"] == "Then not."


@pytest.mark.tools
def test_the_last_step_is_made_without_tools(found: Found) -> None:
    sent = [r["body"] for r in found.sent("loop")]
    assert ["tools" in body for body in sent] == [True, True, False]
    assert found.runs["loop"][0]["calls"] == {"support": 3}


@pytest.mark.tools
def test_a_conversation_keeps_its_window_and_a_summary(found: Found) -> None:
    (sent,) = found.sent("four")
    assert [m["content"] for m in sent["body"]["messages"] if m["role"] == "user"] == ["three", "four"]
    assert "What was said before, in short: SUMMARY" in json.dumps(sent["body"]["messages"])
    assert [turn["summary"] for turn in found.runs["long talk"]] == [None, None, "SUMMARY", "SUMMARY"]
    assert found.runs["long talk"][3]["count"] == 8


@pytest.mark.tools
def test_a_variable_that_is_missing_is_told(found: Found) -> None:
    assert found.runs["missing"] == [{"error": "ValueError: `inputs` lacks shop"}]


@pytest.mark.tools
def test_an_answer_follows_its_schema(found: Found) -> None:
    assert found.runs["judged"][0]["output"] == {"sure": 0.5}
    (sent,) = found.sent("Is it so?")
    assert sent["body"]["response_format"]["json_schema"]["schema"]["required"] == ["sure"]


@pytest.mark.tools
def test_facts_are_kept_for_whom_they_are(found: Found) -> None:
    assert found.runs["keeps"][0]["said"] == "I keep that."
    assert found.runs["recalls"][0]["said"] == "You like boots."
    last = found.sent("What do I like")
    assert [r["body"]["messages"][-1]["content"] for r in last if r["body"]["messages"][-1]["role"] == "tool"] == [
        "likes boots", "Nothing was kept.",
    ]  # fmt: skip
    told = [r["body"]["messages"][-1]["content"] for r in found.sent("I like boots")]
    assert told[-1] == "Nothing can be kept: nobody is known to keep it for."
    assert found.asked[-1]["body"]["messages"][0]["content"] == "Remember what {{ people }} tell you."


@pytest.mark.tools
def test_the_command_line_takes_the_file_and_refuses_broken_twins(found: Found, tmp_path: Path) -> None:
    program = require_tool("langgraph")
    config = json.loads((found.app / "langgraph.json").read_text())
    twins = {
        "langgraph.json": config, "module.json": {**config, "graphs": {"support": "./graph.py:support"}},
        "place.json": {**config, "graphs": {"support": "./graphs.py"}}, "empty.json": {**config, "dependencies": []},
    }  # fmt: skip
    made = {}
    for name, twin in twins.items():
        (found.app / name).write_text(json.dumps(twin))
        made[name] = run_tool([program, "dockerfile", "-c", name, tmp_path / name], found.app)
    assert [result.ok for result in made.values()] == [True, False, False, False], made
    written = (tmp_path / "langgraph.json").read_text()
    assert "name = \"app\"" in written, "a package called langgraph would take the place of LangGraph"
    assert '"support": "/deps/outer-app/src/graphs.py:support"' in written
    assert "COPY --from=outer-agent_graphs . /deps/outer-agent_graphs/agent_graphs" in written, "it is a package"


def test_what_nobody_reads_is_told() -> None:
    data = {Path(e.path).name: e.data for e in compile_case(CASE).emitted if e.target == "langgraph"}
    agents, config = data["app.json"], data["langgraph.json"]
    assert [*check("app/app.json", agents), *check("app/langgraph.json", config)] == []
    agents = json.loads(json.dumps(agents))
    agents["agents"]["support"]["max_step"] = agents["agents"]["support"].pop("max_steps")
    agents["agents"]["support"]["handoffs"] = ["biling"]
    agents["agents"]["support"]["memory"]["short"]["windw"] = 1
    agents["servers"]["refund"]["confrm"] = ["refund"]
    assert list(check("app/app.json", agents)) == [
        "agent `support` has no key `max_step`; did you mean `max_steps`?",
        "short memory of agent `support` has no key `windw`; did you mean `window`?",
        "agent `support` names `biling`, which is not among the agents",
        "server `refund` has no key `confrm`; did you mean `confirm`?",
    ]
    assert list(check("app/langgraph.json", {**config, "graph": {}, "store": {"tll": 1}})) == [
        "the file has no key `graph`; did you mean `graphs`?", "store has no key `tll`; did you mean `ttl`?",
    ]  # fmt: skip
