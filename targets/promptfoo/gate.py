"""The gate of an eval: promptfoo's own where it asks for a pass rate alone, else a script that reads the results."""

from __future__ import annotations

import json
from typing import Any

from llmops.compiler.derive import judging
from llmops.compiler.derive.baseline import beside, results
from llmops.compiler.derive.gate import blocks
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.view import Node, View
from llmops.targets.promptfoo import redteam
from llmops.targets.promptfoo.subjects import Subject, judge
from llmops.targets.promptfoo.work import Work

SETTINGS = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
RATE, EXIT_CODE = "PROMPTFOO_PASS_RATE_THRESHOLD", "PROMPTFOO_FAILED_TEST_EXIT_CODE"




def scripted(eval_: View[Any]) -> bool:
    """Whether the gate asks for more than promptfoo can judge by itself."""
    return any(eval_.has("gate", field) for field in ("min", "max", "confidence")) or any(
        eval_.has("gate", "baseline", field) for field in ("file", "branch", "subject")
    ) or eval_.has("slices") or bool(judging.counted(eval_))


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
    for found in judging.problems(eval_):
        if isinstance(found, Finding):
            work.told([found])
        else:
            work.unsupported(found.at, found.why, found.help)
    if not scripted(eval_):
        return None
    out = judging.rules(work.lowering, eval_, tried)
    if "of" in out:
        out["keep"] = beside(results(work.lowering, eval_), "scores").express(str)
    slices = eval_.tree("slices")
    if slices:
        out["slices"] = work.tree(slices)
    if any(name.startswith("usd") for name in judging.counted(eval_)):
        out["budget"]["prices"] = _prices(work, eval_, tried)
    return out


def _prices(work: Work, eval_: View[Any], tried: list[Subject]) -> dict[str, Any]:
    """The prices of the models that are called, by the subjects' labels."""
    at = next(eval_.at("budget", name) for name in judging.counted(eval_) if name.startswith("usd"))
    of: dict[str, Any] = {}
    for subject in tried:
        of["" if subject.label is None else work.text(subject.label).value] = prices(work, at, subject.model)
    grader = judge(work, eval_)
    return {"subjects": of, **({} if grader is None else {"judge": prices(work, at, grader[0])})}


def prices(work: Work, at: KeyPath, model: View[Any] | None) -> dict[str, Any]:
    """US dollars for a token, by the config, else the catalogue; one that nobody knows is told."""
    found = judging.prices(work.lowering, at, model)
    if isinstance(found, Finding):
        work.told([found])
        return {}
    return found
