"""MOD015: a tokenizer's file that is another model's."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.counting import Counter, counting, misfit
from llmops.compiler.derive.model import called
from llmops.compiler.derive.tokens import vocabulary
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.schemas.types import MODEL


def check(scope: Scope) -> Iterator[Finding]:
    for model in scope.reader.of(MODEL):
        if not model.has("tokenizer"):
            continue
        name = vocabulary(scope.facts, model)
        found = counting(scope.facts, model, name)
        why = misfit(scope.facts, model, found, name) if isinstance(found, Counter) else None
        if why is None or not isinstance(found, Counter):
            continue
        row = scope.facts.tokenizer(name) if name is not None else None
        yield Finding(
            f"`{found.file}` is not the tokenizer of {called(model)}",
            (Label(model.at("tokenizer", "file"), f"it {why}", primary=True),),
            notes=(
                "texts are not counted with it, but estimated from their words and bytes",
                *((f"facts: {row.fact}, {row.as_of[:7]}",) if row is not None else ()),
            ),
            help=("take the tokenizer.json of the model's own repository, at the revision that is served",),
        )


RULE = Rule(
    code=Code(
        code="MOD015",
        name="tokenizer-of-another",
        severity=Severity.WARNING,
        summary="The tokenizer that a model names must be its own.",
        why=(
            "Another vocabulary counts the same text differently, and what is said to fit would not. A file that does"
            " not fit what is known of the model is not counted with."
        ),
        bad="weights: {repo: Qwen/Qwen3-8B}\ntokenizer: {file: tokenizers/llama3.json}     # 128,000 tokens",
        good="weights: {repo: Qwen/Qwen3-8B}\ntokenizer: {file: tokenizers/qwen3.json}     # 151,643 tokens",
    ),
    check=check,
)
