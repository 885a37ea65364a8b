"""DAT001: a model that is tested with rows that it learned from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive import finetune
from llmops.compiler.derive.rows import dataset_of
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import EVAL, FINETUNE

UNJUDGED = ("load", "redteam")
"""Types of evals that judge no answer by the row's own."""


def check(scope: Scope) -> Iterator[Finding]:
    for tuning in scope.reader.of(FINETUNE):
        yield from _validation(tuning)
        tested = {model.address for model in finetune.made(scope.reader, tuning)}
        for eval_ in scope.reader.of(EVAL) if tested else ():
            source = dataset_of(eval_)
            if source is None or eval_.text("type").value in UNJUDGED or not tested & _needs(eval_):
                continue
            for part in finetune.parts(tuning):
                split = eval_.maybe_text("rows", "split")
                if _shared(part.dataset, source, _split(part.node), None if split is None else split.value):
                    yield _finding(
                        f"`{eval_.address.name}` tests `{tuning.address.name}` with rows that it learned from",
                        eval_.at("rows"), part.node.at(), source,
                    )


def _needs(eval_: View[Any]) -> set[Any]:
    """All that its subjects call, directly or not."""
    found: set[Any] = set()
    for edge in eval_.project.edges_from(eval_.address):
        if edge.at[2] in ("subject", "subjects"):
            found |= {edge.target, *eval_.project.dependencies(edge.target)}
    return found


def _validation(tuning: View[Any]) -> Iterator[Finding]:
    held = tuning.ref("validation", "dataset")
    for part in finetune.parts(tuning) if held is not None else ():
        split = tuning.maybe_text("validation", "split")
        if held is not None and _shared(part.dataset, held, _split(part.node), split.value if split else None):
            yield _finding(
                f"`{tuning.address.name}` is measured with rows that it learns from",
                tuning.at("validation"), part.node.at(), held,
            )


def _split(node: Node) -> str | None:
    split = node.maybe_text("split") if "split" in node.value else None
    return None if split is None else split.value


def _shared(learned: View[Any], tested: View[Any], first: str | None, second: str | None) -> bool:
    """Whether two parts surely have rows in common: of one dataset, splits that are the same or all of it. Of a
    repository, trainers take the split `train` where none is named."""
    if learned.address != tested.address:
        return False
    if learned.has("source", "repo"):
        return second is not None and (first or "train") == second
    return first is None or second is None or first == second


def _finding(message: str, at: KeyPath, learned: KeyPath, dataset: View[Any]) -> Finding:
    names = [str(name) for name in dataset.value.get("splits") or {}]
    if len(names) > 1:
        help_ = f"learn from one split and test with another: `{'`, `'.join(names)}`"
    else:
        help_ = "deal its rows: `splits: {train: 0.8, test: 0.2}`, and name a split in both places"
    return Finding(
        message, (Label(at, "tested with", primary=True, key_only=True), Label(learned, "learned from", key_only=True)),
        help=(help_,),
    )


RULE = Rule(
    code=Code(
        code="DAT001",
        name="train-eval-leak",
        severity=Severity.ERROR,
        summary="A fine-tuned model must not be tested, or measured, with rows that it learned from.",
        why="It knows the answers by heart: the figures are better than the model, and a gate lets everything through.",
        bad="# conf/finetune/tone.yaml                # conf/eval/quality.yaml\n"
        "data: {conversations: {}}                rows: {dataset: conversations, split: test}",
        good="# conf/finetune/tone.yaml                # conf/eval/quality.yaml\n"
        "data: {conversations: {split: train}}    rows: {dataset: conversations, split: test}",
    ),
    check=check,
)
