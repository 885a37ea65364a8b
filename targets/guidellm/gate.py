"""What the gate of a load test asks: of times and rates, by the names in `known.METRICS`."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from llmops.compiler.derive import judging
from llmops.compiler.derive.subjects import Subject
from llmops.compiler.diagnostics.suggest import best
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.view import View
from llmops.targets.guidellm import known
from llmops.targets.guidellm.profiles import Shape
from llmops.targets.guidellm.work import Work


def judged(work: Work, eval_: View[Any], tried: list[Subject], made: Shape) -> dict[str, Any]:
    """The rules of `gate.py`, after what would be judged wrongly is told."""
    limits = [(word, name) for word in ("min", "max") for name in (eval_.value.get("gate") or {}).get(word) or {}]
    for word, name in limits:
        if name not in known.METRICS:
            close = best(name, known.METRICS)
            work.error(eval_.at("gate", word, name), f"GuideLLM measures no `{name}`",
                       f"did you mean `{close}`?" if close else "", f"it measures {', '.join(known.METRICS)}")
    if eval_.has("gate", "confidence") and (limits or eval_.has("gate", "baseline")):
        work.error(eval_.at("gate", "confidence"), "how sure a percentile or a throughput is, nobody knows here",
                   "with `confidence` every limit is asked of the worst plausible value",
                   "leave it out, or ask for a `pass_rate` alone")
    if eval_.has("gate", "baseline"):
        _comparable(work, eval_, tried, made, [name for _, name in limits])
    out = judging.rules(work.lowering, eval_, tried)
    if "of" in out:
        out["of"]["measures"] = _measures(eval_)
    return out


def _comparable(work: Work, eval_: View[Any], tried: list[Subject], made: Shape, limits: list[str]) -> None:
    if eval_.has("gate", "baseline", "subject"):
        work.error(eval_.at("gate", "baseline", "subject"), "subjects of a load test are not compared", "",
                   "give each an eval of its own, with a baseline of a branch")
    elif made.several or len(tried) > 1:
        work.error(eval_.at("gate", "baseline"), "several runs cannot be compared with one baseline",
                   "each has a rate or a subject of its own", "give each an eval of its own")
    elif not limits:
        work.error(eval_.at("gate", "baseline"), "nothing says which metrics should not become worse", "",
                   "limit those that count, in `min` or `max`: `max: {ttft_p95: 2}`")


def _measures(eval_: View[Any]) -> dict[str, Any]:
    """A digest of the load and its requests for each metric: under another load, it measures something else."""
    about = [found for field in ("load", "rows", "seed") if (found := eval_.get(field)) is not None]
    text = json.dumps([found.value for found in about], sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    sources = merge(*(found.sources for found in about))
    return {name: Sourced(digest, sources, raw=True) for name in known.METRICS}
