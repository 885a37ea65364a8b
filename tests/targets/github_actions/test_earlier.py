"""Gates that compare with a branch: what a run keeps, what another brings, and what must never be brought.

The jobs run by act, with the gate's own script; `gh` and promptfoo are stand-ins.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.targets.github_actions.support import REPOSITORY, fake_tools, pipelines, program, pull_request
from tests.tools.toolbox import ToolResult, require_tool

pytestmark = pytest.mark.tools
ARTIFACT = "shop.ci.quality.baseline"
ONE = {"conf/pipeline/main.yaml": """\
engine: github-actions
triggers: {push: {branches: [main]}, schedule: {cron: "0 3 * * 1"}}
stages:
  evals: {eval: [quality]}
""", "conf/eval/tone.yaml": """\
runner: inspect
subject: {prompt: answer, model: answerer}
rows: [{vars: {question: May I return worn shoes?}, assert: [{type: not-contains, value: "!!"}]}]
gate: {pass_rate: 1.0}
"""}
PUSH = {"ref": "refs/heads/main", "before": "0" * 40, "repository": {"full_name": REPOSITORY}}
GOOD, WORSE = (1, 1), (1, 0)


def fake_gh(folder: Path) -> Path:
    """A `gh` that lists `artifacts.json`, tells of a run what `run-<id>.json` says, and downloads `kept/<id>/`."""
    program(folder, "gh", f"""#!/bin/bash
echo "$*" >> "{folder}/calls"
case "$*" in
  "api --paginate repos/{REPOSITORY}/actions/artifacts?name={ARTIFACT}&per_page=100") cat "{folder}/artifacts.json" ;;
  "api repos/{REPOSITORY}/actions/runs/"*) cat "{folder}/run-${{2##*/}}.json" ;;
  "run download $3 --repo {REPOSITORY} --name {ARTIFACT} --dir $9") mkdir -p "$9" && cp -R "{folder}/kept/$3/." "$9" ;;
  *) echo "not found" >&2; exit 1 ;;
esac
""")
    return folder


def kept(gh: Path, *runs: Mapping[str, Any]) -> None:
    """What the API says is kept: a run a row, the newest last. Each holds what `scores` says."""
    listed = []
    for number, run in enumerate(runs, 1):
        of = {"id": 100 + number, "repository_id": 1, "head_repository_id": 1, "head_branch": "main"}
        name, expired = run.get("name", ARTIFACT), run.get("expired", False)
        listed.append({"name": name, "expired": expired, "created_at": f"2026-11-{number:02}T10:00:00Z",
                       "workflow_run": {**of, **run.get("of", {})}})
        about = {
            "event": "push", "head_branch": "main", "head_repository": {"full_name": REPOSITORY},
            "head_sha": f"sha-{number}", "html_url": f"https://github.com/runs/{number}",
            "path": ".github/workflows/llmops-shop-main.yml@main",
        }  # fmt: skip
        (gh / f"run-{100 + number}.json").write_text(json.dumps({**about, **run.get("about", {})}))
        folder = gh / "kept" / str(100 + number)
        folder.mkdir(parents=True)
        for file, text in run.get("files", {"quality.scores.json": json.dumps(number)}).items():
            (folder / file).write_text(text)
    # two pages, as `--paginate` gives them: one after the other
    pages = ({"artifacts": listed[:1]}, {"artifacts": listed[1:]})
    (gh / "artifacts.json").write_text("\n".join(json.dumps(page) for page in pages))


# --- where earlier results come from -----------------------------------------------------------------------------

FORGED: dict[str, dict[str, Any]] = {
    "a fork's branch that is called main": {"of": {"head_repository_id": 2}},
    "a fork, as the run itself says": {"about": {"head_repository": {"full_name": "mallory/app"}}},
    "a pull request": {"about": {"event": "pull_request"}},
    "a pull request that runs with the base's rights": {"about": {"event": "pull_request_target"}},
    "started by hand": {"about": {"event": "workflow_dispatch"}},
    "another branch": {"of": {"head_branch": "feature"}, "about": {"head_branch": "feature"}},
    "another workflow": {"about": {"path": ".github/workflows/mine.yml"}},
    "another name": {"name": f"{ARTIFACT}.other"},
    "expired": {"expired": True},
    "this very run, before it was started again": {"of": {"id": 99}},
}


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The step that brings earlier results, as it was compiled."""
    workflow = pipelines("compared", tmp_path_factory.mktemp("step"), ONE)["pull_request"]
    job = yaml.safe_load(workflow.read_text())["jobs"]["evals-quality"]
    return next(dict(one) for one in job["steps"] if one.get("id") == "earlier-quality")


def bring(step: Mapping[str, Any], gh: Path, folder: Path, **more: str) -> tuple[int, str]:
    """The step's script as a runner starts it."""
    folder.mkdir(exist_ok=True)
    (folder / "temp").mkdir()
    env = {
        **{name: text for name, text in step["env"].items() if name != "GH_TOKEN"},
        "PATH": f"{gh}{os.pathsep}{os.environ['PATH']}", "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_RUN_ID": "99",
        "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge", "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_OUTPUT": str(folder / "output"), **more,
    }  # fmt: skip
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("forged", FORGED.values(), ids=list(FORGED))
def test_what_somebody_else_uploaded_is_never_brought(
    forged: dict[str, Any], step: dict[str, Any], tmp_path: Path
) -> None:
    """It is newer than the one that counts, and stands before it."""
    gh = fake_gh(tmp_path / "gh")
    kept(gh, {}, forged)
    code, said = bring(step, gh, tmp_path / "work")
    assert code == 0, said
    assert (tmp_path / "work" / "quality.baseline.json").read_text() == "1"
    assert "Compared with: sha-1 of main" in said


