"""The check pass: every rule on every environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from llmops.compiler.check.levels import LEVELS
from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.diagnostics.collect import merge
from llmops.compiler.diagnostics.locate import locate
from llmops.compiler.model.finding import Diagnostic, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.project import Workspace
from llmops.compiler.model.view import Reader

if TYPE_CHECKING:
    from llmops.compiler.facts import Facts

@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules said, before silences; `unknown` are checks that could not be made since a fact is missing.

    `ran` are the codes of the rules that are not off. `read` are the places that some rule looked at, by environment:
    a key that a rule reads has an effect.
    """

    diagnostics: tuple[Diagnostic, ...]
    unknown: tuple[Diagnostic, ...]
    ran: frozenset[str]
    read: Mapping[str, frozenset[KeyPath]]


def check(workspace: Workspace, rules: Iterable[Rule], facts: Facts, as_of: date | None = None) -> Checked:
    """Run the rules, at the levels of the project. Equal findings of several environments become one."""
    levels = workspace.settings.rules
    readers = {env: Reader(project) for env, project in workspace.projects.items()}
    found: list[Diagnostic] = []
    unknown: list[Diagnostic] = []
    ran: list[str] = []
    for rule in rules:
        level = levels.get(rule.code.code)
        if level == "off":
            continue
        ran.append(rule.code.code)
        severity = None if level is None else LEVELS[level]
        for env, reader in readers.items():
            scope = Scope(reader, facts, readers, as_of, workspace.sources)
            composed = workspace.projects[env].composed
            for finding in rule.check(scope):
                if finding.unknown:
                    unknown.append(locate(rule.code, replace(finding, severity=Severity.INFO), composed))
                else:
                    found.append(locate(rule.code, finding, composed, level=severity))
    read = {env: frozenset(reader.reads.leaves | reader.reads.whole) for env, reader in readers.items()}
    return Checked(merge(found), merge(unknown), frozenset(ran), read)
