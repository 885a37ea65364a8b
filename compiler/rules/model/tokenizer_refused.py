"""MOD014: a tokenizer's file that texts are not counted with."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.counting import Refusal, counting
from llmops.compiler.derive.tokens import vocabulary
from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.schemas.types import MODEL


def check(scope: Scope) -> Iterator[Finding]:
    known = sorted({*scope.facts.tokenizers(), *scope.facts.tokenizer_patterns()})
    for model in scope.reader.of(MODEL):
        written = model.maybe_text("tokenizer", "vocabulary")
        if written is not None and written.value not in known:
            close = nearest(written.value, known)
            hint = f"did you mean `{close[0]}`?" if close else ""
            yield Finding(
                f"no vocabulary is known as `{written.value}`",
                (Label(model.at("tokenizer", "vocabulary"), hint, primary=True),),
                help=(f"known are: {', '.join(known)}",), found=written.value, expected=close[0] if close else None,
            )
            continue
        found = counting(scope.facts, model, vocabulary(scope.facts, model)) if model.has("tokenizer") else None
        if not isinstance(found, Refusal) or found.missing is not None:
            continue
        cures = [f"say its vocabulary: {', '.join(scope.facts.tokenizer_patterns())}"] if found.unnamed else [
            "take the tokenizer.json of the model's own repository, or leave `tokenizer` out",
        ]
        yield Finding(
            f"texts are not counted with `{found.file}`",
            (Label(model.at("tokenizer", "file"), f"it {found.why}", primary=True),),
            help=tuple(cures), notes=("they are estimated from their words and bytes",),
        )


RULE = Rule(
    code=Code(
        code="MOD014",
        name="tokenizer-refused",
        severity=Severity.WARNING,
        summary="A tokenizer's file must have a form that is known to be safe to count with.",
        why=(
            "A tokenizer.json may hold regular expressions that run for ever on some text, and a config may come from"
            " anybody. So only the forms that published models have are counted with; with another file, texts are"
            " estimated as if there were none."
        ),
        bad="tokenizer: {file: tokenizers/own.json}     # cuts texts by a pattern of its own",
        good="tokenizer: {file: tokenizers/qwen3.json}",
    ),
    check=check,
)
