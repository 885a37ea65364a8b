"""What an eval's gate asks, in the words of the script that judges it, for runners that have no gate of their own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.baseline import beside, informational, known_by, results
from llmops.compiler.derive.cases import in_repository, problem
from llmops.compiler.derive.model import price
from llmops.compiler.derive.subjects import Subject
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View

PER = ("run", "row")
"""What a budget may be for: a script sees one run and its rows."""


def script() -> bytes:
    """`gate.py`, which targets ship as it stands."""
    return files(__package__).joinpath("scripts", "gate.py").read_bytes()


def rules(lowering: Lowering, eval_: View[Any], tried: list[Subject]) -> dict[str, Any]:
    """What the script judges: limits, baseline, budget; `mode` says `report` where nothing blocks."""
    out: dict[str, Any] = {}
    for field in ("pass_rate", "confidence"):
        share = eval_.maybe_number("gate", field)
        if share is not None:
            out[field] = share
    for field in ("min", "max"):
        limits = eval_.tree("gate", field)
        if limits:
            out[field] = limits
    file, other = eval_.maybe_text("gate", "baseline", "file"), eval_.maybe_text("gate", "baseline", "subject")
    branch = eval_.maybe_text("gate", "baseline", "branch")
    if branch is not None:
        expected = beside(results(lowering, eval_), "baseline")
        out["baseline"] = {"branch": branch.express(str), "file": expected.express(str)}
        out["of"] = known_by(lowering, eval_)
        kind = eval_.maybe_text("type")
        if kind is not None and kind.value == "redteam":
            out["fresh_rows"] = kind.express(lambda _: True)
    elif file is not None:
        out["baseline"] = {"file": file.express(lambda path: in_repository(lowering, path))}
    elif other is not None:
        label = next((s.label for s in tried if s.name is not None and s.name.value == other.value), None)
        out["baseline"] = {"subject": (other if label is None else label.because(other)).express(str)}
    told = informational(eval_)
    if told and "baseline" in out:
        out["informational"] = told
    tolerance = eval_.tree("gate", "tolerance")
    if tolerance is not None and "baseline" in out:
        out["tolerance"] = tolerance
    limits = counted(eval_)
    if limits:
        out["budget"] = {"limits": limits}
        warns = eval_.maybe_text("budget", "on_exceed")
        if warns is not None and warns.value == "warn":
            out["budget"]["warn"] = warns.express(lambda _: True)
    mode = eval_.maybe_text("gate", "mode")
    if mode is not None and mode.value != "block":
        out["mode"] = mode
    elif not eval_.has("gate"):
        out["mode"] = "report"
    return out


def counted(eval_: View[Any]) -> dict[str, Sourced[float]]:
    """The parts of the budget that can be counted from the results of a run."""
    found = {name: eval_.maybe_number("budget", name) for name in eval_.value.get("budget") or {} if _counted(name)}
    return {name: limit for name, limit in found.items() if limit is not None}


def _counted(name: str) -> bool:
    what, _, per = name.partition("_per_")
    return what in ("usd", "tokens", "calls") and per in PER


def problems(eval_: View[Any]) -> Iterator[Finding | Unsupported]:
    """What of the gate and the budget no script can judge."""
    rate = eval_.maybe_number("gate", "pass_rate")
    if eval_.has("gate", "confidence") and rate is not None and rate.value >= 1:
        yield problem(eval_.at("gate", "pass_rate"), "no number of rows can prove that all others pass too",
                      "with `confidence` the worst rate that is still plausible counts", "ask for less than 1")
    for name in eval_.value.get("budget") or {}:
        if name != "on_exceed" and not _counted(name):
            yield Unsupported(
                eval_.at("budget", name), "it sees one run: dollars, tokens and calls, of it or its rows",
                "say it `_per_run` or `_per_row`, in US dollars",
            )


def prices(lowering: Lowering, at: KeyPath, model: View[Any] | None) -> dict[str, Any] | Finding:
    """US dollars for a token, by the config, else the catalogue."""
    out = {}
    for which in ("input", "output"):
        rate = price(lowering.facts, model, which) if model is not None else None
        if rate is not None:
            out[which] = rate.express(lambda r: float(f"{r:.12g}"))
    if len(out) == 2:
        return out
    return problem(at, "the cost cannot be known",
                   f"nobody knows what {model.address if model is not None else 'the app'} costs",
                   "say it: `facts: {price: {usd_per_million_input: …, usd_per_million_output: …}}` of the model")


__all__ = ["counted", "prices", "problems", "rules", "script"]
