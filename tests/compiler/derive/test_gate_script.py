"""The script that judges evals of runners without a gate."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from llmops.compiler.derive.scripts.gate import UnfitError, better, finish, judged, kept, ready, row, student

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


# --- compared with what a branch has kept ------------------------------------------------------------------------

OF = {"project": "shop", "environment": "ci", "eval": "quality", "measures": {"pass_rate": "aa", "recall": "bb"}}


def measured(**scores: list[float]) -> dict[str, Any]:
    """What was measured of one subject; a row's name is its number."""
    return {"subjects": {"app": {
        name: {"mean": mean(found), "count": len(found), "rows": {f"r{n}": score for n, score in enumerate(found)}}
        for name, found in scores.items()
    }}}  # fmt: skip


class Branch:
    """A gate that compares with `main`, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.earlier = folder / "quality.baseline.json"
        self.gate: dict[str, Any] = {"baseline": {"branch": "main", "file": str(self.earlier)}, "of": OF}

    def keep(self, **scores: list[float]) -> dict[str, Any]:
        """A run on main, whose results are brought to the next."""
        finish(self.gate, measured(**scores), self.folder / "kept.json")
        found: dict[str, Any] = json.loads((self.folder / "kept.json").read_text())
        self.earlier.write_text(json.dumps(found))
        return found

    def run(self, **scores: list[float]) -> tuple[int, list[str]]:
        code = finish(self.gate, measured(**scores), self.folder / "now.json")
        return code, [text for _, text in judged(self.gate, measured(**scores))][1:]


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Branch:
    for name in ("LLMOPS_BASELINE", "LLMOPS_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return Branch(tmp_path)


def test_a_first_run_passes_and_says_that_nothing_was_compared(
    main: Branch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMOPS_SUMMARY", str(tmp_path / "summary.md"))
    assert finish(main.gate, measured(recall=[1, 0]), tmp_path / "now.json") == 0
    told = "no earlier results of main: nothing to compare with yet, it is judged by the rest of its gate"
    assert (tmp_path / "summary.md").read_text() == (
        f"### eval.quality in ci\n\n    ok  2 answers were judged\n    --  {told}\n\n"
    )


@pytest.mark.parametrize(("gate", "now", "code", "said"), [
    ({}, [1, 1, 1, 0], 0, "recall is 0.7500; main had 0.7500, 0 is tolerated"),
    ({}, [1, 1, 0, 0], 100, "recall is 0.5000; main had 0.7500, 0 is tolerated"),
    ({"tolerance": 0.3}, [1, 1, 0, 0], 0, "recall is 0.5000; main had 0.7500, 0.3 is tolerated"),
    ({"tolerance": {"recall": 0.25}}, [1, 1, 0, 0], 0, "0.25 is tolerated"),
    ({"tolerance": {"pass_rate": 0.5}}, [1, 1, 0, 0], 100, "0 is tolerated"),
    ({"mode": "report"}, [0, 0, 0, 0], 0, "recall is 0.0000; main had 0.7500"),
    ({"informational": ["recall"]}, [0, 0, 0, 0], 0, "recall is 0.0000; main had 0.7500"),
    ({"max": {"recall": 1}}, [0, 0, 0, 0], 0, "recall is 0.0000; main had 0.7500"),
    ({"max": {"recall": 1}}, [1, 1, 1, 1], 100, "recall is 1.0000; main had 0.7500"),
    # a row is new, and it fails: the others are as good as they were
    ({}, [1, 1, 1, 0, 0], 0, "recall is 0.7500 over the 4 rows of 5 that were there before; main had 0.7500"),
    # one is gone that failed before, another one fails now
    ({}, [1, 1, 0], 100, "recall is 0.6667 over the 3 rows of 3 that were there before; main had 1.0000"),
])
def test_a_metric_against_main(gate: dict[str, Any], now: list[float], code: int, said: str, main: Branch) -> None:
    main.keep(recall=[1, 1, 1, 0])
    main.gate.update(gate)
    found, lines = main.run(recall=now)
    assert (found, any(said in line for line in lines)) == (code, True), lines


def test_what_is_measured_otherwise_since_is_told_and_not_judged(main: Branch) -> None:
    main.keep(pass_rate=[1, 1], recall=[1, 1], tone=[1, 1])
    main.gate["of"] = {**OF, "measures": {"pass_rate": "other", "recall": "bb"}}
    code, lines = main.run(pass_rate=[0, 0], recall=[1, 1], short=[1, 0])
    assert (code, lines) == (0, [
        "pass_rate is 0.0000, measured otherwise than on main: not compared",
        "recall is 1.0000; main had 1.0000, 0 is tolerated",
        "tone is not measured any more; main had 1.0000",
        "short is 0.5000; main has not measured it yet",
    ])


def test_other_rows_are_told_and_attacks_are_always_others(main: Branch) -> None:
    kept_ = main.keep(recall=[1, 1])
    kept_["subjects"]["app"]["recall"]["rows"] = {"x": 1, "y": 1}
    main.earlier.write_text(json.dumps(kept_))
    code, lines = main.run(recall=[1, 0])
    assert (code, lines) == (0, [
        "recall is 0.5000, of other rows than on main: not compared",
        "nothing could be compared with main: the eval is another one since",
    ])
    main.gate["fresh_rows"] = True
    assert main.run(recall=[1, 0])[0] == 100


@pytest.mark.parametrize(("change", "why"), [
    (lambda found: "{", "it holds no results"),
    (lambda found: [], "it holds no results"),
    (lambda found: {}, "it holds no results"),
    (lambda found: {**found, "of": {**OF, "eval": "tone"}}, "results of eval.tone of project shop in ci, not of"),
    (lambda found: {**found, "of": {**OF, "project": "bank"}}, "results of eval.quality of project bank in ci, not of"),
    (lambda found: {**found, "of": {**OF, "environment": "prod"}}, "of project shop in prod, not of eval.quality"),
    (lambda found: {**found, "subjects": {}}, "nothing was measured"),
    (lambda found: {**found, "subjects": {"app": {"recall": {"mean": "1", "count": 2}}}}, "recall has a score"),
    (lambda found: {**found, "subjects": {"app": {"recall": {"mean": math.nan, "count": 2}}}}, "recall has a score"),
])
def test_results_of_something_else_end_it_before_it_begins(
    change: Any, why: str, main: Branch, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = change(main.keep(recall=[1, 1]))
    main.earlier.write_text(changed if isinstance(changed, str) else json.dumps(changed))
    assert not ready(main.gate)
    said = capsys.readouterr().err
    assert why in said
    assert "Take it away" in said
    assert "the next run on main that holds keeps new results" in said
    with pytest.raises(UnfitError):
        kept(main.gate)


def test_results_of_another_form_are_not_compared_with(main: Branch) -> None:
    main.earlier.write_text(json.dumps({**main.keep(recall=[1, 1]), "form": 0}))
    assert main.run(recall=[0, 0]) == (0, [
        "another version kept the results of main: not compared, the next run there keeps new ones",
    ])


def test_by_hand_a_file_is_named(main: Branch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main.keep(recall=[1, 1])
    main.earlier.rename(tmp_path / "mine.json")
    assert main.run(recall=[0, 0])[0] == 0
    monkeypatch.setenv("LLMOPS_BASELINE", str(tmp_path / "mine.json"))
    assert main.run(recall=[0, 0])[0] == 100
    monkeypatch.setenv("LLMOPS_BASELINE", str(tmp_path / "nowhere.json"))
    assert not ready(main.gate)


# --- how sure ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("free", [1, 2, 3, 5, 10, 40])
def test_students_t_leaves_that_share_behind(share: float, free: int) -> None:
    """By the density itself, summed from 0 on."""
    scale = math.gamma((free + 1) / 2) / (math.sqrt(free * math.pi) * math.gamma(free / 2))
    end, steps = student(share, free), 20_000
    middles = ((n + 0.5) * end / steps for n in range(steps))
    below = 0.5 + sum(scale * (1 + x * x / free) ** (-(free + 1) / 2) for x in middles) * end / steps
    assert below == pytest.approx(share, abs=0.001)


def test_rows_are_compared_in_pairs() -> None:
    """Hard and easy rows differ by far more than the two runs do: only pairs show that nothing is worse."""
    before = measured(recall=[0.0, 1.0] * 10)["subjects"]["app"]["recall"]
    assert better(before, before, 0.95) == 0
    one_less = measured(recall=[0.0, 1.0] * 9 + [0.0, 0.0])["subjects"]["app"]["recall"]
    # one of 20 rows is worse by 1: mean -0.05, its error sqrt(0.05/20) = 0.05, t(0.95, 19) = 1.729
    assert better(one_less, before, 0.95) == pytest.approx(-0.05 - 1.729 * 0.05, abs=1e-3)
    assert better(one_less, before, None) == pytest.approx(-0.05)


def test_means_without_rows_are_compared_by_their_errors() -> None:
    now, before = {"mean": 0.50, "count": 100, "stderr": 0.03}, {"mean": 0.52, "count": 100, "stderr": 0.04}
    assert better(now, before, 0.95) == pytest.approx(-0.02 - 1.645 * 0.05, abs=1e-3)


def test_a_row_is_known_by_what_stands_in_it() -> None:
    assert row({"a": 1, "b": "ü"}) == row({"b": "ü", "a": 1})
    assert row({"a": 1}) != row({"a": 2})
    assert row({"a": 1}, []) == row({"a": 1}) != row({"a": 1}, [{"type": "contains", "value": "x"}])
