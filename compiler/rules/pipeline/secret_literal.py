"""PIP002: a secret that stands in a config instead of a name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.literals import Literal, literals
from llmops.compiler.derive.places import span
from llmops.compiler.model.finding import Code, Diagnostic, Finding, Label, Severity, diagnose
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.kinds import walk
from llmops.compiler.model.project import Project
from llmops.compiler.model.sources import FromFile, FromOverride, Sources, Span

MAX_CHARACTERS = 8 << 20
"""Of files that configs name, that are looked through in all."""


def check(scope: Scope) -> Iterator[Finding]:
    """Files are shared by all environments: they are read once, with the first."""
    if next(iter(scope.environments.values()), None) is not scope.reader:
        return
    for path in sorted(scope.sources):
        for found, place in _literals(path, scope.sources[path].text):
            known = found.known is not None
            yield Finding(
                _message(known), (Label(place, _shown(found), primary=True),), notes=_NOTES, help=_help(known),
                severity=Severity.ERROR if known else Severity.WARNING, secret=True,
            )
    yield from _in_files(scope)


def in_sources(sources: Sources) -> Iterator[Diagnostic]:
    """The same of configs that were read and from which nothing could be composed, so that no rule has run."""
    for path in sorted(sources):
        for found, place in _literals(path, sources[path].text):
            known = found.known is not None
            made = diagnose(
                RULE.code, _message(known), place, _shown(found), notes=_NOTES, help=_help(known), secret=True
            )
            yield made if known else replace(made, severity=Severity.WARNING)


def _literals(path: str, text: str) -> Iterator[tuple[Literal, Span]]:
    lines: list[str] = []
    for found in literals(text):
        lines = lines or text.split("\n")
        yield found, span(path, lines, found.start, found.end)


_NOTES = ("if it was committed it stays in git's history: revoke it first",)


def _message(known: bool) -> str:
    return "a secret must not be written in a config" if known else "this may be a secret"


def _shown(found: Literal) -> str:
    return f"looks like {found.known}" if found.known else "looks random, as keys do"


def _help(known: bool) -> tuple[str]:
    if known:
        return ("name the secret instead: `secret: openai`, and say where it lives in conf/secret/openai.yaml",)
    return ("name a secret instead; if it is none: # llmops: ignore[PIP002]: what it is",)


def _in_files(scope: Scope) -> Iterator[Finding]:
    """Known shapes in the files that fields name, prompts above all: what they say goes into artifacts."""
    left = MAX_CHARACTERS
    seen: set[str] = set()
    for reader in scope.environments.values():
        project = reader.project
        read = set(project.texts)
        for at, path in _named_files(project):
            if path in seen or path not in read:
                continue
            seen.add(path)
            text = (project.texts.get(path) or b"")[:left].decode("utf-8", errors="replace")
            left -= len(text)
            for found in literals(text):
                writes = project.composed.history.writes(at)
                if found.known and writes and isinstance(writes[-1].origin, FromFile | FromOverride):
                    line = text.count("\n", 0, found.start) + 1
                    yield Finding(
                        "a secret must not be written in a file that a config names",
                        (Label(writes[-1].origin.span, f"line {line} {_shown(found)}", primary=True),),
                        notes=_NOTES, help=("take it out: whoever reads what is compiled would have it",),
                    )
                    break


def _named_files(project: Project) -> Iterator[tuple[KeyPath, str]]:
    for resource in project.resources.values():
        for at, shape, value in walk(resource.kind.shape, resource.spec):
            if "x-file" in shape.schema and isinstance(value, str):
                for path in project.globs.get(value, (value,)):
                    yield (*resource.address.path, *at), path


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
