"""Projects to run commands on, and ways to run them: in this process, and as a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llmops.compiler.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
QUIET_ENVIRONMENT = dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "CI"), "")


@pytest.fixture(autouse=True)
def no_github(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in QUIET_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def llmops(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in this process: `result.stdout`, `.stderr`, `.exit_code`. An exception of ours is raised."""

    def run(*args: str, cwd: Path | None = None) -> Result:
        if cwd is not None:
            monkeypatch.chdir(cwd)
        result = CliRunner().invoke(cli, list(args), prog_name="llmops", catch_exceptions=False, standalone_mode=False)
        if isinstance(result.return_value, int):
            result.exit_code = result.return_value
        return result

    return run


Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def process() -> Process:
    """Runs `python -m llmops` as a process of its own."""

    def run(*args: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if name not in QUIET_ENVIRONMENT}
        return subprocess.run(
            [sys.executable, "-m", "llmops", *args], cwd=cwd, env={**clean, **environment}, text=True,
            capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return run


@pytest.fixture
def minimal(tmp_path: Path, llmops: Callable[..., Result]) -> Path:
    """A project made by `init`."""
    folder = tmp_path / "faq-bot"
    assert llmops("init", str(folder)).exit_code == 0
    return folder
