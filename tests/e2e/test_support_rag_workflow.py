"""The example's workflows really run: act executes the compiled jobs, on a copy of the example as a repository."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fakeai import FakeAI
from tests.e2e.support_rag import DEAD, EXAMPLE, MASTER_KEY, PROVIDER_KEY, answers
from tests.tools.running import act_run
from tests.tools.toolbox import ToolResult, make_git_repo

pytestmark = pytest.mark.chain


@contextlib.contextmanager
def models() -> Iterator[dict[str, str]]:
    """A dead primary, a fallback and a judge: where CI finds them."""
    with FakeAI(DEAD) as primary, FakeAI(answers()) as backup, FakeAI(answers()) as judge:
        yield {"ANSWERER_URL": primary.base_url, "BACKUP_URL": backup.base_url, "JUDGE_URL": judge.base_url}


def repository(folder: Path) -> Path:
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".llmops", "node_modules"))
    return folder


def run_evals(repo: Path, variables: dict[str, str], artifacts: Path) -> ToolResult:
    """The `evals` job of the release, which runs both suites."""
    make_git_repo(repo)
    secrets = {"OPENAI_API_KEY": PROVIDER_KEY, "MISTRAL_API_KEY": PROVIDER_KEY, "LITELLM_MASTER_KEY": MASTER_KEY}
    workflow = repo / ".github" / "workflows" / "llmops-support-rag-release.yml"
    return act_run(
        workflow, repo, "push", secrets=secrets, variables=variables, job="evals", artifacts=artifacts,
        prefilled=("litellm",), timeout=400,
    )


def test_the_release_is_green_although_the_primary_is_dead(tmp_path: Path) -> None:
    with models() as variables:
        result = run_evals(repository(tmp_path / "repo"), variables, tmp_path / "artifacts")
    assert result.ok, result.output
    kept = {p.name: json.loads(p.read_text()) for p in (tmp_path / "artifacts").rglob("*.results.json")}
    stats = {name: data["results"]["stats"] for name, data in kept.items()}
    assert {name: (s["successes"], s["failures"], s["errors"]) for name, s in stats.items()} == {
        "answer_quality.results.json": (3, 0, 0), "policy_facts.results.json": (4, 0, 0),
    }
    assert MASTER_KEY not in result.output
    assert PROVIDER_KEY not in result.output


def test_one_wrong_expectation_stops_the_release(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    suite = repo / "generated" / "ci" / "promptfoo" / "policy_facts.yaml"
    suite.write_text(suite.read_text().replace("expected: fault", "expected: never"))
    with models() as variables:
        result = run_evals(repo, variables, tmp_path / "artifacts")
    assert not result.ok
    assert "1 failed" in result.output, result.output
