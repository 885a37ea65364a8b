"""The likeliest mistakes: each is a section of a page, with the files that are wrong and the whole of what is said.

The files stand on a sane project of all kinds (`base/`), so that a mistake that is told twice, or whose echo comes from
another resource, shows. A section's `text` fence is what `llmops validate` prints; LLMOPS_ACCEPT=1 rewrites it. Hints
are shown where the title begins with "hint:".
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from llmops.compiler.diagnostics.render.text import render
from llmops.compiler.driver import Compilation, Toolkit, compile_project, toolkit
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.finding import Diagnostic, Severity
from llmops.compiler.model.request import Request
from tests.rules.cases import Case, cases

HERE = Path(__file__).parent
BASE = {
    path.relative_to(HERE / "base").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted((HERE / "base").rglob("*")) if path.is_file()
}  # fmt: skip
_TARGETS = re.compile(r"(= note: targets: ).*")
CASES = [case for page in sorted(HERE.glob("*.md")) for case in cases(page)]


@cache
def _tools() -> Toolkit:
    return toolkit()


def validated(files: dict[str, str]) -> Compilation:
    return compile_project(Memory(files), Request(), tools=_tools())


@cache
def sane() -> Compilation:
    return validated(BASE)


def told(case: Case) -> tuple[Compilation, list[Diagnostic]]:
    """What is said of a case, and would not be said of the project that it stands on."""
    result = validated({**BASE, **case.files})
    usual = {(one.code, one.message) for one in sane().diagnostics}
    hints = case.title.startswith("hint:")
    return result, [
        one for one in result.diagnostics
        if (hints or one.severity is not Severity.INFO) and (one.code, one.message) not in usual
    ]  # fmt: skip


def report(case: Case) -> str:
    result, found = told(case)
    text = _TARGETS.sub(r"\1…", render(found, result.sources))  # another target is no other message
    return text if text.endswith("\n") else f"{text}\n"
