"""SRV012: an adapter of a larger rank than the engine was told to take."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive import finetune
from llmops.compiler.model.finding import Code, Edit, Finding, Fix, Label, Severity
from llmops.schemas.types import DEPLOYMENT

MOST = ("max_lora_rank", "max-lora-rank")
"""How the engine's option may be written in `args`."""


def check(scope: Scope) -> Iterator[Finding]:
    """Quiet where `args` does not say it: a target takes the rank that was trained then."""
    for deployment in scope.reader.of(DEPLOYMENT):
        said = [name for name in MOST if name in (deployment.value.get("args") or {})]
        most = deployment.get("args", said[0]) if said else None
        if most is None or not isinstance(most.value, int):
            continue
        at = deployment.at("args", said[0])
        for entry in deployment.entries("adapters"):
            model = entry.ref()
            tuning = None if model is None else finetune.of_model(model)
            rank = None if tuning is None else tuning.maybe_integer("adapter", "rank")
            if tuning is None or rank is None or rank.value <= most.value or finetune.merged(tuning):
                continue
            yield Finding(
                f"`{deployment.address.name}` takes adapters of rank {most.value}, "
                f"and `{tuning.address.name}` has {rank.value}",
                (Label(at, f"at most {most.value}", primary=True),
                 Label(tuning.at("adapter", "rank"), f"trained with {rank.value}"),
                 Label(entry.at(), "served here")),
                help=(f"leave `{said[0]}` out: it follows from the adapters",),
                fixes=(Fix(f"take rank {rank.value}", (Edit(at, str(rank.value)),)),),
                found=str(most.value), expected=f"at least {rank.value}",
            )  # fmt: skip


RULE = Rule(
    code=Code(
        code="SRV012",
        name="adapter-rank",
        severity=Severity.ERROR,
        summary="An engine must be told to take adapters of the largest rank that was trained.",
        why="It starts, and refuses the adapter when it is loaded.",
        bad="adapters: [tone]               # trained with `rank: 32`\nargs: {max_lora_rank: 16}",
        good="adapters: [tone]\nengine: vllm",
    ),
    check=check,
)
