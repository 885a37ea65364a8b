"""What the lowering of one environment carries along: the problems that it meets, and texts made safe at their place.

promptfoo reads most texts more than once. Which of its languages a text meets depends on where it stands, so that each
is expressed there (`escapes`): rendered with the row's variables, or only when the config is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import At, Span
from llmops.compiler.model.target import Lowering, Refusal, Unsupported
from llmops.targets.promptfoo.escapes import unrendered

Escape = Callable[[str], str]


@dataclass(slots=True)
class Work:
    lowering: Lowering
    problems: list[Finding | Unsupported] = field(default_factory=list)

    def unsupported(self, at: KeyPath | Span, why: str, cure: str = "") -> None:
        if not any(isinstance(p, Unsupported) and p.at == at for p in self.problems):
            self.problems.append(Unsupported(at, why, cure))

    def error(self, at: KeyPath | Span, message: str, label: str = "", cure: str = "") -> None:
        """What cannot be left out without changing what is tested."""
        if not any(isinstance(p, Finding) and p.labels[0].at == at for p in self.problems):
            labels = (Label(at, label, primary=True),)
            self.problems.append(Finding(message, labels, help=(cure,) if cure else (), severity=Severity.ERROR))

    def told(self, findings: Iterable[Finding]) -> None:
        """What a derivation found: once for a place."""
        for finding in findings:
            at = finding.labels[0].at
            if not any(isinstance(p, Finding) and p.labels[0].at == at for p in self.problems):
                self.problems.append(finding)

    def text(self, text: Sourced[str], escape: Escape = unrendered) -> Sourced[str]:
        """A text of a config in promptfoo's language of that place; one that has no writing there is reported."""
        try:
            return text.express(escape)
        except Refusal as refusal:
            place = next((s.path for s in reversed(text.sources) if isinstance(s, At)), None)
            if place is not None:
                self.error(place, f"promptfoo cannot take this text: {refusal}")
            return Sourced("", text.sources, raw=True)

    def tree(self, tree: Any, escape: Escape = unrendered) -> Any:
        """As `text`, for everything in a tree, its keys too."""
        if isinstance(tree, dict):
            return {self._key(key, item): self.tree(item, escape) for key, item in tree.items()}
        if isinstance(tree, list):
            return [self.tree(item, escape) for item in tree]
        if isinstance(tree, Sourced):
            if isinstance(tree.value, str):
                return self.text(tree, escape)
            if isinstance(tree.value, dict | list):
                return Sourced(self.tree(_leaves(tree.value, tree.sources), escape), tree.sources, raw=True)
        return tree

    def _key(self, key: str, item: Any) -> str:
        return self.text(Sourced(key, _sources(item))).value


def _leaves(value: Any, sources: tuple[Any, ...]) -> Any:
    """A plain tree whose leaves are sourced alike."""
    if isinstance(value, dict):
        return {str(key): _leaves(item, sources) for key, item in value.items()}
    if isinstance(value, list):
        return [_leaves(item, sources) for item in value]
    return Sourced(value, sources)


def _sources(item: Any) -> tuple[Any, ...]:
    if isinstance(item, Sourced):
        return item.sources
    below = list(item.values()) if isinstance(item, dict) else item if isinstance(item, list) else []
    return next((found for found in map(_sources, below) if found), ())
