"""The real proxy with the compiled config of the case `traffic`: one start carries all of it.

A scripted server stands in for the models; what the proxy sent it is part of what is judged.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.litellm.exports import KEYLESS
from tests.e2e.fakeai import FakeAI
from tests.support.projects import MINIMAL
from tests.targets.test_cases import HERE, compile_case
from tests.tools.running import Proxy, Reply, litellm_proxy, post
from tests.tools.toolbox import ToolResult, require_tool, run_tool

pytestmark = pytest.mark.tools
MASTER_KEY, ALIVE_KEY = "sk-master-7d11c4", "sk-alive-93b0ea"
DEAD = [{"when": {}, "status": 503, "message": "not loaded"}]
ALIVE: list[dict[str, Any]] = [
    {"when": {"model": "flaky", "user": "twice"}, "times": 2, "status": 503, "message": "try again"},
    {"when": {"model": "slow", "user": "wait"}, "delay": 4, "reply": "too late"},
    {"when": {"model": "backup", "user": "hold"}, "delay": 2, "reply": "held"},
    {"when": {"path": "chat/completions"}, "echo": "user", "usage": {"prompt_tokens": 10, "completion_tokens": 5}},
]


@dataclass(frozen=True, slots=True)
class Running:
    proxy: Proxy
    dead: FakeAI
    alive: FakeAI

    def ask(self, model: str, text: str = "hello", key: str | None = MASTER_KEY) -> Reply:
        return self.proxy.chat(model, text, key)

    def asked(self, model: str) -> list[dict[str, Any]]:
        """What reached the models under that name."""
        return [r for r in (*self.dead.requests, *self.alive.requests) if r["body"].get("model") == model]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    config = tmp_path_factory.mktemp("gateway") / "main.yaml"
    config.write_bytes(compiled("traffic"))
    with FakeAI(DEAD) as dead, FakeAI(ALIVE) as alive:
        variables = {
            "DEAD_URL": dead.base_url, "ALIVE_URL": alive.base_url, "ALIVE_KEY": ALIVE_KEY, "OPENAI_API_KEY": "sk-none",
            "LITELLM_MASTER_KEY": MASTER_KEY,
        }
        with litellm_proxy(config, variables) as proxy:
            yield Running(proxy, dead, alive)


def compiled(case: str) -> bytes:
    result = compile_case(HERE / "litellm" / "cases" / case)
    return next(e.content for e in result.emitted if e.path.endswith("litellm/main.yaml"))


def test_no_setting_was_passed_over(running: Running) -> None:
    assert "is not a valid argument for Router" not in running.proxy.log()


def test_a_dead_backend_falls_back_and_a_server_without_key_answers(running: Running) -> None:
    reply = running.ask("answerer")
    assert (reply.status, reply.headers["x-litellm-attempted-fallbacks"]) == (200, "1")
    sent = running.asked("backup")[-1]
    assert sent["bearer"] == "none"
    assert (sent["body"]["temperature"], sent["body"]["min_p"]) == (0.2, 0.05)


def test_a_failed_request_is_tried_again(running: Running) -> None:
    reply = running.ask("flaky", "twice")
    assert reply.status == 200, reply.body
    assert len(running.asked("flaky")) == 3


def test_a_limit_is_kept(running: Running) -> None:
    assert [running.ask("limited").status for _ in range(2)] == [200, 429]
    assert len(running.asked("limited")) == 1


def test_a_price_of_ones_own_counts_and_facts_are_told(running: Running) -> None:
    reply = running.ask("priced")
    assert float(reply.headers["x-litellm-response-cost"]) == pytest.approx(10 * 0.001 + 5 * 0.002)
    assert running.asked("priced")[-1]["bearer"] == ALIVE_KEY
    info = next(row for row in told(running)["data"] if row["model_name"] == "priced")["model_info"]
    assert (info["max_input_tokens"], info["max_output_tokens"], info["team"]) == (4096, 1024, "support")


def told(running: Running) -> Any:
    shown = {"Authorization": f"Bearer {MASTER_KEY}"}
    request = urllib.request.Request(f"{running.proxy.url}/model/info", headers=shown)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def test_a_spent_budget_ends_the_calls(running: Running) -> None:
    assert running.ask("budgeted").status == 200
    deadline = time.monotonic() + 20
    while running.ask("budgeted").status == 200:
        assert time.monotonic() < deadline, "the budget of a millionth was never spent"
        time.sleep(0.5)
    assert running.ask("budgeted").status in (400, 429)


def test_a_slow_answer_is_not_waited_for(running: Running) -> None:
    assert running.ask("slow", "wait").status == 408


def test_a_backend_of_weight_zero_gets_nothing(running: Running) -> None:
    before = len(running.dead.requests)
    assert {running.ask("weighed").status for _ in range(8)} == {200}
    assert len(running.dead.requests) == before


def test_equal_embeddings_are_asked_for_once(running: Running) -> None:
    body = {"model": "embedder", "input": "equal words"}
    replies = [post(f"{running.proxy.base_url}/embeddings", body, MASTER_KEY) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert len({str(reply.body["data"][0]["embedding"]) for reply in replies}) == 1
    assert len(running.asked("embedder")) < 3


def test_a_chat_is_not_cached(running: Running) -> None:
    for _ in range(2):
        running.ask("backup", "the same words")
    assert len([r for r in running.asked("backup") if "the same words" in str(r["body"])]) == 2


def test_a_wrong_key_is_refused(running: Running) -> None:
    assert running.ask("backup", key="sk-wrong").status in (400, 401)
    assert running.ask("backup", key=None).status == 401


def test_more_than_the_whole_gateway_takes_is_refused(running: Running) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(running.ask("backup", "hold").status)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {200, 503}


def test_without_a_master_key_it_does_not_start(tmp_path: Path) -> None:
    config = tmp_path / "main.yaml"
    config.write_bytes(compiled("traffic"))
    with pytest.raises(RuntimeError, match="refused to start"), litellm_proxy(config, {"ALIVE_URL": "http://127.0.0.1:1"}):
        pass


def test_a_gateway_that_asks_for_no_key_serves_a_job(tmp_path: Path) -> None:
    """A job that starts it for itself passes the setting without which the proxy refuses to start."""
    config = tmp_path / "main.yaml"
    project = {**MINIMAL, "conf/model/answerer.yaml": KEYLESS_MODEL}
    result = compile_project(Memory({k: v.encode() for k, v in project.items()}), Request())
    config.write_bytes(next(e.content for e in result.emitted if e.path.endswith("litellm/main.yaml")))
    workflow = next(e.content.decode() for e in result.emitted if e.target == "github-actions")
    assert f"{KEYLESS}:" in workflow
    with FakeAI(ALIVE) as models, litellm_proxy(config, {KEYLESS: "True", "MODEL_URL": models.base_url}) as proxy:
        assert proxy.chat("answerer", "hello").status == 200


KEYLESS_MODEL = """\
weights: {repo: Qwen/Qwen3-8B, revision: b968826d9c46dd6066d109eabc6255188de91218}
endpoint: {url: {variable: MODEL_URL}, auth: none}
"""
STRICT = """
import asyncio, litellm, sys, yaml
async def start(config):
    litellm.Router(model_list=config["model_list"], **config["router_settings"])
asyncio.run(start(yaml.safe_load(open(sys.argv[1]))))
"""


def route_strictly(folder: Path, text: str) -> ToolResult:
    """The router's own constructor, which takes no key that it does not know."""
    (folder / "main.yaml").write_text(text)
    (folder / "strict.py").write_text(STRICT)
    settings = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AZURE_API_KEY"), "x")
    settings["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    python = require_tool("litellm").parent / "python"
    return run_tool([python, folder / "strict.py", folder / "main.yaml"], folder, settings)


@pytest.mark.parametrize("case", ["gateway", "traffic"])
def test_the_router_takes_every_setting(case: str, tmp_path: Path) -> None:
    assert route_strictly(tmp_path, compiled(case).decode()).ok


@pytest.mark.parametrize(
    ("good", "bad"),
    [("allowed_fails:", "allowed_fail:"), ("routing_strategy: simple-shuffle", "routing_strategy: simple-shufle")],
)
def test_the_router_refuses_a_misspelt_twin(good: str, bad: str, tmp_path: Path) -> None:
    text = compiled("gateway").decode()
    assert good in text
    assert not route_strictly(tmp_path, text.replace(good, bad)).ok
