"""Whatever stands in the files of a project: never an exception, and each problem has a known code and a real place."""

from __future__ import annotations

import random
import sys
import time

import pytest

from llmops import __version__
from llmops.compiler.diagnostics.codes import all_codes
from llmops.compiler.diagnostics.render import github, sarif, text
from llmops.compiler.diagnostics.render import json as as_json
from llmops.compiler.driver import Compilation, Options, Toolkit, compile_project, toolkit
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.finding import Diagnostic
from llmops.compiler.model.request import Request
from llmops.compiler.model.sources import Sources, Span
from tests.security.kit import UNSAFE
from tests.security.mutate import Project, mutated, projects

CASES = 1000
SECONDS = 30
"""Of processor time, for the cases of a project; on a slow machine there are fewer of them."""
CODES = frozenset(code.code for code in all_codes())


@pytest.fixture(scope="module")
def tools() -> Toolkit:
    return toolkit()


def held(made: Compilation) -> None:
    for one in (*made.diagnostics, *made.unknown, *made.silenced):
        assert one.code in CODES
        for place in one.labels:
            stands(place.span, made.sources, one)
    environments = tuple(made.settings.environments) if made.settings else ()
    shown = (
        text.render(made.diagnostics, made.sources, environments),
        as_json.dump(as_json.report("compile", "error", made.diagnostics)),
        as_json.dump(sarif.report(made.diagnostics, all_codes(), __version__)),
        github.commands(made.diagnostics, environments),
        github.job_summary(made.diagnostics, "x", environments),
    )
    for page in shown:
        assert UNSAFE.search(page) is None
        assert not any(secret in page for secret in made.secrets)


def stands(span: Span, sources: Sources, one: Diagnostic) -> None:
    """The stretch is one of a file that was read, and ends where it starts or later.

    A file that is too large, or only named, has no lines here: then it is about its start.
    """
    assert (span.line, span.column) >= (1, 1), one
    assert (span.end_line, span.end_column) >= (span.line, span.column), one
    source = sources.get(span.file)
    if source is None or not source.data:
        assert (span.line, span.column) == (1, 1), one
        return
    lines = source.text.split("\n")
    assert span.line <= len(lines), one
    assert span.column <= len(lines[span.line - 1]) + 1, one


@pytest.mark.parametrize("name", ["minimal", "support-rag"])
@pytest.mark.parametrize("seed", [1, 2])
def test_no_project_breaks_the_compiler(tools: Toolkit, name: str, seed: int) -> None:
    files = projects()[name]
    chance = random.Random(f"{name} {seed}")
    start = time.process_time()
    errors = 0
    for number in range(CASES // 2):
        case = mutated(chance, files)
        try:
            made = compile_project(Memory(case), Request(), Options(dead_keys=True), tools)
            held(made)
        except Exception as error:
            raise AssertionError(f"case {number}: {difference(files, case)}") from error
        errors += made.failed
        if time.process_time() - start > SECONDS / 2:
            break
    assert number > 50, "too slow to say anything"
    assert errors > number / 4, "what is changed matters"


def difference(before: Project, after: Project) -> str:
    """What a case changed, to be put into a test of its own."""
    changed = {path: data for path, data in after.items() if before.get(path) != data}
    return f"{changed}, gone: {sorted(before.keys() - after.keys())}"


def test_overrides_break_nothing(tools: Toolkit) -> None:
    chance = random.Random(3)
    files = Memory(projects()["minimal"])
    signs = "model.answerer.id=env+~[]{}(),:'\"\\${} \t\u202e\x00\x1b0123456789abc@!#*?_-/é"
    for _ in range(300):
        override = "".join(chance.choice(signs) for _ in range(chance.randint(1, 30)))
        if chance.random() < 0.5:
            override = f"model.answerer.{override}"
        try:
            held(compile_project(files, Request(overrides=(override,)), Options(emit=False), tools))
        except Exception as error:
            raise AssertionError(ascii(override)) from error


def test_sizes_of_nothing(tools: Toolkit) -> None:
    """Each file of the project empty, one after the other, and all of them."""
    files = projects()["minimal"]
    for path in files:
        for content in (b"", b"\n", b"#", b"{}", b"[]", b"\xff", b"\0", b"null", b"a", b"- a", b"? ", b"defaults: {}"):
            held(compile_project(Memory({**files, path: content}), Request(), Options(), tools))
    held(compile_project(Memory(dict.fromkeys(files, b"")), Request(), Options(), tools))
    held(compile_project(Memory({}), Request(), Options(), tools))
    assert sys.getrecursionlimit() == 1000
