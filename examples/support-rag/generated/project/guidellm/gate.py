"""Whether what an eval measured is good enough. Standard library only: targets ship it as it stands beside their own
script, which brings what its tool measured into this form:

    {"subjects": {"small": {"pass_rate": {"mean": 0.9, "count": 10, "rows": {"<row>": 1.0, …}}, …}, …},
     "unanswered": 1, "slices": {"language": {"de": {"mean": 0.8, "count": 5}, …}, …},
     "used": {"rows": 10, "calls": 20, "tokens": 3000, "usd": 0.02}}

`unanswered` rows count as failed ones. `rows` (the mean score of each row, by its digest, for what is compared with a
baseline), `stderr` (of a mean), `unanswered`, `slices`, `used` and `usd` are left out where they are not known.

Where the gate compares with a branch, what was measured is kept with `form` and `of`: the form of this file, and which
eval it is of. LLMOPS_BASELINE names another file with earlier results than the gate does, LLMOPS_SUMMARY one to which
is added how it was judged.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import NormalDist, mean, stdev
from typing import Any

RED = 100
"""The exit code of an eval whose gate does not hold."""
UNFIT = 2
"""The exit code where the earlier results are of something else."""
EPSILON = 1e-9
FORM = 1
"""Of results that are kept: those of another form are not compared with."""
Scores = Mapping[str, Any]
Verdict = tuple[bool | None, str]
"""Whether it holds, None where it is only told, and how to say it."""
SIGNS = {True: "ok ", False: "RED", None: "-- "}


class UnfitError(Exception):
    """Earlier results that nothing can be compared with. The text says what to do."""


def row(values: Mapping[str, Any], asserted: Any = ()) -> str:
    """What a row is known by from run to run: a digest of its variables and of what is asserted of it alone."""
    about = {"vars": values, **({"assert": asserted} if asserted else {})}
    text = json.dumps(about, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def finish(gate: Mapping[str, Any], measured: Mapping[str, Any], results: Path) -> int:
    """Keep what was measured, say how it was judged, and give the exit code."""
    known = {"form": FORM, "of": gate["of"], **measured} if "of" in gate else measured
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    for column, values in measured.get("slices", {}).items():
        for value, found in sorted(values.items()):
            _say(f"    pass_rate is {found['mean']:.4f} of {found['count']} where {column} is {json.dumps(value)}")
    lines = [(ok, f"{SIGNS[ok]} {text}") for ok, text in judged(gate, measured)]
    for _, text in lines:
        _say(text)
    _summarise(gate, [text for _, text in lines])
    red = any(ok is False for ok, _ in lines)
    return RED if red and gate.get("mode") != "report" else 0


def ready(gate: Mapping[str, Any]) -> bool:
    """Whether the eval can be judged once it has run; says why not. Nobody pays for one that cannot."""
    try:
        kept(gate)
    except UnfitError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return False
    return True


def _say(text: str) -> None:
    print(_line(text), flush=True)


def _line(text: str) -> str:
    # one line each, so that no text of a row starts a line of a log
    return " ".join(text.splitlines())


def _summarise(gate: Mapping[str, Any], lines: list[str]) -> None:
    path = os.environ.get("LLMOPS_SUMMARY")
    if path and "of" in gate:
        # set in: no text of a row is read as anything else
        body = "".join(f"    {_line(line)}\n" for line in lines)
        with Path(path).open("a", encoding="utf-8") as summary:
            summary.write(f"### eval.{gate['of']['eval']} in {gate['of']['environment']}\n\n{body}\n")


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
    if "branch" in baseline:
        yield from _behind(gate, everything)
    elif "file" in baseline:
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


def kept(gate: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The results that the branch has kept; None where the gate asks for none, or there are none yet.

    `UnfitError` where they are of something else.
    """
    baseline = gate.get("baseline") or {}
    if "branch" not in baseline:
        return None
    told = os.environ.get("LLMOPS_BASELINE")
    path = Path(told or baseline["file"])
    if not told and not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        why = _unfit(gate["of"], found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"it holds no results ({' '.join(str(error).split())})"
    if why is not None:
        raise UnfitError(
            f"{path} cannot be compared with: {why}. Take it away (a CI has kept it as an artifact: delete that), or "
            f"name another file in LLMOPS_BASELINE. Without one the eval is judged by the rest of its gate, and the "
            f"next run on {baseline['branch']} that holds keeps new results."
        )
    return dict(found)


def _unfit(ours: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """Why these results are none of this eval's; None where they are. Raises where they are no results at all."""
    theirs = found["of"]
    for name in ("project", "environment", "eval"):
        if theirs[name] != ours[name]:
            return f"it holds results of {_named(theirs)}, not of {_named(ours)}"
    if found["form"] != FORM:
        return None
    for scores in found["subjects"].values():
        for metric, one in scores.items():
            numbers = [one["count"], *([one["mean"]] if one["count"] else []), *one.get("rows", {}).values()]
            if any(isinstance(n, bool) or not isinstance(n, (int, float)) or not math.isfinite(n) for n in numbers):
                return f"{metric} has a score that is no number"
    return None if any(found["subjects"].values()) else "nothing was measured"


def _named(of: Mapping[str, Any]) -> str:
    return f"eval.{of['eval']} of project {of['project']} in {of['environment']}"


def _behind(gate: Mapping[str, Any], now: Scores) -> Iterator[Verdict]:
    """Against what a branch has kept. What is measured otherwise since is told and not judged: of a change to the eval
    itself the earlier results say nothing, and it could never be merged."""
    branch, found = gate["baseline"]["branch"], kept(gate)
    if found is None:
        yield None, f"no earlier results of {branch}: nothing to compare with yet, it is judged by the rest of its gate"
        return
    if found["form"] != FORM:
        yield None, f"another version kept the results of {branch}: not compared, the next run there keeps new ones"
        return
    before = {name: was for name, was in together(found["subjects"]).items() if "mean" in was}
    ours, theirs = gate["of"].get("measures", {}), found["of"].get("measures", {})
    judged_ = False
    for name, was in before.items():
        if "mean" not in now.get(name, {}):
            yield None, f"{name} is not measured any more; {branch} had {was['mean']:.4f}"
        elif ours.get(name) != theirs.get(name):
            yield None, f"{name} is {now[name]['mean']:.4f}, measured otherwise than on {branch}: not compared"
        elif common(now[name], was)[2] is None and not gate.get("fresh_rows"):
            yield None, f"{name} is {now[name]['mean']:.4f}, of other rows than on {branch}: not compared"
        else:
            judged_ = True
            yield from _compared(gate, now, {name: was}, branch)
    if not judged_:
        yield None, f"nothing could be compared with {branch}: the eval is another one since"
    for name in now:
        if name not in before:
            yield None, f"{name} is {now[name].get('mean', 0):.4f}; {branch} has not measured it yet"


def _compared(gate: Mapping[str, Any], now: Scores, before: Scores, against: str) -> Iterator[Verdict]:
    tolerance, least = gate.get("tolerance", 0), gate.get("min", {})
    for name, was in before.items():
        if "mean" not in was:
            continue
        allowed = tolerance if isinstance(tolerance, (int, float)) else tolerance.get(name, 0)
        if "mean" not in now.get(name, {}):
            yield False, f"{name} was not measured; {against} had {was['mean']:.4f}"
            continue
        ours, theirs, over = common(now[name], was)
        # what must not be much is better where it is less
        side = -1 if name in gate.get("max", {}) and name not in least else 1
        ok = better(now[name], was, gate.get("confidence"), side) >= -allowed - EPSILON
        said = f"{name} is {ours:.4f}{over or ''}; {against} had {theirs:.4f}, {allowed} is tolerated"
        yield None if name in gate.get("informational", ()) else ok, said


def common(now: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[float, float, str | None]:
    """Both means, of the rows that both have where some are new or gone, and the words that say so; None where they
    have no row in common."""
    ours, theirs = now.get("rows", {}), before.get("rows", {})
    both = [row for row in ours if row in theirs]
    if not ours or not theirs or len(both) == len(ours) == len(theirs):
        return float(now["mean"]), float(before["mean"]), ""
    if not both:
        return float(now["mean"]), float(before["mean"]), None
    said = f" over the {len(both)} rows of {len(ours)} that were there before"
    return mean(ours[row] for row in both), mean(theirs[row] for row in both), said


def better(now: Mapping[str, Any], before: Mapping[str, Any], confidence: float | None, side: int = 1) -> float:
    """By how much it scores better; `side` is -1 where less is better.

    With a `confidence` c, by how much in the worst plausible case: the lower end of a one-sided interval. The rows that
    both have are compared in pairs: with d the differences of n rows (repetitions of a row are averaged first, they are
    not independent), it is mean(d) - t(c, n-1) * stdev(d) / sqrt(n). Without pairs, but with the errors of both means,
    it is the difference less z(c) * sqrt(se1**2 + se2**2). Both are Miller's, "Adding Error Bars to Evals" (2024,
    arXiv 2411.00640): paired and unpaired comparison of two models on one eval. A tolerance makes it a test that the
    new one is not worse by more than that.
    """
    ours, theirs = now.get("rows", {}), before.get("rows", {})
    steps = [side * (ours[row] - theirs[row]) for row in ours if row in theirs]
    mine, others, _ = common(now, before)
    if confidence is None:
        return side * (mine - others)
    if len(steps) >= 2:
        return float(mean(steps) - student(confidence, len(steps) - 1) * stdev(steps) / math.sqrt(len(steps)))
    errors = [_error(now), _error(before)]
    if steps or None in errors:
        return side * (mine - others)
    return side * (mine - others) - NormalDist().inv_cdf(confidence) * math.hypot(*(error or 0 for error in errors))


def _error(found: Mapping[str, Any]) -> float | None:
    """The standard error of a mean, None where it is not known."""
    rows = list(found.get("rows", {}).values())
    if "stderr" in found:
        return float(found["stderr"])
    return stdev(rows) / math.sqrt(len(rows)) if len(rows) >= 2 else None


def student(share: float, free: int) -> float:
    """The quantile of Student's t with so many degrees of freedom: exact for one and two, else the expansion about the
    normal quantile of Abramowitz and Stegun, 26.7.5."""
    if free == 1:
        return math.tan(math.pi * (share - 0.5))
    if free == 2:
        return (2 * share - 1) / math.sqrt(2 * share * (1 - share))
    z = NormalDist().inv_cdf(share)
    parts = (
        z, (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(sum(part / free**power for power, part in enumerate(parts)))


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
