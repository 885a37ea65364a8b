"""The gate of an eval: promptfoo's own where it asks for a pass rate alone, else a script that reads the results."""

from __future__ import annotations

import json
from typing import Any

from llmops.compiler.derive.gate import blocks
from llmops.compiler.derive.model import price
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.view import Node, View
from llmops.targets.promptfoo import redteam
from llmops.targets.promptfoo.subjects import Subject, judge
from llmops.targets.promptfoo.work import Work

SETTINGS = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
RATE, EXIT_CODE = "PROMPTFOO_PASS_RATE_THRESHOLD", "PROMPTFOO_FAILED_TEST_EXIT_CODE"


PER = ("run", "row")
"""What a budget may be for: the script sees one run and its rows."""


def scripted(eval_: View[Any]) -> bool:
    """Whether the gate asks for more than promptfoo can judge by itself."""
    return any(eval_.has("gate", field) for field in ("min", "max", "confidence")) or any(
        eval_.has("gate", "baseline", field) for field in ("file", "subject")
    ) or eval_.has("slices") or bool(_limits(eval_))


def settings(eval_: View[Any], options: Node | None) -> dict[str, Sourced[str]]:
    """The gate as promptfoo reads it, from environment variables."""
    out: dict[str, Sourced[str]] = {name: literal(value) for name, value in SETTINGS.items()}
    if redteam.attacks(eval_) and not redteam.remote(options):
        out["PROMPTFOO_DISABLE_REMOTE_GENERATION"] = literal("1")
    rate = eval_.maybe_number("gate", "pass_rate")
    if rate is not None and not scripted(eval_):
        out[RATE] = rate.express(_percent)
    if not blocks(eval_):
        mode = eval_.maybe_text("gate", "mode")
        out[EXIT_CODE] = mode.express(lambda _: "0") if mode is not None else literal("0")
    return out


def _percent(share: float) -> str:
    return json.dumps(round(share * 100, 6)).removesuffix(".0")


def rules(work: Work, eval_: View[Any], tried: list[Subject]) -> dict[str, Any] | None:
    """What the script is to judge; None where promptfoo judges alone."""
    unsupported(work, eval_)
    if not scripted(eval_):
        return None
    out: dict[str, Any] = {}
    rate = eval_.maybe_number("gate", "pass_rate")
    if rate is not None:
        out["pass_rate"] = rate
    for field in ("min", "max"):
        limits = eval_.tree("gate", field)
        if limits:
            out[field] = limits
    file, subject = eval_.maybe_text("gate", "baseline", "file"), eval_.ref_name("gate", "baseline", "subject")
    name = eval_.maybe_text("gate", "baseline", "subject")
    if file is not None:
        root = work.lowering.root
        out["baseline"] = {"file": file.map(lambda path: path if root == "." else f"{root}/{path}")}
    elif name is not None or subject is not None:
        wanted = name or subject
        assert wanted is not None
        label = next((s.label for s in tried if s.name is not None and s.name.value == wanted.value), None)
        out["baseline"] = {"subject": (work.text(label) if label is not None else wanted).because(wanted)}
    tolerance = eval_.tree("gate", "tolerance")
    if tolerance is not None and "baseline" in out:
        out["tolerance"] = tolerance
    confidence = eval_.maybe_number("gate", "confidence")
    if confidence is not None:
        out["confidence"] = confidence
    slices = eval_.tree("slices")
    if slices:
        out["slices"] = slices
    if _limits(eval_):
        out["budget"] = _budget(work, eval_, tried)
    mode = eval_.maybe_text("gate", "mode")
    if mode is not None and mode.value != "block":
        out["mode"] = mode
    elif not eval_.has("gate"):
        out["mode"] = "report"
    return out


def _limits(eval_: View[Any]) -> dict[str, Sourced[float]]:
    """The parts of the budget that can be counted from the results of a run."""
    found = {name: eval_.maybe_number("budget", name) for name in eval_.value.get("budget") or {} if _counted(name)}
    return {name: limit for name, limit in found.items() if limit is not None}


def _counted(name: str) -> bool:
    what, _, per = name.partition("_per_")
    return what in ("usd", "tokens", "calls") and per in PER


def _budget(work: Work, eval_: View[Any], tried: list[Subject]) -> dict[str, Any]:
    """The limits, with the prices of the models that are called."""
    limits = _limits(eval_)
    out: dict[str, Any] = {"limits": limits}
    if any(name.startswith("usd") for name in limits):
        at = next(eval_.at("budget", name) for name in limits if name.startswith("usd"))
        of: dict[str, Any] = {}
        for subject in tried:
            of["" if subject.label is None else work.text(subject.label).value] = prices(work, at, subject.model)
        out["prices"] = {"subjects": of}
        grader = judge(work, eval_)
        if grader is not None:
            out["prices"]["judge"] = prices(work, at, grader[0])
    warns = eval_.maybe_text("budget", "on_exceed")
    if warns is not None and warns.value == "warn":
        out["warn"] = warns.express(lambda _: True)
    return out


def prices(work: Work, at: KeyPath, model: View[Any] | None) -> dict[str, Any]:
    """US dollars for a token, by the config, else the catalogue; one that nobody knows is told."""
    out = {}
    for which in ("input", "output"):
        rate = price(work.lowering.facts, model, which) if model is not None else None
        if rate is not None:
            out[which] = rate.express(lambda r: float(f"{r:.12g}"))
    if len(out) < 2:
        work.error(at, "the cost cannot be known",
                   f"nobody knows what {model.address if model is not None else 'the app'} costs",
                   "say it: `facts: {price: {usd_per_million_input: …, usd_per_million_output: …}}` of the model")
        return {}
    return out


def unsupported(work: Work, eval_: View[Any]) -> None:
    if eval_.has("gate", "baseline", "branch"):
        work.error(
            eval_.at("gate", "baseline", "branch"), "promptfoo keeps no results of a branch",
            "the gate would not hold", "keep the results that count in a file, and name it: `baseline: {file: …}`",
        )
    rate = eval_.maybe_number("gate", "pass_rate")
    if eval_.has("gate", "confidence") and rate is not None and rate.value >= 1:
        work.error(eval_.at("gate", "pass_rate"), "no number of rows can prove that all others pass too",
                   "with `confidence` the worst rate that is still plausible counts", "ask for less than 1")
    for name in eval_.value.get("budget") or {}:
        if name != "on_exceed" and not _counted(name):
            work.unsupported(eval_.at("budget", name), "it sees one run: dollars, tokens and calls, of it or its rows",
                             "say it `_per_run` or `_per_row`, in US dollars")
