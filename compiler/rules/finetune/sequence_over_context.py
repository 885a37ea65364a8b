"""FIN002: rows that are longer than the model that learns from them reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive import finetune
from llmops.compiler.derive.model import called, context_tokens, source_note
from llmops.compiler.derive.places import config_place
from llmops.compiler.model.finding import Code, Edit, Finding, Fix, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import FINETUNE

STRETCHES = ("rope_scaling", "rope_theta", "overrides_of_model_config", "model_init_kwargs")
"""Parameters of trainers that change how long a context the weights take."""


def check(scope: Scope) -> Iterator[Finding]:
    for tuning in scope.reader.of(FINETUNE):
        written = "sequence_len" in (tuning.value.get("params") or {})
        length = tuning.maybe_integer("params", "sequence_len") if written else None
        base = finetune.base(tuning)
        if length is None or base is None or _stretched(tuning):
            continue
        at = tuning.at("params", "sequence_len")
        limit = context_tokens(scope.facts, base)
        if limit is None:
            yield Finding(
                f"the context of `{called(base)}` is unknown", (Label(at, primary=True),),
                help=("say it on the model: `facts: {context: 32768}`",), unknown=True,
            )
        elif length.value > limit.value:
            yield Finding(
                f"`{base.address.name}` reads {limit.value} tokens, `{tuning.address.name}` trains on longer rows",
                (
                    Label(at, f"{length.value} tokens", primary=True),
                    Label(config_place(limit.sources) or tuning.at("base"), f"made for {limit.value}"),
                ),
                notes=(f"context of {called(base)}: {limit.value} tokens {source_note(limit)}",),
                help=(f"`sequence_len: {limit.value}` is the most; longer needs rope scaling",),
                fixes=(Fix(f"train on {limit.value} tokens", (Edit(at, str(limit.value)),)),),
                found=str(length.value), expected=f"at most {limit.value}",
            )


def _stretched(tuning: View[Any]) -> bool:
    """Whether the run says itself that it goes beyond the model's own context."""
    return any(name in (tuning.value.get("params") or {}) for name in STRETCHES)


RULE = Rule(
    code=Code(
        code="FIN002",
        name="sequence-over-context",
        severity=Severity.ERROR,
        summary="`sequence_len` of a fine-tuning must not be above the context that its base was made for.",
        why="Past its own length the model has learned no positions: the run fails, or learns from noise.",
        bad="base: answerer        # Qwen/Qwen3-8B reads 40960 tokens\nparams: {sequence_len: 65536}",
        good="base: answerer\nparams: {sequence_len: 8192}",
    ),
    check=check,
)
