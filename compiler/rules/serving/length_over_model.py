"""SRV001: a deployment that promises longer requests than its model was made for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.memory import table
from llmops.compiler.derive.model import called, context_tokens, source_note
from llmops.compiler.derive.places import config_place
from llmops.compiler.model.finding import Code, Edit, Finding, Fix, Label, Severity
from llmops.compiler.model.view import View
from llmops.schemas.types import DEPLOYMENT

STRETCHES = ("rope_scaling", "rope-scaling", "hf_overrides", "hf-overrides", "rope_theta", "rope-theta")
"""Engine options that change how long a context the weights take."""


def check(scope: Scope) -> Iterator[Finding]:
    for deployment in scope.reader.of(DEPLOYMENT):
        length = deployment.maybe_integer("max_model_len")
        model = deployment.ref("model")
        if length is None or model is None or _stretched(deployment):
            continue
        limit = context_tokens(scope.facts, model)
        if limit is None:
            yield Finding(
                f"the context of `{called(model)}` is unknown", (Label(deployment.at("max_model_len"), primary=True),),
                help=("say it on the model: `facts: {context: 32768}`",), unknown=True,
            )
        elif length.value > limit.value:
            yield Finding(
                f"`{model.address.name}` reads {limit.value} tokens, `{deployment.address.name}` promises more",
                (
                    Label(deployment.at("max_model_len"), f"{length.value} tokens", primary=True),
                    Label(config_place(limit.sources) or model.at(), f"made for {limit.value}"),
                ),
                notes=(f"context of {called(model)}: {limit.value} tokens {source_note(limit)}",),
                help=(
                    f"`max_model_len: {limit.value}` is the most; longer needs rope scaling in `args`",
                ),
                fixes=(Fix(f"serve {limit.value} tokens", (Edit(deployment.at("max_model_len"), str(limit.value)),)),),
                found=str(length.value), expected=f"at most {limit.value}",
            )


def _stretched(deployment: View[Any]) -> bool:
    """Whether the deployment says itself that it goes beyond the model's own context."""
    args, env = deployment.value.get("args") or {}, deployment.value.get("env") or {}
    switches = table()["length_switches"]["variables"]
    return any(name in args for name in STRETCHES) or any(name in env for name in switches)


RULE = Rule(
    code=Code(
        code="SRV001",
        name="length-over-model",
        severity=Severity.ERROR,
        summary="`max_model_len` must not be above the context that the model was made for.",
        why="The engine refuses to start, or, told to go on, answers nonsense past the model's own length.",
        bad="model: answerer        # Qwen/Qwen3-14B reads 40960 tokens\nengine: vllm\nmax_model_len: 131072",
        good="model: answerer\nengine: vllm\nmax_model_len: 32768",
    ),
    check=check,
)
