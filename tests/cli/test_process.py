"""What other programs see: exit codes, streams, and that a project's files are never imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_wrong_use_is_2(process, tmp_path):
    for args, message in {
        ("complie",): "no command is named `complie`; did you mean `compile`?",
        ("compile", "--no-such"): "No such option",
        ("validate",): "no llmops.yaml in this folder or above it; start a project with: llmops init my-app",
        ("explain", "IDX999"): "no code is named `IDX999`",
        ("explain", "no-such-code"): "no code is named `no-such-code`",
    }.items():
        done = process(*args, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_overrides_are_told_apart_from_paths(process, minimal):
    for args, message in {
        ("compile", "env=prod"): "`env=prod` is no override: choose an environment with --env",
        ("compile", "model.answerer.id=x"): "they need --dry-run, or --out DIR",
        ("compile", "nowhere"): "`nowhere` is no file or folder here, and no override (`key=value`)",
        ("compile", "--check", "--dry-run"): "exclude each other",
        ("compile", "--check", "--force", "x"): "--force is for writing",
    }.items():
        done = process(*args, cwd=minimal)
        assert done.returncode == 2
        assert message in done.stderr


def test_hostile_arguments_are_printed_escaped(process, tmp_path):
    done = process("\x1b[31mred", cwd=tmp_path)
    assert "\x1b" not in done.stderr
    assert "\\u{1b}[31mred" in done.stderr


def test_a_fault_of_ours_is_3_with_a_report_that_holds_no_config(tmp_path):
    script = (
        "import sys, llmops.compiler.cli.commands.targets as t\n"
        "def fail(): raise RuntimeError('sk-secret-of-a-config')\n"
        "t._rows = fail\n"
        "from llmops.compiler.cli.main import main; sys.exit(main(['targets']))"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    (report,) = tmp_path.glob("llmops-fault-*.txt")
    assert str(report) in done.stderr
    text = report.read_text()
    assert "RuntimeError" in text
    assert "sk-secret" not in text
    assert "/work" not in text
    assert str(Path.home()) not in text


def test_an_interruption_is_130(tmp_path):
    script = (
        "import sys, llmops.compiler.cli.commands.targets as t\n"
        "def stop(): raise KeyboardInterrupt\n"
        "t._rows = stop\n"
        "from llmops.compiler.cli.main import main; sys.exit(main(['targets']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\ninterrupted; nothing is half-written\n")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE")
def test_a_closed_pipe_is_quiet(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "llmops", "rules"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.stdout, process.stderr.read() if process.stderr else ""
    assert process.wait(60) == 0
    assert "Traceback" not in errors
    assert "Broken" not in errors


def test_nothing_in_the_current_folder_is_imported(process, minimal):
    for name in ("click", "yaml", "json", "shlex", "hydra", "jsonschema", "hydra_plugins"):
        (minimal / f"{name}.py").write_text("open('IMPORTED', 'w')\n")
    (minimal / "sitecustomize.py").write_text("open('IMPORTED', 'w')\n")
    done = process("--help", cwd=minimal)
    assert done.returncode == 0
    done = process("schema", cwd=minimal)
    assert done.returncode == 0
    assert not (minimal / "IMPORTED").exists()


def test_version(process, tmp_path):
    done = process("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "llmops 0.1.0\n")




def test_the_bare_command_helps(process, tmp_path):
    done = process(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == process("--help", cwd=tmp_path).stdout
