"""MOD016: a tokenizer is named, and the library that counts with it is not installed."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.counting import EXTRA, Refusal, counting
from llmops.compiler.derive.tokens import vocabulary
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.view import Reader
from llmops.schemas.types import MODEL


def check(scope: Scope) -> Iterator[Finding]:
    """One for the run: at the first model of the first environment that names a file."""
    for reader in scope.environments.values():
        first = _first(scope, reader)
        if first is not None:
            if reader is scope.reader:
                yield first
            return


def _first(scope: Scope, reader: Reader) -> Finding | None:
    for model in reader.of(MODEL):
        found = counting(scope.facts, model, vocabulary(scope.facts, model)) if model.has("tokenizer") else None
        if isinstance(found, Refusal) and found.missing is not None:
            return Finding(
                "tokens are estimated, not counted",
                (Label(model.at("tokenizer", "file"), f"`{found.missing}` reads it", primary=True),),
                help=(f"pip install 'llmops-compiler[{EXTRA}]'",),
                notes=("what is written is the same either way",),
            )
    return None


RULE = Rule(
    code=Code(
        code="MOD016",
        name="tokens-not-counted",
        severity=Severity.INFO,
        summary="Counting with a tokenizer's file needs the extra `tokens` of this package.",
        why=(
            "Without it, texts are bounded by their words and bytes: what surely does not fit is still found, what fits"
            " narrowly is not told apart. Artifacts are the same either way."
        ),
        bad="tokenizer: {file: tokenizers/qwen3.json}     # and no library to count with",
        good=f"pip install 'llmops-compiler[{EXTRA}]'",
    ),
    check=check,
)
