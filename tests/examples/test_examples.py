"""The examples: their committed output is what their configs compile to, and no rule has anything to say."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from llmops.compiler.driver import Options, compile_project
from llmops.compiler.load.disk import Disk
from llmops.compiler.model.request import Request

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent for path in (REPOSITORY / "examples").glob("*/llmops.yaml"))
AS_OF = date(2026, 11, 24)
"""A day on which none of the examples' models is about to be retired."""


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])
def test_the_committed_output_matches(example: Path) -> None:
    result = compile_project(Disk(example), Request())
    assert [(d.code, d.message) for d in result.diagnostics] == []
    for emitted in result.emitted:
        assert (example / emitted.path).read_bytes() == emitted.content, emitted.path


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])
def test_nothing_else_is_committed(example: Path) -> None:
    made = {emitted.path for emitted in compile_project(Disk(example), Request()).emitted}
    found = {
        str(path.relative_to(example))
        for folder in ("generated", ".github")
        for path in (example / folder).rglob("*")
        if path.is_file() and "node_modules" not in path.parts
    }
    assert found == made


UNKNOWN = {
    "support-rag": {("IDX003", "how many tokens a chunk of index.policies has is unknown: it counts characters")},
    "research-agent": {
        ("PRM005", "whether a request of agent.researcher fits is unknown: the schemas of tool.fetch"),
    },
}
"""What nobody can know before anything runs: how a server of others describes its functions, what a character costs."""


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])
def test_no_rule_speaks_and_no_fact_is_missing(example: Path) -> None:
    result = compile_project(Disk(example), Request(), Options(as_of=AS_OF))
    assert [(d.code, d.message) for d in result.diagnostics] == []
    assert {(d.code, d.message) for d in result.unknown} == UNKNOWN[example.name]


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])
def test_check_finds_no_drift(example: Path) -> None:
    command = [sys.executable, "-P", "-m", "llmops", "-C", str(example), "compile", "--check"]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
