"""Levels: `rules: {MOD002: error}` in llmops.yaml, for rules and for what passes only warn of."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace

from llmops.compiler.check import codes
from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.load.places import Places
from llmops.compiler.model.finding import Code, Diagnostic, Severity, diagnose
from llmops.compiler.model.project import Settings
from llmops.compiler.model.sources import Sources, Span

LEVELS = {"info": Severity.INFO, "warning": Severity.WARNING, "error": Severity.ERROR}


def relevel(diagnostics: Iterable[Diagnostic], settings: Settings) -> Iterator[Diagnostic]:
    """What passes found, at the level that the project gives it. An error of a pass stays an error."""
    for diagnostic in diagnostics:
        level = settings.rules.get(diagnostic.code)
        if level is None or diagnostic.severity is Severity.ERROR:
            yield diagnostic
        elif level != "off":
            yield replace(diagnostic, severity=LEVELS[level])


def unfit(settings: Settings, sources: Sources, known: Iterable[Code], rules: frozenset[str]) -> Iterator[Diagnostic]:
    """Levels of codes that do not exist, and of errors that no level can change."""
    by_code = {code.code: code for code in known}
    for name in settings.rules:
        code = by_code.get(name)
        if code is None:
            close = nearest(name, sorted(by_code))
            yield diagnose(
                codes.CFG093, f"there is no code `{name}`", _key(settings, sources, name), found=name,
                help=(f"did you mean `{close[0]}`?",) if close else ("`llmops rules` lists them",),
            )
        elif code.severity is Severity.ERROR and name not in rules:
            yield diagnose(
                codes.CFG095, f"the level of `{name}` cannot be changed", _key(settings, sources, name),
                notes=(f"{name} {code.name}: {code.summary}",), help=("remove it here, and mend what it finds",),
            )


def _key(settings: Settings, sources: Sources, name: str) -> Span | None:
    path = posixpath.normpath(posixpath.join(settings.root, "llmops.yaml"))
    source = sources.get(path)
    spot = Places().of(path, source.data).get(("rules", name)) if source is not None else None
    return spot.key if spot is not None else None
