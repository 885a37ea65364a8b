"""The script that judges evals of runners without a gate."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.compiler.derive.scripts.gate import judged

MEASURED = {"subjects": {"app": {
    "pass_rate": {"mean": 0.5, "count": 2}, "recall": {"mean": 1.0, "count": 1},
}}}


@pytest.mark.parametrize(("gate", "unanswered", "good"), [
    ({"min": {"recall": 0.9}}, 0, True),
    ({"min": {"recall": 0.9}}, 1, False),
    ({"max": {"recall": 2}}, 1, False),
    ({"pass_rate": 0.5}, 1, True),
    ({"pass_rate": 0.6}, 1, False),
])
def test_rows_without_an_answer_are_in_no_mean(gate: dict[str, Any], unanswered: int, good: bool) -> None:
    verdicts = list(judged(gate, {**MEASURED, "unanswered": unanswered}))
    assert all(ok for ok, _ in verdicts) is good, verdicts
    assert any("1 of 2 rows got no answer" in text for _, text in verdicts) is (unanswered == 1)
