from __future__ import annotations

from pathlib import Path

import pytest

from tests.compiler.write.kit import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    root = tmp_path / "repo"
    root.mkdir()
    return Repo(root)
