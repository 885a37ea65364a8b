"""Cases of rules, in Markdown: prose, configs in fences, and a mark on each line that a rule must point at.

    ## an alias                              a case; `ok: …` promises that the rule says nothing
                                             `(as of 2026-11-24)` at the end gives a date to judge by,
                                             `(without tiktoken)` hides a library of the extra `tokens`
    ```yaml file=conf/model/answerer.yaml
    provider: openai
    id: gpt-4o-mini                          # warning: [MOD002]
    ```

Marks are `# error: [CODE]`, `# warning: [CODE]`, `# info: [CODE]` or `# unknown: [CODE]`, several codes with commas;
they are taken out before the compiler sees the file. Files before the first `##` belong to every case; a case may
replace them, or drop one with an empty fence. llmops.yaml (one environment, dev) and conf/config.yaml (select
everything) are made where they are left out. `<random 20>` stands for 20 letters and digits, `<letters 20>` and
`<hex 20>` for others, so that no page holds what looks like a key. `<tokenizer qwen>` stands for a small tokenizer.json
of that form, trained by the library, `<tokenizer tiktoken>` for a file of tiktoken. A `text` fence holds the whole
report of its case; LLMOPS_ACCEPT=1 rewrites it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from string import ascii_letters as letters
from string import digits

from llmops.compiler.derive.counting import _opened
from llmops.compiler.diagnostics.render.text import render
from llmops.compiler.driver import Compilation, Options, Toolkit, compile_project, toolkit
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request

HERE = Path(__file__).parent
PAGES = sorted(HERE.glob("*/*.md"))
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_MARK = re.compile(r"[ \t]*# (error|warning|info|unknown): \[([A-Z0-9, ]+)\]")
_RANDOM = re.compile(r"<(random|letters|hex) (\d+)>")
_TOKENIZER = re.compile(r"<tokenizer (\w+)>")
_HIDDEN = re.compile(r"\(without (\w+)\)")
_DATE = re.compile(r"\(as of (\d{4}-\d{2}-\d{2})\)")

Expected = tuple[str, str, str, int]
"""Severity (or `unknown`), code, file, line."""


@dataclass(frozen=True, slots=True)
class Case:
    page: Path
    title: str
    files: Mapping[str, str]
    expected: tuple[Expected, ...]
    snapshot: str | None

    @property
    def name(self) -> str:
        return f"{self.page.parent.name}/{self.page.stem}: {self.title}"

    @property
    def ok(self) -> bool:
        return self.title.startswith("ok:")

    @property
    def as_of(self) -> date | None:
        found = _DATE.search(self.title)
        return None if found is None else date.fromisoformat(found[1])


    @property
    def hidden(self) -> tuple[str, ...]:
        """Libraries that are as if they were not installed."""
        return tuple(_HIDDEN.findall(self.title))


def cases(page: Path) -> list[Case]:
    head, *sections = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    shared, _ = _fences(head)
    found = []
    for section in sections:
        title, _, body = section.partition("\n")
        own, snapshot = _fences(body)
        marked = {path: text for path, text in {**shared, **own}.items() if text}
        expected = tuple(sorted(mark for path, text in marked.items() for mark in _marks(path, text)))
        files = {path: _made(_MARK.sub("", text)) for path, text in marked.items()}
        found.append(Case(page, title.strip(), files, expected, snapshot))
    return found


def _made(text: str) -> str:
    return _TOKENIZER.sub(_tokenizer, _RANDOM.sub(_random, text))


def _tokenizer(found: re.Match[str]) -> str:
    from tests.support.tokenizers import ranks, trained

    return (ranks() if found[1] == "tiktoken" else trained(found[1])).decode()


def _random(found: re.Match[str]) -> str:
    """Always the same letters and digits, as mixed as in a key."""
    alphabet = {"random": letters + digits, "letters": letters, "hex": "0123456789abcdef"}[found[1]]
    return "".join(Random(7).choices(alphabet, k=int(found[2])))


def _fences(text: str) -> tuple[dict[str, str], str | None]:
    files: dict[str, str] = {}
    snapshot = None
    for language, info, body in _FENCE.findall(text):
        name = re.search(r"file=(\S+)", info)
        if name is not None:
            files[name[1]] = body
        elif language == "text":
            snapshot = body
    return files, snapshot


def _marks(path: str, text: str) -> list[Expected]:
    return [
        (mark[1], code.strip(), path, number)
        for number, line in enumerate(text.split("\n"), start=1)
        for mark in _MARK.finditer(line)
        for code in mark[2].split(",")
    ]


def project(case: Case) -> dict[str, str]:
    """The files of a case, with llmops.yaml and a primary config that selects every resource."""
    files = dict(case.files)
    files.setdefault("llmops.yaml", "name: case\nenvironments: {dev: []}\n")
    if "conf/config.yaml" not in files:
        kinds: dict[str, list[str]] = {}
        for path in files:
            parts = path.split("/")
            if len(parts) == 3 and parts[0] == "conf" and parts[1] != "env":
                kinds.setdefault(parts[1], []).append(parts[2].removesuffix(".yaml"))
        lines = [f"  - {kind}: [{', '.join(names)}]" for kind, names in kinds.items()]
        files["conf/config.yaml"] = "\n".join(["defaults:", *lines, "  - env: dev", ""])
    return files


_TOOLS: list[Toolkit] = []


def compiled(case: Case) -> Compilation:
    if not _TOOLS:
        _TOOLS.append(toolkit())
    options = Options(as_of=case.as_of, emit=False)
    with without(case.hidden):
        return compile_project(Memory(project(case)), Request(), options, _TOOLS[0])


@contextmanager
def without(names: tuple[str, ...]) -> Iterator[None]:
    """As if these libraries were not installed."""
    kept = {name: sys.modules.pop(name, None) for name in names}
    for name in names:
        sys.modules[name] = None  # type: ignore[assignment]
        _opened.cache_clear()
    try:
        yield
    finally:
        for name, module in kept.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module
            _opened.cache_clear()


def found(case: Case, result: Compilation) -> tuple[Expected, ...]:
    """What was reported: all of it, but hints that a case need not care for, and unknowns of other rules."""
    own = {code for _, code, _, _ in case.expected}
    out = []
    for one in result.diagnostics:
        if one.severity == "info" and one.code not in own:
            continue
        place = one.primary.span if one.primary else None
        out.append((str(one.severity), one.code, place.file if place else "", place.line if place else 0))
    for one in result.unknown:
        if one.code in own and one.primary is not None:
            out.append(("unknown", one.code, one.primary.span.file, one.primary.span.line))
    return tuple(sorted(set(out)))


def report(case: Case, result: Compilation) -> str:
    """The whole report, with those hints alone that the case is about."""
    own = {code for _, code, _, _ in case.expected}
    text = render([one for one in result.diagnostics if one.severity != "info" or one.code in own], result.sources)
    return text if text.endswith("\n") else f"{text}\n"


def accept(case: Case, text: str) -> None:
    """Put the report into the page in place of the one that it holds."""
    page = case.page.read_text(encoding="utf-8")
    start = page.index(f"## {case.title}")
    fence = re.compile(r"^```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    match = fence.search(page, start)
    assert match is not None
    case.page.write_text(page[: match.start(1)] + text + page[match.end(1) :], encoding="utf-8")
