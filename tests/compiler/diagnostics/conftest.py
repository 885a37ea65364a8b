"""Whole outputs on disk; `LLMOPS_ACCEPT=1` writes them anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    def same(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("LLMOPS_ACCEPT"):
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: run with LLMOPS_ACCEPT=1"
        assert path.read_text(encoding="utf-8") == text

    return same
