"""Each tool accepts a good file and refuses a broken one: proof that it still bites."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler.facts import Facts
from tests.e2e.fakeai import FakeAI
from tests.tools import install, running, toolbox

KEY = "sk-test-0d6f1c"


def pinned(name: str) -> str:
    """As the catalogue pins it: the commit, and its tag behind `#`."""
    pin = Facts().action(name)
    assert pin is not None
    return f"{name}@{pin.commit} # {pin.tag}"


CHECKOUT = pinned("actions/checkout")
SETUP_NODE = pinned("actions/setup-node")
SETUP_PYTHON = pinned("actions/setup-python")
UPLOAD = pinned("actions/upload-artifact")

WORKFLOW = f"""\
name: Check answers
on:
  push:
    branches: [main]
concurrency:
  group: check-${{{{ github.ref }}}}
  cancel-in-progress: true
permissions: {{}}
jobs:
  evals:
    name: Evals
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    environment: evals
    permissions:
      contents: read # to check out
    outputs:
      verdict: ${{{{ steps.gate.outputs.verdict }}}}
    steps:
      - name: Check out
        uses: {CHECKOUT}
        with:
          persist-credentials: false
      - name: Set up node
        uses: {SETUP_NODE}
        with:
          node-version: 24.19.0
      - name: Set up Python
        uses: {SETUP_PYTHON}
        with:
          python-version: "3.11"
      - name: Gate
        id: gate
        env:
          KEY: ${{{{ secrets.KEY }}}}
        run: |
          test "$KEY" = sesame
          node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 22 ? 0 : 1)'
          python -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)'
          echo verdict=pass >> "$GITHUB_OUTPUT"
          nohup sleep 86399 > /dev/null 2>&1 < /dev/null &
          echo "all good" > report.txt
          echo "1 of 1 passed" >> "$GITHUB_STEP_SUMMARY"
      - name: Keep the report
        if: always()
        uses: {UPLOAD}
        with:
          name: report
          path: report.txt
  after:
    name: After
    needs: evals
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: {{}}
    steps:
      - name: Say
        env:
          VERDICT: ${{{{ needs.evals.outputs.verdict }}}}
        run: test "$VERDICT" = pass
"""
PLACE = ".github/workflows/check.yml"


def broken(text: str, old: str, new: str) -> str:
    """The text with one fault; fails when there is nothing to break."""
    assert old in text
    return text.replace(old, new)


@pytest.mark.tools
def test_actionlint(tmp_path: Path) -> None:
    good = tmp_path / "good.yml"
    good.write_text(WORKFLOW)
    assert toolbox.actionlint([good], tmp_path).ok
    faults = [
        ("needs: evals", "needs: eval", 'job "eval" which does not exist'),
        ("persist-credentials: false", "persist_credentials: false", 'input "persist_credentials" is not defined'),
        ("steps.gate.", "steps.gates.", 'property "gates" is not defined'),
        ("secrets.KEY", "secret.KEY", 'undefined variable "secret"'),
    ]
    files = []
    for number, (old, new, _) in enumerate(faults):
        files.append(tmp_path / f"bad{number}.yml")
        files[-1].write_text(broken(WORKFLOW, old, new))
    result = toolbox.actionlint([good, *files], tmp_path)
    assert [said for _, _, said in faults if said not in result.output] == [], result
    assert (result.exit_code, "good.yml" in result.output) == (1, False), result


@pytest.mark.tools
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", "No findings to report"),
        ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
        ('"$KEY" =', '"${{ github.ref_name }}" =', "template-injection"),
        ("permissions: {}\njobs", "permissions: write-all\njobs", "excessive-permissions"),
        (UPLOAD, "actions/upload-artifact@v4", "unpinned-uses"),
        ("    environment: evals\n", "", "secrets-outside-env"),
        ("        if: always()\n", "        if: always() # zizmor: ignore[unpinned-uses]\n", "No findings to report"),
    ],
    ids=["good", "credentials", "injection", "permissions", "pin", "environment", "comment"],
)
def test_zizmor(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "check.yml"
    file.write_text(broken(WORKFLOW, old, new) if old else WORKFLOW)
    result = toolbox.zizmor([file])
    assert (result.ok, said in result.output) == (said == "No findings to report", True), result


@pytest.mark.tools
def test_zizmor_honours_no_ignore(tmp_path: Path) -> None:
    file = tmp_path / "check.yml"
    file.write_text(broken(WORKFLOW, UPLOAD, "actions/upload-artifact@v4 # zizmor: ignore[unpinned-uses]"))
    (tmp_path / "zizmor.yml").write_text("rules: {unpinned-uses: {disable: true}}\n")
    assert not toolbox.zizmor([file]).ok


@pytest.mark.tools
def test_check_jsonschema(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text(WORKFLOW)
    bad.write_text(broken(WORKFLOW, "timeout-minutes: 10", "timeout-minutes: soon"))
    assert toolbox.check_jsonschema([good], builtin="github-workflows").ok
    result = toolbox.check_jsonschema([good, bad], builtin="github-workflows")
    assert (result.ok, "bad.yml" in result.output, "good.yml" in result.output) == (False, True, False), result


@pytest.mark.tools
def test_act_runs_a_workflow(git_repo: Callable[[Mapping[str, str]], Path], tmp_path: Path) -> None:
    repo = git_repo({PLACE: WORKFLOW})
    assert running.act_validate(repo / PLACE, repo).ok
    result = running.act_run(repo / PLACE, repo, secrets={"KEY": "sesame"}, artifacts=tmp_path / "kept")
    assert result.ok, result
    assert (tmp_path / "kept" / "report" / "report.txt").read_text() == "all good\n"
    assert "Summary - 1 of 1 passed" in result.output
    # what the steps leave running is ended
    assert subprocess.run(["pgrep", "-f", "sleep 86399"], check=False).returncode == 1
    wrong = running.act_run(repo / PLACE, repo, secrets={"KEY": "guess"}, python_bin=Path(sys.executable).parent)
    assert (wrong.exit_code, "[Check answers/After]" in wrong.output) == (1, False), wrong


@pytest.mark.tools
def test_act_refuses(git_repo: Callable[[Mapping[str, str]], Path]) -> None:
    repo = git_repo({PLACE: broken(WORKFLOW, "timeout-minutes: 5", "timeout-minute: 5")})
    result = running.act_validate(repo / PLACE, repo)
    assert (result.ok, "timeout-minute" in result.output) == (False, True), result
    (repo / PLACE).write_text(broken(WORKFLOW, UPLOAD, "someone/unknown@v1"))
    with pytest.raises(LookupError, match="no stand-in for `someone/unknown@v1`"):
        running.act_run(repo / PLACE, repo)


COMPOSE = """\
services:
  api:
    image: registry.example/api:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    environment:
      KEY: ${KEY:?set KEY}
    networks: [inner]
