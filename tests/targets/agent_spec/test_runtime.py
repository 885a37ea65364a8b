"""The documents, loaded by the standard's own package and run by WayFlow: one start for all.

A scripted server stands in for the models' weights; it keeps what it was asked.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmops.targets.agent_spec.known import check
from tests.e2e.fakeai import FakeAI
from tests.targets.test_cases import HERE, compile_case, project_files
from tests.tools.running import free_port
from tests.tools.toolbox import clean_environment, end_group, own_home, require_tool

pytestmark = pytest.mark.tools
CASE = HERE / "agent_spec" / "cases" / "team"
RUN = Path(__file__).parent / "run.py"
KEY = "sk-models-41c7"
ADDRESS = "http://127.0.0.1:9/v1"
TOOLS = "http://127.0.0.1:8765/mcp"
"""Where the case's models and functions are; what is run is pointed at servers that this test starts."""
RULES: list[dict[str, Any]] = [
    {"when": {"text": "What does this ask for? where"}, "reply": {"intent": "other", "sure": 0.9}},
    {"when": {"text": "What does this ask for?"}, "reply": {"intent": "refund", "sure": 0.9}},
    {"when": {"text": {"regex": "Repeat|Pay|Say something"}}, "echo": "text"},
    {"when": {"text": "Passages:"}, "echo": "text"},
    {"when": {"text": "note about refund"},
     "tool_calls": [{"name": "submit_result", "arguments": {"text": "A note."}}]},
    {"when": {"system": "You settle bills"}, "tool_calls": [{"name": "refund", "arguments": {"order": "AB123456"}}]},
    {"when": {"user": "I want my money"},
     "tool_calls": [{"name": "handoff_conversation", "arguments": {"recipient": "billing", "message": "money"}}]},
    {"when": {"path": "chat/completions"}, "reply": "How can I help?"},
]


def misspelt(text: str) -> str:
    return text.replace("component_type: LlmNode", "component_type: LlmNod")


def dangling(text: str) -> str:
    return text.replace("$component_ref: flow.answer.answer.model", "$component_ref: flow.answer.answer.modle")


def unbound(text: str) -> str:
    return text.replace("source_output: documents", "source_output: passages")


def without_model(text: str) -> str:
    return text.replace("    model_id: gpt-5.4-mini-2026-03-17\n", "")


TWINS: list[tuple[Callable[[str], str], str]] = [
    (misspelt, "LlmNod"), (dangling, "modle"), (unbound, "Error"), (without_model, "model_id"),
]


@dataclass(frozen=True, slots=True)
class Found:
    documents: dict[str, str]
    results: dict[str, Any]
    asked: list[dict[str, Any]]


