"""Every transcript of README.md and docs/ is what the commands print. `LLMOPS_ACCEPT=1` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.docs import transcripts
from tests.docs.transcripts import Block


@pytest.mark.parametrize("page", transcripts.pages(), ids=lambda page: page.relative_to(transcripts.ROOT).as_posix())
def test_transcripts(page: Path, tmp_path: Path) -> None:
    folder = home = tmp_path
    wrong, bodies = [], []
    for number, block in enumerate(transcripts.blocks(page)):
        if "skip" in block.info:
            continue
        if "continue" not in block.info:
            home = tmp_path / str(number)
            folder = transcripts.prepare(home, block.info.get("example"))
        done, folder = transcripts.run(block, home, folder)
        for (command, expected), (_, found) in zip(block.steps, done, strict=True):
            if not transcripts.fits(expected, found):
                wrong.append(f"{page.name}:{block.line}: $ {command}\n" + "\n".join(found))
        bodies.append((block, transcripts.rewritten(block, done)))
    if os.environ.get("LLMOPS_ACCEPT"):
        transcripts.accept(page, bodies)
    else:
        assert wrong == []


def _block(body: str, page: Path = Path("x.md"), indent: str = "") -> Block:
    return Block(page, 1, {}, body, indent, 0, len(body))


def test_output_is_compared_exactly():
    assert transcripts.fits(["a", "b"], ["a", "b", ""])
    assert not transcripts.fits(["a"], ["a", "b"])
    assert transcripts.fits(["a", "…", "d"], ["a", "b", "c", "d"])
    assert transcripts.fits(["a", "…"], ["a"])
    assert not transcripts.fits(["a", "…", "d"], ["a", "b", "c"])


def test_a_block_is_run_and_rewritten(tmp_path: Path):
    page = tmp_path / "page.md"
    start = "# Page\n\n  ```console\n  $ echo one; echo two >&2\n  one\n"
    page.write_text(f"{start}  $ mkdir x && cd x\n  $ pwd | sed 's|.*/||'\n  y\n  ```\nend\n")
    (block,) = transcripts.blocks(page)
    home = tmp_path / "home"
    folder = transcripts.prepare(home, None)
    done, folder = transcripts.run(block, home, folder)
    assert done == [("echo one; echo two >&2", ["one", "two"]), ("mkdir x && cd x", []), ("pwd | sed 's|.*/||'", ["x"])]
    assert folder.name == "x"
    transcripts.accept(page, [(block, transcripts.rewritten(block, done))])
    assert page.read_text() == f"{start}  two\n  $ mkdir x && cd x\n  $ pwd | sed 's|.*/||'\n  x\n  ```\nend\n"


def test_commands_run_this_llmops(tmp_path: Path):
    folder = transcripts.prepare(tmp_path / "home", None)
    done, _ = transcripts.run(_block("$ llmops --version\n"), tmp_path / "home", folder)
    assert done == [("llmops --version", ["llmops 0.1.0"])]
