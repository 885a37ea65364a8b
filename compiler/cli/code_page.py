"""What `explain` says of a code: as text and as data."""

from __future__ import annotations

from typing import Any

from llmops.compiler.diagnostics.codes import doc_page, is_rule
from llmops.compiler.model.finding import Code


def code_text(code: Code) -> str:
    out = [
        f"{code.code} {code.name} ({code.severity}, since {code.since})   {code.summary}",
        f"Why: {code.why}",
        *_example("bad", code.bad),
        *_example("good", code.good),
        *_silence(code),
        f"Docs: {doc_page(code.code)}",
    ]
    return "".join(f"{line}\n" for line in out)


def _silence(code: Code) -> list[str]:
    """What the passes report has no silence: there would be nothing to compile."""
    if not is_rule(code):
        return []
    example = f"# llmops: ignore[{code.code}] until 2027-01-31: migrating"
    return [f"Silence, on the line or above it, with a reason: {example}"]


def _example(word: str, text: str) -> list[str]:
    first, *rest = text.rstrip("\n").split("\n")
    return [f"  {word:<5} {first}", *(f"        {line}".rstrip() for line in rest)]


def code_data(code: Code) -> dict[str, Any]:
    return {
        "code": code.code, "name": code.name, "severity": code.severity.value, "summary": code.summary,
        "why": code.why, "bad": code.bad, "good": code.good, "since": code.since, "url": doc_page(code.code),
    }  # fmt: skip