@contextlib.contextmanager
def functions(root: Path) -> Iterator[str]:
    """The real server of the case's functions; its address."""
    for name, data in {**project_files(CASE), **{e.path: e.content for e in compile_case(CASE).emitted}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    port, generated = free_port(), root / "generated"
    command = [require_tool("mcp").parent / "python", generated / "project/mcp/server.py",
               generated / "dev/mcp/tools.json", "--http", "--port", str(port)]
    process = subprocess.Popen(command, env=clean_environment(root), start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        end_group(process)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    written = {e.path: e.content.decode() for e in compile_case(CASE).emitted if e.target == "agent-spec"}
    documents = {path.removeprefix("generated/dev/agent-spec/"): text for path, text in written.items()}
    python = require_tool("wayflow").parent / "python"
    registry = {"MODELS_KEY": KEY}
    root = tmp_path_factory.mktemp("shop")
    with FakeAI(RULES) as models, own_home() as home, functions(root) as tools:
        moved = {path: text.replace(ADDRESS, models.base_url) for path, text in documents.items()}
        here = {path: text.replace(TOOLS, tools) for path, text in moved.items()}
        jobs: dict[str, dict[str, Any]] = {path: {"load": text, "registry": registry} for path, text in here.items()}
        for twin, _ in TWINS:
            jobs[twin.__name__] = {"load": twin(here["flows/answer.yaml"]), "registry": registry}
        jobs["no registry"] = {"load": here["flows/answer.yaml"]}
        jobs["flow"] = {"run": here["flows/answer.yaml"], "inputs": {"question": "worn shoes"}, "registry": registry}
        alone = {"run": here["agents/writer.yaml"], "inputs": {"topic": "laces"}, "say": ["Hello"]}
        jobs["agent"] = {**alone, "registry": registry}
        asked = {"question": "money back", "order": "AB123456"}
        jobs["all"] = {"run": here["flows/note.yaml"], "inputs": asked, "registry": registry}
        for name, question, order in (("paid", "pay me", "AB123456"), ("another", "pay me", "CD000000"),
                                      ("sent", "where is it", "AB123456")):
            told = {"question": question, "order": order, "topics": ["boots", "laces"]}
            jobs[name] = {"run": here["flows/sort.yaml"], "inputs": told, "registry": registry}
        jobs["swarm"] = {"run": here["agents/support.yaml"], "inputs": {"shop": "Shoes"}, "say": ["I want my money"],
                         "registry": registry}  # fmt: skip
        done = subprocess.run([python, RUN], input=json.dumps(list(jobs.values())), capture_output=True, text=True,
                              check=False, env=clean_environment(home), cwd=home, timeout=120)  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        results = dict(zip(jobs, json.loads(done.stdout.splitlines()[-1]), strict=True))
        yield Found(documents, results, list(models.requests))


def test_every_document_is_one_of_the_standard(found: Found) -> None:
    kinds = {"support": "Swarm", "billing": "Swarm", "writer": "Agent", "reader": "Agent", "answer": "Flow",
             "note": "Flow", "sort": "Flow"}  # fmt: skip
    for path in found.documents:
        name = Path(path).stem
        assert found.results[path] == {"type": kinds[name], "name": name}, path


@pytest.mark.parametrize(("twin", "word"), TWINS, ids=[twin.__name__ for twin, _ in TWINS])
def test_a_broken_twin_is_refused(twin: Callable[[str], str], word: str, found: Found) -> None:
    assert word in found.results[twin.__name__]["error"]


def test_a_key_is_a_reference_that_must_be_given(found: Found) -> None:
    assert "MODELS_KEY" in found.results["no registry"]["error"]
    assert all(KEY not in text for text in found.documents.values())


def test_a_flow_runs(found: Found) -> None:
    outputs = found.results["flow"]["outputs"]
    assert outputs["passages"] == ["passage on worn shoes", "worn shoes stay"]
    assert "passage on worn shoes" in outputs["answer"]
    sent = next(r for r in found.asked if "Passages:" in json.dumps(r["body"]))
    assert sent["bearer"] == KEY
    body = sent["body"]
    assert (body["model"], body["temperature"], body["seed"]) == ("gpt-5.4-mini-2026-03-17", 0, 7)
    assert body["max_completion_tokens"] == 200


def test_an_agent_runs(found: Found) -> None:
    assert found.results["agent"] == {"said": "How can I help?"}
    assert any("Write a short note about laces." in json.dumps(r["body"]) for r in found.asked)


def test_a_flow_calls_functions_flows_and_agents(found: Found) -> None:
    outputs = found.results["all"]["outputs"]
    assert outputs.pop("answer").endswith("Question: money back")
    assert outputs == {"note": "A note.", "where": "AB123456 was sent", "kind": "refund"}


def test_steps_run_by_their_conditions_and_for_each_entry(found: Found) -> None:
    assert "error" not in found.results["paid"], found.results["paid"]
    outputs = {name: found.results[name]["outputs"] for name in ("paid", "another", "sent")}
    assert {name: one["answer"] for name, one in outputs.items()} == {
        "paid": "Pay AB123456 back.", "another": "", "sent": "AB123456 was sent",
    }
    assert {name: one["said"] for name, one in outputs.items()} == {
        "paid": "Repeat: []", "another": "Repeat: []", "sent": "Repeat: [AB123456 was sent]",
    }
    assert outputs["another"]["notes"] == [f"Say something about {topic} for CD000000." for topic in ("boots", "laces")]


def test_a_conversation_is_handed_over_and_a_tool_asks_first(found: Found) -> None:
    assert found.results["swarm"] == {"asks": [{"name": "refund", "args": {"order": "AB123456"}}]}


def test_what_the_loader_passes_over_is_told() -> None:
    data = {e.path: e.data for e in compile_case(CASE).emitted if e.target == "agent-spec"}
    flow = data["generated/dev/agent-spec/flows/answer.yaml"]
    assert list(check("flows/answer.yaml", flow)) == []
    broken = json.loads(json.dumps(flow))
    broken["descripton"] = "x"
    broken["$referenced_components"]["flow.answer.answer"]["promt_template"] = "x"
    broken["$referenced_components"]["index.policies"]["component_type"] = "ServrTool"
    broken["$referenced_components"]["flow.answer.end"]["id"] = "end"
    assert list(check("flows/answer.yaml", broken)) == [
        "a Flow has no field `descripton`; did you mean `description`?",
        "there is no component of type `ServrTool`; did you mean `ServerTool`?",
        "a LlmNode has no field `promt_template`; did you mean `prompt_template`?",
        "the component `flow.answer.end` calls itself `end`",
    ]
