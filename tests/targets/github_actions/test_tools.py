"""The tools that read workflows accept ours, each of them refuses a twin of ours that was made bad, and it runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmops.targets.github_actions.jobs import PERMISSIONS
from tests.e2e.fakeai import FakeAI
from tests.targets.github_actions.support import CASES, case, pull_request, write
from tests.targets.test_cases import project_files
from tests.tools import running, toolbox
from tests.tools.toolbox import ToolResult

pytestmark = pytest.mark.tools
NAMES = sorted(path.name for path in CASES.iterdir())


@pytest.fixture(scope="module")
def all_workflows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """A folder with a project a case, and all workflows in it."""
    top = tmp_path_factory.mktemp("cases")
    found = []
    for name in NAMES:
        found += write(top / name, project_files(CASES / name))
        toolbox.make_git_repo(top / name)
    return top, found


def test_actionlint_accepts_all(all_workflows: tuple[Path, list[Path]]) -> None:
    top, files = all_workflows
    result = toolbox.actionlint(files, top)
    assert result.ok, result


def test_zizmor_finds_nothing(all_workflows: tuple[Path, list[Path]]) -> None:
    result = toolbox.zizmor(all_workflows[1])
    assert (result.ok, "No findings to report" in result.output) == (True, True), result


def test_the_schema_accepts_all(all_workflows: tuple[Path, list[Path]]) -> None:
    result = toolbox.check_jsonschema(all_workflows[1], builtin="github-workflows")
    assert result.ok, result


def test_act_reads_all(all_workflows: tuple[Path, list[Path]]) -> None:
    for file in all_workflows[1]:
        result = running.act_validate(file, file.parents[2])
        assert result.ok, result


def bad(tmp_path: Path, name: str, old: str, new: str) -> Path:
    """The workflow of a case with one fault."""
    file = case(name, tmp_path)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return file


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("affected", "      - evals-changes\n", "      - evals-change\n", "evals-change"),
        ("affected", "steps.changes.outputs", "steps.change.outputs", "change"),
        ("commands", '"30 2 * * *"', '"30 25 * * *"', "30 25"),
        ("minimal", "persist-credentials: false", "persist_credentials: false", "persist_credentials"),
        ("minimal", "secrets.OPENAI", "secret.OPENAI", "secret"),
        ("minimal", "ubuntu-24.04", "ubuntu-24.40", "ubuntu-24.40"),
    ],
)
def test_actionlint_bites(tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    file = bad(tmp_path, name, old, new)
    result = toolbox.actionlint([file], tmp_path)
    assert (result.ok, said in result.output) == (False, True), result


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("minimal", "persist-credentials: false", "persist-credentials: true", "artipacked"),
        ("minimal", "    environment: dev\n", "", "secrets-outside-env"),
        ("minimal", "permissions: {}\nconcurrency", "permissions: write-all\nconcurrency", "excessive-permissions"),
        ("minimal", "\n  pull_request:\n", "\n  pull_request_target:\n", "dangerous-triggers"),
        ("minimal", "concurrency:\n  group: llmops-case-pull_request-${{ github.ref }}\n  cancel-in-progress: true\n",
         "", "concurrency-limits"),
        ("forks_report", '"$LLMOPS_COMMAND"', '"${{ github.head_ref }}"', "template-injection"),
        ("release", "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "v7.0.1", "unpinned-uses"),
        ("everything", "id-token: write # to prove to a cloud which workflow this is", "id-token: write",
         "undocumented-permissions"),
        ("release", "    name: deploy\n", "", "anonymous-definition"),
    ],
)  # fmt: skip
def test_zizmor_bites(tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    file = bad(tmp_path, name, old, new)
    result = toolbox.zizmor([file])
    assert (result.ok, said in result.output) == (False, True), result


def test_the_schema_bites(tmp_path: Path) -> None:
    file = bad(tmp_path, "minimal", "timeout-minutes: 30", "timeout-minutes: soon")
    assert not toolbox.check_jsonschema([file], builtin="github-workflows").ok


def test_act_bites(tmp_path: Path) -> None:
    file = bad(tmp_path, "minimal", "runs-on:", "run-on:")
    assert not running.act_validate(file, tmp_path).ok


# --- the whole of it ---------------------------------------------------------------------------------------------

PROVIDER_KEY = "sk-provider-3fa1b2"
ENDPOINT = {
    "conf/model/answerer.yaml": """\
provider: openai
id: gpt-4.1-2025-04-14
endpoint: {url: {variable: MODEL_URL}}
params: {temperature: 0, max_tokens: 300}
""",
}


def run_whole(tmp_path: Path, reply: str) -> tuple[ToolResult, list[str | None]]:
    """The minimal case from end to end: the gateway and the runner of evals installed from their locks, started, and
    asked; a scripted server answers in place of the model. Also the keys that this server was shown."""
    file = case("minimal", tmp_path / "repository", ENDPOINT)
    with FakeAI([{"when": {"user": "worn shoes", "bearer": PROVIDER_KEY}, "reply": reply}]) as model:
        result = running.act_run(
            file, file.parents[2], "pull_request", payload=pull_request(),
            secrets={"OPENAI_API_KEY": PROVIDER_KEY}, variables={"MODEL_URL": model.base_url},
            artifacts=tmp_path / "kept", prefilled=["litellm"], timeout=400,
        )  # fmt: skip
        return result, [ask["bearer"] for ask in model.requests]


def test_a_pull_request_that_answers_well_is_green(tmp_path: Path) -> None:
    result, keys = run_whole(tmp_path, "Within 30 days, if they are unworn.")
    assert (result.ok, set(keys)) == (True, {PROVIDER_KEY}), result
    assert PROVIDER_KEY not in result.output
    assert (tmp_path / "kept" / "quality-results" / "quality.results.json").is_file()


def test_a_pull_request_that_answers_worse_is_red(tmp_path: Path) -> None:
    result, keys = run_whole(tmp_path, "I do not know.")
    assert (result.ok, set(keys)) == (False, {PROVIDER_KEY}), result
    assert "Failure - Main Run eval.quality" in result.output
    assert (tmp_path / "kept" / "quality-results" / "quality.results.json").is_file()




def test_the_permissions_are_those_of_actions(tmp_path: Path) -> None:
    file = case("minimal", tmp_path)
    text = file.read_text()

    def allow(names: tuple[str, ...]) -> None:
        rights = "".join(f"      {name}: {'write' if name == 'id-token' else 'read'}\n" for name in names)
        file.write_text(re.sub(r"      contents: read #.*\n", rights, text))

    allow(PERMISSIONS)
    assert toolbox.check_jsonschema([file], builtin="github-workflows").ok
    allow((*PERMISSIONS, "everything"))
    assert not toolbox.check_jsonschema([file], builtin="github-workflows").ok
    # this actionlint is older than one of them
    allow(tuple(name for name in PERMISSIONS if name != "models"))
    assert toolbox.actionlint([file], tmp_path).ok
