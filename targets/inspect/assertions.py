"""Assertions, by the names that the language has; `run.py` knows what each of them means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive import judging
from llmops.compiler.derive.assertions import spoken
from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.subjects import Subject
from llmops.compiler.diagnostics.suggest import best
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node, View
from llmops.targets.inspect import asking
from llmops.targets.inspect.work import Work

GRADED = ("llm-rubric", "model-graded-closedqa", "factuality", "model-graded-factuality")
"""Those that Inspect's own graders judge."""
TYPES = (
    "contains", "icontains", "contains-any", "contains-all", "icontains-any", "icontains-all", "starts-with", "equals",
    "regex", "is-json", "contains-json", "word-count", "levenshtein", "latency", "cost", "context-recall", "python",
    *GRADED,
)  # fmt: skip
LIMITS = ("cost", "latency")


def assertion(
    work: Work, node: Node, tried: list[Subject], eval_: View[Any], metric: str | None = None
) -> Iterator[dict[str, Any]]:
    """One assertion, or none where it cannot be made; an entry of `metrics` gives its name to the results."""
    written = node.text("type")
    base = written.value.removeprefix("not-")
    if base not in TYPES:
        close = best(base, TYPES)
        work.error(node.at("type"), f"Inspect has no assertion of type `{written.value}`",
                   f"did you mean `{close}`?" if close else f"it has {', '.join(TYPES)}",
                   "write it as `type: python`, or choose another runner")
        return
    out: dict[str, Any] = {"type": written}
    if metric is not None:
        out["metric"] = Sourced(metric, (node.source(),), raw=True)
    for field in ("column", "function"):
        value = node.maybe_text(field)
        if value is not None:
            out[field] = value
    told = node.tree("value")
    if told is not None:
        out["value"] = told
    threshold = node.maybe_number("threshold")
    if threshold is not None:
        out["threshold"] = threshold
    weight, flag = node.maybe_number("weight"), node.maybe_flag("informational")
    if flag is not None and flag.value:
        out["informational"] = flag
    elif weight is not None and weight.value == 0:
        out["informational"] = weight.express(lambda _: True)
    elif weight is not None and weight.value != 1:
        work.unsupported(node.at("weight"), "a row passes if each of its assertions does", "only 0 means something")
    language = spoken(node)
    if isinstance(language, str) or (language is not None and base not in GRADED):
        work.unsupported(node.at("language"), "which language an answer is in, a model judges by a rubric"
                         if not isinstance(language, str) else language, "say it of an assertion such as `llm-rubric`")
    elif language is not None:
        out["also"] = language
    _own(work, node, base, out)
    _judged(work, node, base, eval_, out)
    if base in LIMITS and "threshold" not in out:
        work.error(node.at("type"), f"`{base}` needs a `threshold`",
                   "in US dollars for a row" if base == "cost" else "in milliseconds")
    if base == "cost":
        rates = judging.prices(work.lowering, node.at("type"), tried[0].model if tried else None)
        if isinstance(rates, Finding):
            work.told(rates)
        else:
            out["price"] = rates
        if len({one.model.address if one.model is not None else None for one in tried}) > 1:
            work.error(node.at("type"), "the subjects have prices of their own", "it compares with one of them",
                       "count the whole run: `budget: {usd_per_row: …}`")
    if base == "context-recall" and not ("column" in out and tried and all(one.passages or one.code for one in tried)):
        work.error(node.at("type"), "recall is counted from the passages that an app's reply names",
                   "the eval names no `column`, or a subject no `passages`",
                   "say `passages` of the `http` subject, and the `column` with the expected ones")
    yield out


def _own(work: Work, node: Node, base: str, out: dict[str, Any]) -> None:
    file = node.maybe_text("file")
    if file is not None:
        if base != "python" or not file.value.endswith(".py"):
            work.error(node.at("file"), f"Inspect runs no such file for `{base}`", "it runs Python: `type: python`")
        out["file"] = file.express(lambda path: in_repository(work.lowering, path))
    elif base == "python" and "value" not in out:
        work.error(node.at("type"), "`python` needs a `value` or a `file`")
    for field, why in (
        ("transform", "it has no expressions that turn an answer into another"),
        ("columns", "its assertions read one `column`"),
    ):
        if node.has(field):
            work.unsupported(node.at(field), why, "do it in an assertion of `type: python`")


def _judged(work: Work, node: Node, base: str, eval_: View[Any], out: dict[str, Any]) -> None:
    own = asking.judge(work, node)
    if own is not None:
        out["judge"] = own
    elif base in GRADED and not eval_.has("judge") and not node.has("judge"):
        work.error(node.at("type"), f"`{base}` needs a model that judges", "", "name the eval's `judge`")
