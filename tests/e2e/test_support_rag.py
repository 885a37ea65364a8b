"""The example's chain runs from what `--env ci` wrote, byte for byte: gateway, fallback, gate."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support_rag import COMPILED, DEAD, MASTER_KEY, PROVIDER_KEY, Chain, answers, running
from tests.tools.toolbox import ToolResult, promptfoo_eval, promptfoo_validate

pytestmark = pytest.mark.chain
EVALS = ("policy_facts", "answer_quality")


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """The gateway as compiled; the primary is dead."""
    with running() as started:
        yield started


def run_eval(name: str, chain: Chain, folder: Path, out: Path) -> tuple[ToolResult, dict[str, int]]:
    result = promptfoo_eval(folder / "promptfoo" / f"{name}.yaml", out, {**chain.variables, **SETTINGS})
    stats = json.loads(out.read_text())["results"]["stats"] if out.is_file() else {}
    return result, stats


SETTINGS = {"PROMPTFOO_PASS_RATE_THRESHOLD": "100"}


def test_the_fallback_answers_while_the_primary_is_dead(chain: Chain) -> None:
    system = json.loads((COMPILED / "promptfoo" / "prompts" / "answer.json").read_text())[0]
    reply = chain.proxy.chat("answerer", "May I return worn shoes?", MASTER_KEY, messages=[
        system, {"role": "user", "content": "May I return worn shoes?"},
    ])
    assert reply.status == 200
    assert "fault" in reply.body["choices"][0]["message"]["content"]
    assert reply.headers["x-litellm-attempted-fallbacks"] == "1"
    assert chain.models.requests[-1]["bearer"] == PROVIDER_KEY


def test_a_wrong_key_is_refused(chain: Chain) -> None:
    assert chain.proxy.chat("answerer", "May I return worn shoes?", "sk-wrong").status in (400, 401)


@pytest.mark.parametrize("name", EVALS)
def test_the_gate_is_green(name: str, chain: Chain, tmp_path: Path) -> None:
    assert promptfoo_validate(COMPILED / "promptfoo" / f"{name}.yaml", chain.variables).ok
    result, stats = run_eval(name, chain, COMPILED, tmp_path / "results.json")
    assert (result.exit_code, stats["failures"], stats["errors"]) == (0, 0, 0), result.output
    assert stats["successes"] > 0


def test_one_wrong_expectation_turns_the_gate_red(chain: Chain, tmp_path: Path) -> None:
    copy = tmp_path / "ci"
    shutil.copytree(COMPILED, copy)
    suite = copy / "promptfoo" / "policy_facts.yaml"
    suite.write_text(suite.read_text().replace("expected: fault", "expected: never"))
    result, stats = run_eval("policy_facts", chain, copy, tmp_path / "results.json")
    assert (result.exit_code, stats["failures"]) == (100, 1), result.output


def test_without_the_fallback_the_gate_is_red(chain: Chain, tmp_path: Path) -> None:
    chain.models.script(DEAD)
    try:
        result, stats = run_eval("policy_facts", chain, COMPILED, tmp_path / "results.json")
    finally:
        chain.models.script(answers())
    assert result.exit_code == 100, result.output
    assert stats["errors"] > 0
