"""FIN003: a dataset whose rows lack what the method learns from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive import finetune
from llmops.compiler.derive.rows import columns
from llmops.compiler.diagnostics.suggest import listed, nearest
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import FINETUNE

PAIRS = (frozenset({"chosen", "rejected"}),)
LEARNS: dict[str, tuple[frozenset[str], ...]] = {
    "sft": (
        frozenset({"messages"}), frozenset({"conversations"}), frozenset({"text"}), frozenset({"prompt", "completion"}),
        frozenset({"instruction", "output"}), frozenset({"input_ids"}),
    ),
    "dpo": PAIRS, "orpo": PAIRS, "reward": PAIRS,
    "kto": (frozenset({"label"}), *PAIRS),
    "grpo": (frozenset({"prompt"}),),
    "pretrain": (frozenset({"text"}), frozenset({"input_ids"})),
}  # fmt: skip
"""For each method the columns of which one set must be there."""


def check(scope: Scope) -> Iterator[Finding]:
    """Quiet about a dataset that names its own layout (`format`): that says what its columns mean."""
    for tuning in scope.reader.of(FINETUNE):
        for part in finetune.parts(tuning):
            yield from _judge(tuning, part.dataset, part.node.at(), part.node)
        held, node = tuning.ref("validation", "dataset"), tuning.node("validation")
        if held is not None and node is not None:
            yield from _judge(tuning, held, node.at("dataset"), None)


def _judge(tuning: View[Any], dataset: View[Any], at: KeyPath, node: Node | None) -> Iterator[Finding]:
    method = tuning.text("method").value
    if dataset.has("format"):
        return
    known = _columns(dataset)
    name = dataset.address.name
    if known is None:
        yield Finding(
            f"whether `{name}` has what `{method}` learns from is unknown", (Label(at, primary=True),),
            help=("say its `columns`",), unknown=True,
        )
        return
    renamed = {**(dataset.value.get("fields") or {}), **((node.value.get("fields") or {}) if node is not None else {})}
    have = known | {meaning for meaning, column in renamed.items() if column in known}
    if any(wanted <= have for wanted in LEARNS[method]):
        return
    wanted = " or ".join(" and ".join(f"`{one}`" for one in sorted(names)) for names in LEARNS[method])
    first = sorted(LEARNS[method][0] - have)[0]
    close = nearest(first, known)
    label = Label(dataset.at("columns"), "its columns", key_only=True) if dataset.has("columns") else None
    yield Finding(
        f"`{method}` cannot learn from the columns of `{name}`",
        (Label(at, "", primary=True, key_only=node is not None), *([label] if label is not None else [])),
        notes=(f"columns there: {listed(known)}", f"it learns from {wanted}"),
        help=(f"say what a column means: `fields: {{{first}: {close[0] if close else 'the_column'}}}`",),
        found=", ".join(sorted(known)), expected=wanted.replace("`", ""),
    )


def _columns(dataset: View[Any]) -> frozenset[str] | None:
    """Its columns; lines of plain text are a column `text`."""
    written = dataset.get("files")
    patterns = () if written is None else written.value if isinstance(written.value, list) else (written.value,)
    if patterns and not dataset.has("columns") and all(pattern.endswith(".txt") for pattern in patterns):
        return frozenset({"text"})
    return columns(dataset)


RULE = Rule(
    code=Code(
        code="FIN003",
        name="rows-unfit",
        severity=Severity.ERROR,
        summary="A dataset of a fine-tuning must have the columns that its method learns from.",
        why="The trainer finds out when the machine is rented and the weights are loaded, or learns from empty texts.",
        bad="data: {conversations: {}}     # its rows have `messages`\nmethod: dpo",
        good="data: {preferences: {}}       # its rows have `prompt`, `chosen`, `rejected`\nmethod: dpo",
    ),
    check=check,
)
