"""The check pass: every rule on every environment, then levels and silences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from llmops.compiler.check import codes, suppress
from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.diagnostics.collect import merge
from llmops.compiler.diagnostics.finding import Diagnostic, Severity
from llmops.compiler.diagnostics.locate import locate
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.project import Workspace
from llmops.compiler.model.view import Reader

if TYPE_CHECKING:
    from llmops.compiler.facts import Facts

_LEVELS = {"info": Severity.INFO, "warning": Severity.WARNING, "error": Severity.ERROR}


@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules said; `unknown` are checks that could not be made since a fact is missing.

    `read` are the places that some rule looked at, by environment: a key that a rule reads has an effect.
    """

    diagnostics: tuple[Diagnostic, ...]
    quiet: tuple[tuple[Diagnostic, suppress.Silence], ...]
    unknown: tuple[Diagnostic, ...]
    read: Mapping[str, frozenset[KeyPath]]


def check(workspace: Workspace, rules: Iterable[Rule], facts: Facts, as_of: date | None = None) -> Checked:
    """Run the rules. Findings of a rule that is off are dropped; equal ones of several environments become one."""
    levels = workspace.settings.rules
    readers = {env: Reader(project) for env, project in workspace.projects.items()}
    found: list[Diagnostic] = []
    unknown: list[Diagnostic] = []
    ran: list[str] = []
    for rule in rules:
        level = levels.get(rule.code.code, rule.code.severity.value)
        if level == "off":
            continue
        ran.append(rule.code.code)
        severity = _LEVELS[level] if rule.code.code in levels else None
        for env, reader in readers.items():
            scope = Scope(reader, facts, readers, as_of, workspace.sources)
            composed = workspace.projects[env].composed
            for finding in rule.check(scope):
                if finding.unknown:
                    made = locate(rule.code, replace(finding, severity=Severity.INFO), composed)
                    unknown.append(made)
                else:
                    found.append(locate(rule.code, finding, composed, level=severity))
    silences, wrong = suppress.read(workspace.sources, _all_codes())
    silenced = suppress.apply(merge(found), silences, as_of, ran)
    read = {env: frozenset(reader.reads.leaves | reader.reads.whole) for env, reader in readers.items()}
    return Checked((*silenced.diagnostics, *wrong), silenced.quiet, merge(unknown), read)


def _all_codes() -> Iterable[str]:
    from llmops.compiler.diagnostics.codes import all_codes

    return [code.code for code in all_codes()]


__all__ = ["Checked", "check", "codes"]
