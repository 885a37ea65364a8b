"""The pages hold together: links lead somewhere, nothing lacks its page, and commands that are shown exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from llmops.compiler.cli.main import COMMANDS, cli
from llmops.compiler.diagnostics.codes import all_codes, doc_page
from llmops.compiler.lower.registry import built_in, module_name
from llmops.schemas import ENVIRONMENT, kind_names
from tests.docs import transcripts
from tests.docs.transcripts import ROOT

PAGES = [
    *transcripts.pages(), *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "schemas/README.md")),
    *sorted((ROOT / "targets").glob("*/README.md")), ROOT / "tests/tools/README.md",
]  # fmt: skip
_FENCE = re.compile(r"^ *```.*?^ *```[ ]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links, outside of code."""
    text = _CODE.sub("``", _FENCE.sub("", page.read_text(encoding="utf-8")))
    yield from (found[1] for found in _LINK.finditer(text))


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as they are made for links."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", found[1].lower()).replace(" ", "-") for found in _HEADING.finditer(text)}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or not place.is_relative_to(ROOT) or (anchor and anchor not in anchors(place)):
            dead.append(link)
    assert dead == []


def test_the_index_names_every_page_that_is_written_by_hand() -> None:
    index = ROOT / "docs/README.md"
    found = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    by_hand = {page for folder in ("docs", "docs/guide", "docs/reference") for page in (ROOT / folder).glob("*.md")}
    assert [named(page) for page in sorted(by_hand - found - {index})] == []


def test_every_code_kind_target_and_command_has_its_page() -> None:
    wanted = [
        *(doc_page(code.code) for code in all_codes()),
        *(f"docs/reference/kinds/{name}.md" for name in (*kind_names(), ENVIRONMENT)),
        *(f"docs/reference/targets/{name}.md" for name in built_in()),
        *(f"targets/{module_name(name)}/README.md" for name in built_in()),
    ]
    assert [page for page in wanted if not (ROOT / page).is_file()] == []
    assert {f"llmops-{name}" for name in COMMANDS} <= anchors(ROOT / "docs/reference/cli.md")


def commands(page: Path) -> Iterator[list[str]]:
    """The words after `llmops` in each command of a page's transcripts and in its lines of code."""
    text = page.read_text(encoding="utf-8")
    for block in transcripts.blocks(page):
        for command, _ in block.steps:
            yield from _words(command)
    for inline in re.findall(r"`(llmops [^`\n]+)`", _FENCE.sub("", text)):
        yield from _words(inline)


def _words(command: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if re.fullmatch(r"[;&|<>()]+", word):
            if words[:1] == ["llmops"]:
                yield words[1:]
            words = []
        elif not word.startswith("#"):
            words.append(word)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_exist_with_their_options(page: Path) -> None:
    wrong = [" ".join(words) for words in commands(page) if problem(words)]
    assert wrong == []


def problem(words: list[str]) -> str | None:
    """What is wrong with a command line of `llmops`; the words after it are checked by name, not by value."""
    options = _options(cli)
    name = None
    for word in words:
        if word.startswith("-") and word != "-":
            if word.partition("=")[0] not in options:
                return f"no option {word}"
        elif name is None and (word in COMMANDS or not _is_value(word)):
            if word not in COMMANDS:
                return f"no command {word}"
            name = word
            options |= _options(cli.get_command(click.Context(cli), name))  # type: ignore[attr-defined]
    return None


def _options(command: click.Command) -> set[str]:
    context = click.Context(command, **command.context_settings)
    return {name for one in command.get_params(context) for name in (*one.opts, *one.secondary_opts)} | {"-h"}


def _is_value(word: str) -> bool:
    """Placeholders of a synopsis (`COMMAND`, `…`), and what follows an option such as `-C`."""
    return word.isupper() or word == "…" or "/" in word


def test_the_check_of_commands_bites() -> None:
    for good in ("compile --check", "-C x/y compile", "explain CODE", "--version", "COMMAND --help", "validate -v a=1"):
        assert problem(good.split()) is None, good
    for bad in ("compil", "compile --chekc", "diff --base main", "init --json"):
        assert problem(bad.split()) is not None, bad
    assert list(_words("cd x && llmops compile --check; echo $?  # then")) == [["compile", "--check"]]
