"""The example's workflows really run: act executes the compiled jobs, on a copy of the example as a repository."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e.support_rag import EXAMPLE, MASTER_KEY, PROVIDER_KEY, weights
from tests.tools import install
from tests.tools.postgres import postgres
from tests.tools.running import act_run
from tests.tools.toolbox import ToolResult, make_git_repo, tool_python

pytestmark = pytest.mark.chain

LAID_IN = ("litellm", "haystack", "nemo-guardrails", "inspect", "mcp")
"""Environments that the installer made from the locks that the jobs install, by the name that a job gives them."""


def stand_in(folder: Path) -> Path:
    """A `python` whose virtual environments are those of the installer: pip is asked for what is there already.

    It refuses a lock that is none of theirs.
    """
    folder.mkdir()
    laid_in = [lock for name in LAID_IN for lock in install.ENVIRONMENTS[name].locks]
    # what the database's script needs of its lock, Haystack's has as well
    laid_in.append(install.REPOSITORY / "targets" / "pgvector" / "lock" / "requirements.txt")
    locks = " ".join(f'"{lock}"' for lock in laid_in)
    pip = f"""#!/bin/bash
case "$1 $2" in
  "-m pip") for lock in {locks}; do cmp -s "${{@: -1}}" "$lock" && exit 0; done
    echo "no such lock: ${{@: -1}}"; exit 1 ;;
  "-m venv") from="$(dirname "$0")/env-$(basename "$3")" && mkdir -p "$3" && cp -r "$from" "$3/bin" ;;
  *) exec "REAL" "$@" ;;
esac
"""
    for name in LAID_IN:
        real = tool_python(name)
        programs = folder / f"env-{name}"
        programs.mkdir()
        for program in real.parent.iterdir():
            if not program.name.startswith("python"):
                (programs / program.name).symlink_to(program)
        (programs / "python").write_text(pip.replace("REAL", str(real)))
        (programs / "python").chmod(0o755)
    (folder / "python").write_text(pip.replace("REAL", sys.executable))
    (folder / "python").chmod(0o755)
    return folder


def nothing_kept(folder: Path) -> Path:
    """A `gh` in a repository whose branch has kept no results yet."""
    folder.mkdir()
    (folder / "gh").write_text("""#!/bin/bash
case "$*" in
  "api --paginate repos/"*"/actions/artifacts?name="*) echo '{"total_count": 0, "artifacts": []}' ;;
  *) echo "not found" >&2; exit 1 ;;
esac
""")
    (folder / "gh").chmod(0o755)
    return folder


def release(folder: Path, secrets: dict[str, str], variables: dict[str, str]) -> ToolResult:
    """The jobs of a push up to the evals: the index is filled, then all four evals judge the guarded app."""
    workflow = folder / "repo" / ".github" / "workflows" / "llmops-support-rag-release.yml"
    make_git_repo(folder / "repo")
    return act_run(
        workflow, folder / "repo", "push", secrets=secrets, variables=variables, job="evals",
        artifacts=folder / "artifacts", python_bin=stand_in(folder / "python"), timeout=500,
        env={"HF_HUB_OFFLINE": "1"}, path=[nothing_kept(folder / "gh")], payload={"ref": "refs/heads/main"},
    )  # fmt: skip


def started(folder: Path, edit: tuple[str, str] | None = None) -> ToolResult:
    shutil.copytree(EXAMPLE, folder / "repo", ignore=shutil.ignore_patterns(".llmops", "node_modules"))
    if edit is not None:
        suite = folder / "repo" / "generated" / "ci" / "promptfoo" / "policy_facts.yaml"
        assert edit[0] in suite.read_text()
        suite.write_text(suite.read_text().replace(*edit))
    with weights() as (_, told), postgres() as database:
        keys = ("OPENAI_API_KEY", "MISTRAL_API_KEY", "LITELLM_MASTER_KEY")
        secrets = {**{name: told[name] for name in keys}, "PG_CONN_STR": database.database("shop")}
        return release(folder, secrets, {name: value for name, value in told.items() if name not in keys})


def test_the_release_is_green_although_the_primary_is_dead(tmp_path: Path) -> None:
    result = started(tmp_path)
    assert result.ok, result
    kept = {p.name: json.loads(p.read_text()) for p in (tmp_path / "artifacts").rglob("*.results.json")}
    facts = kept["policy_facts.results.json"]["results"]["stats"]
    assert (facts["failures"], facts["errors"]) == (0, 0)
    assert facts["successes"] > 0
    assert "no earlier results of main: nothing to compare with yet" in result.output
    scores = tmp_path / "artifacts" / "support-rag.ci.retrieval.baseline" / "retrieval.scores.json"
    assert json.loads(scores.read_text())["subjects"], "what the push to main measured is kept for what comes later"
    assert MASTER_KEY not in result.output
    assert PROVIDER_KEY not in result.output


def test_one_wrong_expectation_stops_the_release(tmp_path: Path) -> None:
    result = started(tmp_path, ("expected: fault", "expected: never"))
    assert not result.ok
    assert "1 failed" in result.output, result
