"""Which branches a pipeline's pushes are of."""

from __future__ import annotations

import pytest

from llmops.compiler.derive.baseline import matches


@pytest.mark.parametrize(("patterns", "branch", "meant"), [
    (["main"], "main", True), (["main"], "mainly", False), (["ma*"], "main", True), (["*"], "release/1", False),
    (["**"], "release/1", True), (["release/**", "!release/old"], "release/old", False),
    (["!main", "main"], "main", True), (["v[0-9].x"], "v1.x", True), (["v1.x"], "v1-x", False), ([], "main", False),
])  # fmt: skip
def test_patterns_of_branches(patterns: list[str], branch: str, meant: bool) -> None:
    assert matches(patterns, branch) is meant
