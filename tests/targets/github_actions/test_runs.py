"""What jobs do when they run, by act on this machine: real scripts and conditions, with stand-ins for what a job
installs and for GitHub's own API."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.targets.github_actions.support import case, fake_gh, fake_tools, git, program, pull_request
from tests.tools.toolbox import ToolResult, require_tool

pytestmark = pytest.mark.tools
SECRETS = {"OPENAI_API_KEY": "sk-provider-1", "ANTHROPIC_API_KEY": "sk-provider-2", "REGISTRY_TOKEN": "token-1"}
MAKEFILE = {"Makefile": "%:\n\t@echo made $@\n"}


def ran(result: ToolResult, job: str) -> str:
    """What became of a job: `succeeded`, `failed`, or empty if it did not run."""
    found = re.findall(rf"^\[[^/\n]+/{re.escape(job)} *\] .*Job (\w+)$", result.output, re.MULTILINE)
    return str(found[-1]) if found else ""


def affected_run(tmp_path: Path, change: dict[str, str], verdicts: dict[str, int]) -> tuple[ToolResult, Path]:
    """A pull request with one commit that writes the files of `change`."""
    workflow = case("affected", tmp_path / "repository", MAKEFILE)
    repository = workflow.parents[2]
    base = git(repository, "rev-parse", "HEAD")
    for name, text in change.items():
        with (repository / name).open("a") as file:
            file.write(text)
    git(repository, "commit", "--quiet", "--all", "-m", "change")
    tools = fake_tools(tmp_path / "tools", verdicts)
    gh = fake_gh(tmp_path / "gh", {"comments": []})
    result = tools.run(workflow, "pull_request", [gh], payload=pull_request(base), secrets=SECRETS)
    return result, gh


def test_only_the_eval_that_a_change_touches_runs(tmp_path: Path) -> None:
    result, gh = affected_run(tmp_path, {"data/questions.jsonl": '{"question": "Hello?"}\n'}, {"tone": 0})
    jobs = ["evals: what the change affects", "evals: quality", "evals: tone", "evals", "notes"]
    assert [ran(result, job) for job in jobs] == ["succeeded", "", "succeeded", "succeeded", "succeeded"], result
    body = json.loads((gh / "sent.json").read_text())["body"]
    assert body.splitlines()[0] == "<!-- llmops:shop:main -->"
    assert "| `evals-tone` | success |" in body
    assert "| `evals-quality` | skipped |" in body


def test_a_fallback_of_its_model_touches_an_eval(tmp_path: Path) -> None:
    result, _ = affected_run(tmp_path, {"conf/model/judge.yaml": "# other words\n"}, {"quality": 0})
    assert ran(result, "evals: quality") == "succeeded", result
    assert ran(result, "evals: tone") == ""


def test_an_affected_eval_that_fails_stops_what_waits_for_it(tmp_path: Path) -> None:
    result, gh = affected_run(tmp_path, {"conf/prompt/answer.yaml": "# other words\n"}, {"quality": 100, "tone": 0})
    jobs = ["evals: quality", "evals: tone", "evals", "notes"]
    assert [ran(result, job) for job in jobs] == ["failed", "succeeded", "failed", ""], result
    assert not result.ok
    assert "| `evals` | failure |" in json.loads((gh / "sent.json").read_text())["body"]


def test_an_unknown_base_means_all(tmp_path: Path) -> None:
    workflow = case("affected", tmp_path / "repository", MAKEFILE)
    tools = fake_tools(tmp_path / "tools", {"quality": 0, "tone": 0})
    event = {"before": "0" * 40}
    result = tools.run(workflow, "push", payload=event, secrets=SECRETS)
    jobs = ["evals: quality", "evals: tone", "evals", "notes"]
    assert [ran(result, job) for job in jobs] == ["succeeded"] * 4, result
    assert ran(result, "llmops: comment") == ""


def test_a_comment_replaces_the_one_before(tmp_path: Path) -> None:
    workflow = case("forks_report", tmp_path / "repository", MAKEFILE)
    tools = fake_tools(tmp_path / "tools", {"quality": 0})
    own = {"id": 5, "user": {"login": "github-actions[bot]"}, "body": "<!-- llmops:case:pull_request -->\r\nold"}
    other = {"id": 4, "user": {"login": "someone"}, "body": "<!-- llmops:case:pull_request -->\nnot ours"}
    gh = fake_gh(tmp_path / "gh", {"comments": [other, own]})
    result = tools.run(workflow, "pull_request", [gh], payload=pull_request(), secrets=SECRETS)
    assert result.ok, result
    last = (gh / "calls").read_text().splitlines()[-1]
    assert last.endswith("--method PATCH repos/shop/app/issues/comments/5 --input -")


def test_a_fork_gets_a_report_and_no_secret(tmp_path: Path) -> None:
    workflow = case("forks_report", tmp_path / "repository", MAKEFILE)
    tools = fake_tools(tmp_path / "tools", {"quality": 0})
    gh = fake_gh(tmp_path / "gh", {"comments": []})
    result = tools.run(workflow, "pull_request", [gh], payload=pull_request(head="someone/app"), secrets=SECRETS)
    jobs = ["lint", "quality", "llmops: comment", "llmops: pull request from a fork"]
    assert [ran(result, job) for job in jobs] == ["succeeded", "", "", "succeeded"], result
    assert "- `quality`" in result.output
    assert " api " not in (gh / "calls").read_text()


PROTECTED = [
    {"type": "required_reviewers", "reviewers": [{"type": "Team", "reviewer": {"slug": "team-support"}}]},
    {"type": "wait_timer", "wait_timer": 15},
]


@pytest.mark.parametrize(
    ("rules", "verdict", "said"),
    [
        (PROTECTED, "succeeded", ""),
        (None, "failed", "cannot be read"),
        ([], "failed", "asks nobody"),
        (PROTECTED[:1], "failed", "waits 0 minutes instead of 10"),
        ([{"type": "required_reviewers", "reviewers": [{"type": "User", "reviewer": {"login": "mallory"}}]}], "failed",
         "asks mallory"),
    ],
)  # fmt: skip
def test_a_deployment_waits_for_an_environment_that_asks(
    tmp_path: Path, rules: list[object] | None, verdict: str, said: str
) -> None:
    workflow = case("release", tmp_path / "repository")
    gh = fake_gh(tmp_path / "gh", {} if rules is None else {"environments": {"protection_rules": rules}})
    result = fake_tools(tmp_path / "tools", {}).run(workflow, "push", [gh], job="deploy-approval")
    assert ran(result, "deploy: approval") == verdict, result
    assert said in result.output


def test_commands_see_inputs_matrix_and_secrets(tmp_path: Path) -> None:
    workflow = case("commands", tmp_path / "repository", MAKEFILE)
    tools = fake_tools(tmp_path / "tools", {})
    (tools.python / "llmops").symlink_to("/bin/true")
    result = tools.run(
        workflow, "workflow_dispatch", job="tests", secrets=SECRETS,
        inputs={"size": "small", "label": '"; exit 3 #$(id)`id`', "dry_run": "false"}, artifacts=tmp_path / "kept",
    )  # fmt: skip
    assert result.ok, result
    # act does not know the number of a combination, so that later ones take the place of earlier ones
    kept = list((tmp_path / "kept").glob("tests-files-*/*"))
    assert sorted(p.name for p in kept) == ["result-large.txt", "result-small.txt"]
    assert {p.read_text()[4:] for p in kept} == {' "; exit 3 #$(id)`id`\n'}


def test_a_release_logs_in_and_deploys(tmp_path: Path) -> None:
    workflow = case("everything", tmp_path / "repository", MAKEFILE)
    tools = fake_tools(tmp_path / "tools", {"quality": 0, "tone": 0})
    gh = fake_gh(tmp_path / "gh", {"environments": {"protection_rules": PROTECTED}})
    docker = tmp_path / "docker"
    docker.mkdir()
    (docker / "docker").write_text('#!/bin/bash\necho "docker $*"\n')
    (docker / "docker").chmod(0o755)
    result = tools.run(
        workflow, "push", [docker, gh], secrets=SECRETS,
        variables={"AWS_ROLE": "arn:role", "AZURE_TENANT": "tenant-1", "GCP_PROVIDER": "projects/1"},
    )  # fmt: skip
    assert result.ok, result
    for said in (
        "aws arn:role eu-central-1", "azure 00000000-0000-0000-0000-000000000001 tenant-1",
        "gcp ci@shop.iam.gserviceaccount.com projects/1",
        "docker compose --file generated/prod/compose/compose.yaml up --detach --wait",
    ):  # fmt: skip
        assert said in result.output
    assert [ran(result, job) for job in ("build", "evals", "deploy")] == ["succeeded"] * 3


def test_a_server_that_does_not_come_up_shows_its_log(tmp_path: Path) -> None:
    workflow = case("minimal", tmp_path / "repository")
    tools = fake_tools(tmp_path / "tools", {"quality": 0})
    (tools.python / "litellm").write_text('#!/bin/bash\necho "::error::no model"\nexit 1\n')
    result = tools.run(workflow, "pull_request", [], payload=pull_request(), secrets=SECRETS)
    assert not result.ok
    assert "  ::error::no model" in result.output, result
    assert "Main Run eval.quality" not in result.output


def test_data_is_made_once_and_brought_to_later_jobs(tmp_path: Path) -> None:
    """DVC itself, behind a gateway that answers anything."""
    workflow = case("data", tmp_path / "repository")
    tools = fake_tools(tmp_path / "tools", {})
    dvc = require_tool("dvc").parent
    program(tools.python, "python", f"""#!/bin/bash
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$(dirname "$0")"/* "$3/bin/" ;;
  -m*) ;;
  *) exec {dvc}/python "$@" ;;
esac
""")
    program(tools.python, "dvc", f'#!/bin/bash\nexec {dvc}/dvc "$@"\n')
    result = tools.run(workflow, "schedule", secrets=SECRETS, artifacts=tmp_path / "kept")
    assert [ran(result, job) for job in ("paragraphs", "questions", "training")] == ["succeeded"] * 3, result
    assert result.output.count("Running stage 'generated/dev/dvc/dvc.yaml:paragraphs'") == 1, result
    assert result.output.count("Running stage 'generated/dev/dvc/dvc.yaml:questions'") == 1
    made = tmp_path / "kept" / "questions-results" / "generated" / "dev" / "dvc" / "data" / "questions.jsonl"
    assert [json.loads(line) for line in made.read_text().splitlines()] == [{"text": "answer 0"}, {"text": "answer 1"}]
    # what is made from personal data is kept nowhere
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == ["paragraphs-results", "questions-results"]
