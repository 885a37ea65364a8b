"""Help teaches, and costs nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from llmops.compiler.cli.main import COMMANDS

HEAVY = ("hydra", "omegaconf", "networkx", "jsonschema", "jinja2")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example_of_itself(name, llmops):
    result = llmops(name, "--help")
    assert result.exit_code == 0
    assert "Examples:\n" in result.stdout
    assert f"\n    llmops {name}" in result.stdout
    assert all(len(line) <= 100 for line in result.stdout.splitlines())


def test_the_table_of_commands_says_what_they_say(llmops):
    shown = llmops("--help").stdout
    for name, summary in COMMANDS.items():
        assert name in shown
        assert summary in shown


LIGHT = (
    ["--help"], ["--version"], ["explain", "OUT001"], ["rules"], ["compile", "--help"], ["completion", "zsh"]
)  # fmt: skip


@pytest.mark.parametrize("args", LIGHT)
def test_light_commands_import_nothing_heavy(args):
    script = (
        "import sys, json; from llmops.compiler.cli.main import main; code = main(sys.argv[1:]);"
        f"print(json.dumps([code, [m for m in {HEAVY} if m in sys.modules]]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr.splitlines()[-1]) == [0, []]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell, llmops):
    script = llmops("completion", shell).stdout
    assert "_LLMOPS_COMPLETE" in script


def complete(process, cwd, words):
    done = process(
        cwd=cwd, _LLMOPS_COMPLETE="bash_complete", COMP_WORDS=" ".join(words), COMP_CWORD=str(len(words) - 1)
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_completion_knows_commands_environments_and_resources(process, minimal):
    assert complete(process, minimal, ["llmops", "com"]) == ["compile", "completion"]
    assert complete(process, minimal, ["llmops", "compile", "--env", "d"]) == ["dev"]
    assert complete(process, minimal, ["llmops", "explain", "mod"]) == ["model.answerer"]
