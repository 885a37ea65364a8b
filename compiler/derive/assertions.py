"""What an eval asserts, and whether that can fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.rows import dataset_of
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node, View

_HOLDS_EMPTY = (
    "contains", "icontains", "starts-with", "contains-any", "icontains-any", "contains-all", "icontains-all",
)
"""Types that hold for every answer where they look for nothing."""
_SCORES = (
    "similar", "llm-rubric", "g-eval", "answer-relevance", "context-recall", "context-relevance",
    "context-faithfulness", "rouge-n", "bleu", "gleu", "meteor", "search-rubric",
)
"""Types whose threshold is the least score, none of which is below 0."""


RUBRICS = ("llm-rubric", "model-graded-closedqa", "g-eval")
"""Types whose value tells a model, in words, what a good answer is."""
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def spoken(assertion: Node) -> Sourced[str] | str | None:
    """The sentence of a rubric that says which language the answer is in, or why there is none; None if nobody asks."""
    language = assertion.maybe_text("language")
    if language is None:
        return None
    kind = assertion.text("type").value
    if kind not in RUBRICS or assertion.has("file"):
        return "which language an answer is in, a model judges by a rubric"
    if not _TAG.fullmatch(language.value):
        return f"`{language.value}` is no tag of a language"
    return language.express(lambda tag: f"The answer is written in the language `{tag}`.")


def assertions(eval_: View[Any]) -> Iterator[Node]:
    """All of them: the metrics of every row, and those of single rows, its dataset's too."""
    yield from eval_.entries("metrics")
    holders = [eval_] if isinstance(eval_.value.get("rows"), list) else []
    dataset = dataset_of(eval_)
    if dataset is not None and dataset.value.get("rows"):
        holders.append(dataset)
    for holder in holders:
        for row in holder.entries("rows"):
            yield from row.entries("assert")


def informational(assertion: Node) -> bool:
    """Whether it is only reported."""
    flag = assertion.maybe_flag("informational")
    return flag is not None and flag.value


def vacuous(assertion: Node) -> str | None:
    """Why it holds for every answer; None where it can fail."""
    kind = assertion.text("type").value
    value = assertion.value.get("value")
    if value is not None:
        assertion.get("value")
    if kind in _HOLDS_EMPTY and value is not None:
        looked_for = value if isinstance(value, (list, tuple)) else [value]
        empty = [item for item in looked_for if item == ""]
        if kind.endswith("-any") and empty:
            return "every text contains the empty one"
        if not kind.endswith("-any") and len(empty) == len(looked_for):
            return "every text contains the empty one" if looked_for else "an empty list is contained in every text"
    if kind == "regex" and isinstance(value, str) and _matches_all(value):
        return "the pattern matches every text"
    weight, threshold = assertion.maybe_number("weight"), assertion.maybe_number("threshold")
    if weight is not None and weight.value == 0:
        return "with weight 0 it does not count"
    if threshold is not None and threshold.value <= 0 and kind in _SCORES:
        return "every score reaches 0"
    return None


def _matches_all(pattern: str) -> bool:
    return re.fullmatch(r"\^?(?:\.\*\??|\(\.\*\)|\[\\s\\S\]\*)?\$?", pattern) is not None
