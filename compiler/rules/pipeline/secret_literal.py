"""PIP002: a secret that stands in a config instead of a name."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.literals import literals
from llmops.compiler.derive.places import span
from llmops.compiler.diagnostics.finding import Code, Finding, Label, Severity


def check(scope: Scope) -> Iterator[Finding]:
    """Files are shared by all environments: they are read once, with the first."""
    if next(iter(scope.environments.values()), None) is not scope.reader:
        return
    for path in sorted(scope.sources):
        text = scope.sources[path].text
        lines: list[str] = []
        for found in literals(text):
            lines = lines or text.split("\n")
            place = span(path, lines, found.start, found.end)
            shown = f"looks like {found.known}" if found.known else "looks random, as keys do"
            yield Finding(
                "a secret must not be written in a config" if found.known else "this may be a secret",
                (Label(place, shown, primary=True),),
                notes=("if it was committed it stays in git's history: revoke it first",),
                help=(
                    "name the secret instead: `secret: openai`, and say where it lives in conf/secret/openai.yaml"
                    if found.known else
                    "name a secret instead; if it is none: # llmops: ignore[PIP002]: what it is",
                ),
                severity=Severity.ERROR if found.known else Severity.WARNING, secret=True,
            )


RULE = Rule(
    code=Code(
        code="PIP002",
        name="secret-literal",
        severity=Severity.ERROR,
        summary="No secret stands in a config: known shapes of keys are errors, text that looks random a warning.",
        why="Configs are committed, and what is compiled from them too. Whoever reads the repository, or its history, "
        "has the key.",
        bad="env: {OPENAI_API_KEY: sk-proj-…}",
        good="secrets: [openai]     # the variable follows, its value lives in the platform's store",
    ),
    check=check,
)
