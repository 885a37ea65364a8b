"""Whether what an eval measured is good enough. Standard library only: targets ship it as it stands beside their own
script, which brings what its tool measured into this form:

    {"subjects": {"small": {"pass_rate": {"mean": 0.9, "count": 10, "rows": {"<row>": 1.0, …}}, …}, …},
     "unanswered": 1, "slices": {"language": {"de": {"mean": 0.8, "count": 5}, …}, …},
     "used": {"rows": 10, "calls": 20, "tokens": 3000, "usd": 0.02}}

`unanswered` rows count as failed ones. `rows` (the mean score of each row, for what is compared with a baseline),
`stderr` (of a mean), `unanswered`, `slices`, `used` and `usd` are left out where they are not known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import NormalDist, mean, stdev
from typing import Any

RED = 100
"""The exit code of an eval whose gate does not hold."""
EPSILON = 1e-9
Scores = Mapping[str, Any]
Verdict = tuple[bool, str]


def finish(gate: Mapping[str, Any], measured: Mapping[str, Any], results: Path) -> int:
    """Keep what was measured, say how it was judged, and give the exit code."""
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(measured, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    for column, values in measured.get("slices", {}).items():
        for value, found in sorted(values.items()):
            _say(f"    pass_rate is {found['mean']:.4f} of {found['count']} where {column} is {json.dumps(value)}")
    verdicts = list(judged(gate, measured))
    for ok, text in verdicts:
        _say(f"{'ok ' if ok else 'RED'} {text}")
    red = any(not ok for ok, _ in verdicts)
    return RED if red and gate.get("mode") != "report" else 0


def _say(text: str) -> None:
    # one line each, so that no text of a row starts a line of a log
    print(" ".join(text.split("\n")), flush=True)


def judged(gate: Mapping[str, Any], measured: Mapping[str, Any]) -> Iterator[Verdict]:
    """Each thing that the gate asks, and whether it holds."""
    subjects: Mapping[str, Scores] = measured.get("subjects", {})
    everything = together(subjects)
    count = sum(max((found["count"] for found in scores.values()), default=0) for scores in subjects.values())
    missing = measured.get("unanswered", 0)
    yield count > 0, f"{count - missing} answers were judged"
    if missing:
        # A mean of a metric knows nothing of them: it would be that of the rows that went well.
        yield not any(gate.get(name) for name in ("min", "max", "baseline")), f"{missing} of {count} rows got no answer"
    yield from _limits(gate, everything)
    baseline = gate.get("baseline") or {}
    if "file" in baseline:
        yield from _earlier(gate, everything, Path(baseline["file"]))
    if "subject" in baseline:
        other = subjects.get(baseline["subject"])
        if not other:
            yield False, f"the subject {baseline['subject']} gave no results"
        for name, scores in subjects.items():
            if other and name != baseline["subject"]:
                for ok, text in _compared(gate, scores, other, baseline["subject"]):
                    yield ok, f"{name}: {text}"
    yield from _spent(gate.get("budget") or {}, measured.get("used") or {})


def together(subjects: Mapping[str, Scores]) -> dict[str, Any]:
    """All subjects as one, for what is asked of the eval as a whole."""
    out: dict[str, Any] = {}
    for metric in dict.fromkeys(name for scores in subjects.values() for name in scores):
        parts = {who: scores[metric] for who, scores in subjects.items() if metric in scores}
        count = sum(part["count"] for part in parts.values())
        made: dict[str, Any] = {"count": count}
        if count:
            made["mean"] = sum(part["mean"] * part["count"] for part in parts.values()) / count
            errors = [part.get("stderr") for part in parts.values()]
            if all(isinstance(error, (int, float)) for error in errors):
                weighed = ((error or 0) * part["count"] for error, part in zip(errors, parts.values(), strict=True))
                made["stderr"] = math.sqrt(sum(one**2 for one in weighed)) / count
        rows = {f"{who}\n{row}": s for who, part in parts.items() for row, s in part.get("rows", {}).items()}
        out[metric] = {**made, **({"rows": rows} if rows else {})}
    return out


def plausible(found: Mapping[str, Any], confidence: float | None, side: int) -> float:
    """A mean; with a confidence the worst that is still plausible: by its error, else by Wilson's interval."""
    rate = float(found["mean"])
    if confidence is None:
        return rate
    z = NormalDist().inv_cdf(confidence) * side
    if "stderr" in found:
        return rate + z * float(found["stderr"])
    n = found["count"]
    spread = math.sqrt(max(0.0, rate * (1 - rate) / n) + z * z / (4 * n * n))
    return float((rate + z * z / (2 * n) + z * spread) / (1 + z * z / n))


def _limits(gate: Mapping[str, Any], found: Scores) -> Iterator[Verdict]:
    confidence = gate.get("confidence")
    least = {**({"pass_rate": gate["pass_rate"]} if "pass_rate" in gate else {}), **gate.get("min", {})}
    for word, limits, side in (("at least", least, -1), ("at most", gate.get("max", {}), 1)):
        for name, limit in limits.items():
            if name not in found or "mean" not in found[name]:
                yield False, f"{name} was not measured, {word} {limit} is asked"
                continue
            worst = plausible(found[name], confidence, side)
            sure = "" if confidence is None else f" ({worst:.4f} is plausible)"
            ok = (worst - limit) * side <= EPSILON
            yield ok, f"{name} is {found[name]['mean']:.4f}{sure}, {word} {limit} is asked"


def _earlier(gate: Mapping[str, Any], found: Scores, path: Path) -> Iterator[Verdict]:
    try:
        before = together(json.loads(path.read_text(encoding="utf-8"))["subjects"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield False, f"{path} holds no results: {error}"
        return
    if not before:
        yield False, f"{path} holds no results"
    yield from _compared(gate, found, before, "the baseline")


def _compared(gate: Mapping[str, Any], now: Scores, before: Scores, against: str) -> Iterator[Verdict]:
    tolerance = gate.get("tolerance", 0)
    for name, was in before.items():
        if "mean" not in was:
            continue
        allowed = tolerance if isinstance(tolerance, (int, float)) else tolerance.get(name, 0)
        if "mean" not in now.get(name, {}):
            yield False, f"{name} was not measured; {against} had {was['mean']:.4f}"
            continue
        ok = better(now[name], was, gate.get("confidence")) >= -allowed - EPSILON
        yield ok, f"{name} is {now[name]['mean']:.4f}; {against} had {was['mean']:.4f}"


def better(now: Mapping[str, Any], before: Mapping[str, Any], confidence: float | None) -> float:
    """By how much it scores better; with a confidence in the worst plausible case, where rows can be compared."""
    ours, theirs = now.get("rows", {}), before.get("rows", {})
    steps = [ours[row] - theirs[row] for row in ours if row in theirs]
    if confidence is None or len(steps) < 2:
        return float(now["mean"]) - float(before["mean"])
    return float(mean(steps) - NormalDist().inv_cdf(confidence) * stdev(steps) / math.sqrt(len(steps)))


def _spent(budget: Mapping[str, Any], used: Mapping[str, Any]) -> Iterator[Verdict]:
    for name, limit in (budget.get("limits") or {}).items():
        what, _, per = name.partition("_per_")
        amount = used.get(what)
        if amount is None:
            yield bool(budget.get("warn")), f"{name} is unknown, at most {limit} is allowed"
            continue
        share = amount / max(1, used.get("rows", 1)) if per == "row" else amount
        ok = bool(budget.get("warn")) or share <= limit + EPSILON
        yield ok, f"{name} is {share:.4g}, at most {limit} is allowed"