networks:
  inner: {}
"""


@pytest.mark.tools
@pytest.mark.parametrize(
    ("old", "new", "env", "said"),
    [
        ("", "", {"KEY": "x"}, ""),
        ("", "", {}, "required variable KEY is missing"),
        ("networks: [inner]", "networks: [outer]", {"KEY": "x"}, "undefined network outer"),
        ("image:", "imaeg:", {"KEY": "x"}, "imaeg"),
        ("networks: [inner]", "depends_on: [store]", {"KEY": "x"}, "undefined service"),
    ],
    ids=["good", "variable", "network", "key", "service"],
)
def test_compose(tmp_path: Path, old: str, new: str, env: Mapping[str, str], said: str) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(broken(COMPOSE, old, new) if old else COMPOSE)
    result = toolbox.compose_config(file, env)
    assert (result.ok, said in result.output) == (not said, True), result


JUDGE = {"when": {"model": "judge"}, "reply": {"pass": True, "score": 1, "reason": "names the hours"}}
HOURS = {"when": {"user": "when are you open"}, "reply": "From 9 to 5."}


def suite(base_url: str, expected: str = "9 to 5") -> dict[str, Any]:
    config = {"apiBaseUrl": base_url, "apiKeyEnvar": "GATEWAY_KEY", "temperature": 0}
    return {
        "providers": [{"id": "openai:chat:answerer", "config": config}],
        "prompts": ["Answer briefly: {{question}}"],
        "defaultTest": {"options": {"provider": {"id": "openai:chat:judge", "config": config}}},
        "tests": [
            {
                "vars": {"question": "When are you open?"},
                "assert": [
                    {"type": "contains", "value": expected},
                    {"type": "llm-rubric", "value": "names the opening hours"},
                ],
            }
        ],
    }


@pytest.mark.tools
def test_promptfoo(tmp_path: Path, start_fakeai: Callable[[Any], FakeAI]) -> None:
    server = start_fakeai([JUDGE, HOURS])
    config, out, env = tmp_path / "promptfooconfig.yaml", tmp_path / "out.json", {"GATEWAY_KEY": "key-7"}

    def write(data: object) -> Path:
        config.write_text(json.dumps(data))
        return config

    assert toolbox.promptfoo_validate(write(suite(server.base_url))).ok
    green = toolbox.promptfoo_eval(config, out, env)
    assert green.exit_code == 0, green
    assert json.loads(out.read_text())["results"]["stats"]["successes"] == 1
    assert [(r["model"], r["bearer"]) for r in server.requests] == [("answerer", "key-7"), ("judge", "key-7")]

    red = toolbox.promptfoo_eval(write(suite(server.base_url, "midnight")), out, env)
    assert (red.exit_code, json.loads(out.read_text())["results"]["stats"]["failures"]) == (100, 1), red
    server.script([{**JUDGE, "reply": {"pass": False, "score": 0, "reason": "no"}}, HOURS])
    assert toolbox.promptfoo_eval(write(suite(server.base_url)), out, env).exit_code == 100

    bad = suite(server.base_url)
    bad["tests"][0]["threshold"] = "high"
    result = toolbox.promptfoo_validate(write(bad))
    assert (result.exit_code, "Invalid input" in result.output) == (1, True), result


def gateway(base_url: str, strategy: str = "simple-shuffle") -> str:
    def backend(name: str, model: str) -> dict[str, Any]:
        params = {"model": f"openai/{model}", "api_base": base_url, "api_key": "os.environ/UPSTREAM_KEY"}
        return {"model_name": name, "litellm_params": params}

    return json.dumps(
        {
            "model_list": [backend("answerer", "primary"), backend("spare", "second")],
            "router_settings": {
                "routing_strategy": strategy, "num_retries": 0, "fallbacks": [{"answerer": ["spare"]}],
            },
            "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def gateway_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[running.Proxy, FakeAI]]:
    """One start of the proxy serves all its tests."""
    rules: list[dict[str, Any]] = [{"when": {"model": "primary"}, "status": 500}, {"echo": "user"}]
    with FakeAI(rules) as server:
        config = tmp_path_factory.mktemp("gateway") / "config.yaml"
        config.write_text(gateway(server.base_url))
        env = {"UPSTREAM_KEY": "upstream-1", "LITELLM_MASTER_KEY": KEY}
        with running.litellm_proxy(config, env) as proxy:
            yield proxy, server


@pytest.mark.tools
def test_litellm_takes_the_fallback(gateway_run: tuple[running.Proxy, FakeAI]) -> None:
    proxy, server = gateway_run
    reply = proxy.chat("answerer", "hello there", KEY)
    assert (reply.status, reply.body["choices"][0]["message"]["content"]) == (200, "hello there")
    assert reply.headers["x-litellm-attempted-fallbacks"] == "1"
    seen = [(request["model"], request["bearer"], request["status"]) for request in server.requests]
    assert seen == [("primary", "upstream-1", 500), ("second", "upstream-1", 200)]


@pytest.mark.tools
def test_litellm_refuses_keys_and_models(gateway_run: tuple[running.Proxy, FakeAI]) -> None:
    proxy, server = gateway_run
    before = len(server.requests)
    assert proxy.chat("answerer", "hello", "wrong").status == 400  # there is no database to look the key up in
    assert proxy.chat("answerer", "hello").status == 401
    assert proxy.chat("nobody", "hello", KEY).status == 400
    assert len(server.requests) == before


@pytest.mark.tools
def test_litellm_refuses_a_bad_config(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(gateway("http://127.0.0.1:9/v1", strategy="fastest"))
    env = {"UPSTREAM_KEY": "x", "LITELLM_MASTER_KEY": KEY}
    with pytest.raises(RuntimeError, match="fastest"), running.litellm_proxy(config, env):
        pass


def test_a_tool_that_takes_too_long_ends_with_its_children(tmp_path: Path) -> None:
    started = time.monotonic()
    result = toolbox.run_tool(["sh", "-c", "echo begun; sleep 60 & wait"], tmp_path, timeout=0.5)
    assert (result.ok, result.exit_code, result.output) == (False, 124, "begun\n\n(ended after 0.5 s)")
    assert time.monotonic() - started < 10


def test_a_tool_sees_a_clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "person's own")
    result = toolbox.run_tool(
        ["sh", "-c", 'echo "${OPENAI_API_KEY:-none}"; test "$HOME" != ' + str(Path.home())], tmp_path
    )
    assert (result.ok, result.output) == (True, "none\n")


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]) -> None:
    monkeypatch.setenv("LLMOPS_TOOLS_CACHE", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=r"run `python tests/tools/install.py lint`"):
        toolbox.require_tool("zizmor")


def test_the_installer_lists_and_refuses(tmp_path: Path) -> None:
    env = {**os.environ, "LLMOPS_TOOLS_CACHE": str(tmp_path)}
    script = [sys.executable, str(install.HERE / "install.py")]
    listed = subprocess.run([*script, "--list"], env=env, capture_output=True, text=True, check=True).stdout
    assert [line.split()[:2] for line in listed.splitlines()] == [[name, "missing"] for name in install.ENVIRONMENTS]
    unknown = subprocess.run([*script, "nothing"], env=env, capture_output=True, text=True, check=False)
    assert (unknown.returncode, "no environment is named `nothing`" in unknown.stderr) == (2, True)


def test_the_locks_are_whole_and_name_no_index() -> None:
    script = install.REPOSITORY / "scripts" / "lock.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
