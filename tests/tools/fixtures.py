"""Fixtures around the toolbox; a conftest loads them with `pytest_plugins = ["tests.tools.fixtures"]`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.fakeai import FakeAI
from tests.tools import toolbox

Rules = Path | Sequence[Mapping[str, Any]] | Mapping[str, Any]


@pytest.fixture
def start_fakeai() -> Iterator[Callable[[Rules], FakeAI]]:
    """`start_fakeai(rules)` gives a running scripted server; all end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda rules: stack.enter_context(FakeAI(rules))


@pytest.fixture
def git_repo(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """`git_repo({path: text})` gives a repository with these files in its one commit."""

    def make(files: Mapping[str, str]) -> Path:
        folder = tmp_path / "repo"
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return toolbox.make_git_repo(folder)

    return make
