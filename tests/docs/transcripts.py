"""Runs the transcripts of the documentation, and writes them anew.

A transcript is a fenced block whose info string starts with `console`:

    ```console example=examples/faq-bot
    $ llmops compile
    Up to date: 5 files, 1 environment.
    ```

Lines that start with `$ ` are commands, run by bash in a copy of the example's folder (an empty one without
`example=`); what follows is their output, stdout and stderr together, compared exactly. A line of only `…` stands for
any lines.
`continue` goes on where the block before it in the same file ended. `skip` marks a block that is not run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GAP = "…"
TIMEOUT = 120
_FENCE = re.compile(
    r"^(?P<indent> *)```console(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$", re.MULTILINE | re.DOTALL
)
_IGNORED = shutil.ignore_patterns(".llmops", ".git", "__pycache__")


@dataclass(frozen=True, slots=True)
class Block:
    """A transcript. `start` and `end` bound its body in the page's text."""

    page: Path
    line: int
    info: Mapping[str, str]
    body: str
    indent: str
    start: int
    end: int

    @property
    def steps(self) -> list[tuple[str, list[str]]]:
        """Each command with its output's lines. A command goes on where a line ends with a backslash."""
        steps: list[tuple[str, list[str]]] = []
        for line in self.body.splitlines():
            text = line.removeprefix(self.indent)
            if text.startswith("$ "):
                steps.append((text[2:], []))
            elif steps and steps[-1][0].endswith("\\") and not steps[-1][1]:
                steps[-1] = (f"{steps[-1][0]}\n{text}", [])
            elif steps:
                steps[-1][1].append(text)
            elif text.strip():
                raise ValueError(f"{self.page.name}:{self.line}: a transcript starts with a command (`$ …`)")
        return steps


def pages() -> list[Path]:
    return [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.is_file()]


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        words = match["info"].split()
        info = {word.partition("=")[0]: word.partition("=")[2] for word in words}
        line = text.count("\n", 0, match.start()) + 1
        yield Block(page, line, info, match["body"], match["indent"], match.start("body"), match.end("body"))


def environment(home: Path) -> dict[str, str]:
    """What commands see: this interpreter's `llmops` first on the path, and nothing that changes how it prints."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    kept["PATH"] = os.pathsep.join([str(home / "bin"), str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "dumb", "PYTHONPATH": str(ROOT / "src")}


def prepare(home: Path, example: str | None) -> Path:
    """The folder that a transcript runs in, with `llmops` on its path."""
    (home / "bin").mkdir(parents=True, exist_ok=True)
    script = home / "bin" / "llmops"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m llmops "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    folder = home / (Path(example).name if example else "work")
    if example:
        shutil.copytree(ROOT / example, folder, ignore=_IGNORED)
    else:
        folder.mkdir()
    return folder


def run(block: Block, home: Path, folder: Path) -> tuple[list[tuple[str, list[str]]], Path]:
    """Each command with what it really printed; and the folder in which the block ended."""
    done = []
    state = home / "folder"
    for command, _ in block.steps:
        script = f'{command}\ncode=$?\npwd > "{state}"\nexit $code'
        made = subprocess.run(
            ["bash", "-c", script], cwd=folder, env=environment(home), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False,
        )  # fmt: skip
        if state.exists():
            folder = Path(state.read_text(encoding="utf-8").strip())
        done.append((command, made.stdout.decode("utf-8", errors="replace").splitlines()))
    return done, folder


def fits(expected: list[str], found: list[str]) -> bool:
    """Whether output is as told, where a line of only `…` stands for any number of lines."""
    expected = _trimmed(expected)
    found = _trimmed(found)
    if GAP not in [line.strip() for line in expected]:
        return expected == found
    pattern = "".join("(?:.*\n)*?" if line.strip() == GAP else re.escape(line) + "\n" for line in expected)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in found)) is not None


def _trimmed(lines: list[str]) -> list[str]:
    """Without spaces at line ends and empty lines at the end, which editors take away."""
    out = [line.rstrip() for line in lines]
    while out and not out[-1]:
        out.pop()
    return out


def rewritten(block: Block, done: list[tuple[str, list[str]]]) -> str:
    """The block's body with the real output where it is another."""
    out = []
    for (command, expected), (_, found) in zip(block.steps, done, strict=True):
        out += [f"$ {line}" if index == 0 else line for index, line in enumerate(command.split("\n"))]
        out += _trimmed(expected if fits(expected, found) else found)
    return "".join(f"{block.indent}{line}".rstrip() + "\n" for line in out)


def accept(page: Path, bodies: list[tuple[Block, str]]) -> None:
    """Put new bodies into a page, from its end to its start."""
    text = page.read_text(encoding="utf-8")
    for block, body in reversed(bodies):
        text = text[: block.start] + body + text[block.end :]
    page.write_text(text, encoding="utf-8")
