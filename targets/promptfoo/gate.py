"""The gate of an eval: promptfoo's own where it asks for a pass rate alone, else a script that reads the results."""

from __future__ import annotations

import json
from typing import Any

from llmops.compiler.derive.gate import blocks
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.view import View
from llmops.targets.promptfoo.subjects import Subject
from llmops.targets.promptfoo.work import Work

SETTINGS = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
RATE, EXIT_CODE = "PROMPTFOO_PASS_RATE_THRESHOLD", "PROMPTFOO_FAILED_TEST_EXIT_CODE"


def scripted(eval_: View[Any]) -> bool:
    """Whether the gate asks for more than promptfoo can judge by itself."""
    return any(eval_.has("gate", field) for field in ("min", "max")) or any(
        eval_.has("gate", "baseline", field) for field in ("file", "subject")
    )


def settings(eval_: View[Any]) -> dict[str, Sourced[str]]:
    """The gate as promptfoo reads it, from environment variables."""
    out: dict[str, Sourced[str]] = {name: literal(value) for name, value in SETTINGS.items()}
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
    mode = eval_.maybe_text("gate", "mode")
    if mode is not None and mode.value != "block":
        out["mode"] = mode
    return out


def unsupported(work: Work, eval_: View[Any]) -> None:
    if eval_.has("gate", "baseline", "branch"):
        work.error(
            eval_.at("gate", "baseline", "branch"), "promptfoo keeps no results of a branch",
            "the gate would not hold", "keep the results that count in a file, and name it: `baseline: {file: …}`",
        )
    if eval_.has("gate", "confidence"):
        cure = "ask more rows, or each of them more often with `repetitions`"
        work.unsupported(eval_.at("gate", "confidence"), "it compares means as they are", cure)