def test_the_newest_counts_also_if_the_clock_started_it(step: dict[str, Any], tmp_path: Path) -> None:
    gh = fake_gh(tmp_path / "gh")
    kept(gh, {}, {}, {"about": {"event": "schedule"}})
    assert bring(step, gh, tmp_path / "work")[0] == 0
    assert (tmp_path / "work" / "quality.baseline.json").read_text() == "3"


def test_a_committed_file_is_no_baseline(step: dict[str, Any], tmp_path: Path) -> None:
    gh = fake_gh(tmp_path / "gh")
    kept(gh, {"about": {"event": "pull_request"}})
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "quality.baseline.json").write_text("mine")
    code, said = bring(step, gh, tmp_path / "work")
    assert (code, "main has kept no results yet" in said) == (0, True), said
    assert not (tmp_path / "work" / "quality.baseline.json").exists()


def test_an_artifact_with_more_in_it_is_refused(step: dict[str, Any], tmp_path: Path) -> None:
    gh = fake_gh(tmp_path / "gh")
    kept(gh, {"files": {"quality.scores.json": "1", "more.json": "2"}})
    code, said = bring(step, gh, tmp_path / "work")
    assert (code, "delete it, the next run on main keeps another" in said) == (1, True), said


def test_an_api_that_does_not_answer_is_no_first_run(step: dict[str, Any], tmp_path: Path) -> None:
    code, _ = bring(step, fake_gh(tmp_path / "gh"), tmp_path / "work")
    assert code != 0


@pytest.mark.parametrize(("event", "ref", "keeps"), [
    ("push", "refs/heads/main", True), ("schedule", "refs/heads/main", True), ("push", "refs/heads/other", False),
    ("push", "refs/tags/main", False), ("pull_request", "refs/pull/7/merge", False),
    ("workflow_dispatch", "refs/heads/main", False),
])  # fmt: skip
def test_only_the_branch_itself_keeps(event: str, ref: str, keeps: bool, step: dict[str, Any], tmp_path: Path) -> None:
    gh = fake_gh(tmp_path / "gh")
    kept(gh)
    assert bring(step, gh, tmp_path / "work", GITHUB_EVENT_NAME=event, GITHUB_REF=ref)[0] == 0
    output = tmp_path / "work" / "output"
    assert (output.is_file() and output.read_text() == "keep=true\n") is keeps


# --- whole jobs --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shop:
    """A repository with both workflows, and what its runs are answered by."""

    folder: Path
    workflows: dict[str, Path]
    gh: Path

    def run(self, pipeline: str, scores: tuple[int, ...]) -> ToolResult:
        """A run in which the rows score so."""
        made = self.folder / pipeline / str(len(list(self.folder.glob("*/*"))))
        tools = fake_tools(made, {})
        rows = [{
            "success": bool(score), "provider": {"label": "app"}, "vars": {"question": number},
            "gradingResult": {"componentResults": [
                {"pass": bool(score), "score": score, "assertion": {"type": "icontains", "metric": "names_days"}},
            ]},
        } for number, score in enumerate(scores)]  # fmt: skip
        (made / "results.json").write_text(json.dumps({"results": {"results": rows}}))
        program(made / "made", "promptfoo", f"""#!/bin/bash
[ "$1" = validate ] || cp "{made}/results.json" "${{@: -1}}"
""")
        (made / "path" / "node").symlink_to(require_tool("node"))
        event, payload = ("push", PUSH) if pipeline == "main" else ("pull_request", pull_request())
        return tools.run(
            self.workflows[pipeline], event, [self.gh], payload=payload,
            job="evals" if pipeline == "main" else "evals-quality", secrets={"OPENAI_API_KEY": "sk-1"},
            artifacts=self.folder / "artifacts",
        )  # fmt: skip

    @property
    def stored(self) -> Path:
        return self.folder / "artifacts" / ARTIFACT / "quality.scores.json"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    gh = fake_gh(folder / "gh")
    kept(gh)
    return Shop(folder, pipelines("compared", folder / "repository", ONE), gh)


def test_a_branch_keeps_what_later_runs_are_compared_with(shop: Shop) -> None:
    first = shop.run("main", GOOD)
    assert first.ok, first
    assert "no earlier results of main: nothing to compare with yet" in first.output
    assert "### eval.quality in ci" in first.output.partition("Summary - ")[2], first
    assert "question" not in shop.stored.read_text()
    kept(shop.gh, {"files": {"quality.scores.json": shop.stored.read_text()}})
    shutil.rmtree(shop.folder / "artifacts")

    same = shop.run("pull_request", GOOD)
    assert same.ok, same
    assert "ok  names_days is 1.0000; main had 1.0000, 0.1 is tolerated" in same.output, same
    worse = shop.run("pull_request", WORSE)
    assert not worse.ok
    assert "RED names_days is 0.5000; main had 1.0000, 0.1 is tolerated" in worse.output, worse
    assert not shop.stored.exists(), "a pull request keeps nothing"

    broken = shop.run("main", WORSE)
    assert (broken.ok, shop.stored.exists()) == (False, False), broken
