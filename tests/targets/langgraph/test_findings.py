"""What LangGraph cannot express, each told at its place; no graph is written that would do something else."""

from __future__ import annotations

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.targets.langgraph.kit import CASES
from tests.targets.test_cases import project_files

AGENT, FLOW, APP = "conf/agent/judge.yaml", "conf/flow/pay.yaml", "conf/deployment/app.yaml"
Place = tuple[str, int, int]


def compiled(case: str, changes: dict[str, str]) -> Compilation:
    files = {**project_files(CASES / case), **{name: text.encode() for name, text in changes.items()}}
    return compile_project(Memory(files), Request())


def told(made: Compilation) -> list[tuple[str, Place]]:
    """What the target said, in the order of the places."""
    found = [d for d in made.diagnostics if d.code == "TGT002" and d.severity in ("error", "warning")]
    return [
        (d.message.removeprefix("langgraph cannot express this: "),
         (d.labels[0].span.file, d.labels[0].span.line, d.labels[0].span.column))
        for d in found if "memories are in the store" not in d.message
    ]  # fmt: skip


BASE = "framework: langgraph\nmodel: answerer\nprompt: judge\nmax_steps: 1\n"
AGENTS: list[tuple[str, str, int, int]] = [
    (f"{BASE}budget: {{eur_per_run: 1}}\n", "the prices that it counts with are in US dollars", 5, 23),
    (f"{BASE}budget: {{usd_per_day: 1}}\n", "it keeps no count of what a day uses", 5, 23),
    (f"{BASE}approval: {{by: [team-support]}}\n",
     "whoever resumes the run agrees: it knows no teams, no conditions", 5, 11),
]  # fmt: skip
FLOWS: list[tuple[dict[str, str], str, Place]] = [
    ({FLOW: "inputs: {order: string}\nsteps: {pay: {tool: refund}}\noutputs: {done: pay}\naccess: internal\n"
            "history: {turns: 2}\n"}, "a flow has one turn", (FLOW, 5, 10)),
    ({FLOW: "inputs: {order: string}\nsteps: {pay: {tool: refund, cache: 1h}}\noutputs: {done: pay}\n"
            "access: internal\n"}, "nothing is kept", (FLOW, 2, 36)),
    ({APP: "engine: langgraph\nserves: {pay: {path: /pay, answer: done}}\n"},
     "its app says itself how it is called", (APP, 2, 36)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "line", "column"), AGENTS)
def test_what_an_agent_says_without_effect_is_told(text: str, message: str, line: int, column: int) -> None:
    made = compiled("team", {AGENT: text})
    assert told(made) == [(message, (AGENT, line, column))]
    assert any(e.path.endswith("app/app.json") for e in made.emitted)


@pytest.mark.parametrize(("changes", "message", "place"), FLOWS)
def test_what_a_flow_says_without_effect_is_told(changes: dict[str, str], message: str, place: Place) -> None:
    made = compiled("flows", changes)
    assert told(made) == [(message, place)]
    assert any(e.path.endswith("app/app.json") for e in made.emitted)


def test_a_model_that_speaks_otherwise_is_an_error() -> None:
    made = compiled("team", {"conf/model/answerer.yaml": "provider: anthropic\nid: claude-sonnet-4-5\n"})
    assert {message for message, _ in told(made)} == {
        "the runtime speaks to model.answerer in OpenAI's words alone"
    }
    assert [e.path for e in made.emitted if e.target == "langgraph"] == []


def test_a_tool_that_nothing_offers_is_an_error() -> None:
    files = project_files(CASES / "team")
    listed = files["conf/config.yaml"].replace(b"  - target: [mcp]\n", b"").decode()
    made = compiled("team", {"conf/config.yaml": listed})
    assert [message for message, _ in told(made)] == [
        "no target says how tool.refund is reached", "no target says how tool.status is reached",
    ]
    assert [e.path for e in made.emitted if e.target == "langgraph"] == []


def test_a_path_with_braces_is_an_error() -> None:
    made = compiled("flows", {APP: 'engine: langgraph\nserves: {pay: {path: "/pay/{order}"}}\n'})
    assert told(made) == [("a path with braces would take any word in their place", (APP, 2, 22))]
    assert [e.path for e in made.emitted if e.target == "langgraph"] == []
