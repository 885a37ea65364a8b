"""Provenance is proven by mutation: change a leaf of a config, recompile, and see which lines of which files change.

Recall: each changed line must be attributed to that leaf by what `explain` says of it. Precision: what `explain`
attributes to the leaf should be lines that do change. Leaves that no valid value of ours can change are listed with the
code that refused.
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from llmops.compiler.driver import Compilation, compile_project, toolkit
from llmops.compiler.explain import writers
from llmops.compiler.load.disk import Disk, Overlay
from llmops.compiler.model.artifact import Emitted
from llmops.compiler.model.request import Request
from tests.provenance.leaves import Leaf, changed, leaves, replaced

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent for path in (REPOSITORY / "examples").glob("*/llmops.yaml"))
TOOLS = toolkit()


@dataclass
class Tally:
    """Figures of one example."""

    leaves: int = 0
    compiled: int = 0
    without_effect: int = 0
    changed: int = 0
    attributed: int = 0
    attributions: int = 0
    true_attributions: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        recall = self.attributed / max(self.changed, 1)
        precision = self.true_attributions / max(self.attributions, 1)
        return (
            f"{self.leaves} leaves, {self.compiled} changed and compiled ({self.compiled / max(self.leaves, 1):.0%}), "
            f"{self.without_effect} of them without effect; recall {recall:.1%} of {self.changed} lines, precision "
            f"{precision:.1%} of {self.attributions} attributions; refused: {dict(self.refused)}"
        )


FLOORS = {
    ("support-rag", "value"): (0.99, 0.86), ("support-rag", "reference"): (0.65, 0.69),
    ("research-agent", "value"): (0.91, 0.83), ("research-agent", "reference"): (0.43, 0.70),
}
"""The least recall and precision: what was reached. They may rise, and never fall.

A reference brings and takes away whole blocks and files, of which the targets tell less well why they stand there.
"""


def group(leaf: Leaf) -> str:
    """Values, references, or the name of a target: that decides which files there are, and not what stands in them."""
    if leaf.shape is not None and leaf.shape.flag("x-target"):
        return "target"
    return "reference" if leaf.shape is not None and leaf.shape.ref is not None else "value"


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])
def test_changed_lines_are_attributed(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = Disk(example)
    request = Request()
    before = compile_project(files, request, tools=TOOLS)
    assert not before.failed
    assert before.workspace is not None
    tallies = {"value": Tally(), "reference": Tally()}
    for leaf in leaves(before.workspace, files):
        tally = tallies.get(group(leaf))
        if tally is None:
            continue
        tally.leaves += 1
        made = mutate(leaf, before, files, request, tally)
        if made is not None:
            tally.compiled += 1
            compare(leaf, *made, tally)
    with capsys.disabled():
        print("".join(f"\n{example.name}, {name}s: {tally}" for name, tally in tallies.items()))
    for name, tally in tallies.items():
        recall, precision = FLOORS[example.name, name]
        assert tally.attributed >= recall * tally.changed, tally.missed[:40]
        assert tally.true_attributions >= precision * tally.attributions, tally.idle[:40]
    together = sum(tally.compiled for tally in tallies.values()) / sum(tally.leaves for tally in tallies.values())
    assert together >= 0.9, [tally.refused for tally in tallies.values()]


def mutate(
    leaf: Leaf, before: Compilation, files: Disk, request: Request, tally: Tally
) -> tuple[Compilation, Compilation] | None:
    """The project without and with the leaf changed; None where no other value compiles.

    Some values need another file (another resource to name): it stands on both sides.
    """
    assert before.workspace is not None
    data = files.read(leaf.span.file)
    assert data is not None
    codes: list[str] = []
    for text, more in changed(leaf, before.workspace, files):
        overlay = Overlay(files, {**more, leaf.span.file: replaced(data, leaf.span, text)})
        after = compile_project(overlay, request, tools=TOOLS)
        if not after.failed:
            base = compile_project(Overlay(files, dict(more)), request, tools=TOOLS) if more else before
            return base, after
        codes.extend(d.code for d in after.diagnostics if d.severity == "error")
    tally.refused[codes[0] if codes else "no other value"] += 1
    return None


def compare(leaf: Leaf, before: Compilation, after: Compilation, tally: Tally) -> None:
    old = {e.path: e for e in before.emitted}
    new = {e.path: e for e in after.emitted}
    touched = False
    for path in sorted(old.keys() | new.keys()):
        first, second = old.get(path), new.get(path)
        gone, come = changed_lines(first, second)
        touched = touched or bool(gone or come)
        for compilation, emitted, lines in ((before, first, gone), (after, second, come)):
            if emitted is None:
                continue
            named = attributed(compilation, emitted, leaf)
            tally.changed += len(lines)
            tally.attributed += len(lines & named)
            tally.attributions += len(named)
            tally.true_attributions += len(named & lines)
            tally.missed.extend(f"{leaf} -> {path}:{n}" for n in sorted(lines - named))
            tally.idle.extend(f"{leaf} -> {path}:{n}" for n in sorted(named - lines))
    tally.without_effect += not touched


def changed_lines(first: Emitted | None, second: Emitted | None) -> tuple[set[int], set[int]]:
    """The lines (from 1) that only one side has: of the first, and of the second."""
    left = first.content.decode(errors="replace").split("\n") if first else []
    right = second.content.decode(errors="replace").split("\n") if second else []
    if left == right:
        return set(), set()
    gone: set[int] = set()
    come: set[int] = set()
    for tag, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag != "equal":
            gone.update(range(a + 1, b + 1))
            come.update(range(c + 1, d + 1))
    return {n for n in gone if n <= len(left) and left[n - 1] != ""}, {n for n in come if right[n - 1] != ""}


def attributed(compilation: Compilation, emitted: Emitted, leaf: Leaf) -> set[int]:
    """The lines of an artifact that `explain` traces to the leaf's place."""
    assert compilation.workspace is not None
    found = set()
    for number, sources in enumerate(emitted.lines, start=1):
        spans = writers(compilation.workspace, sources)
        if any(s.file == leaf.span.file and (s.line, s.column) == (leaf.span.line, leaf.span.column) for s in spans):
            found.add(number)
    return found
