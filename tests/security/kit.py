"""Hostile projects, and the real command run on them as a process of its own, within limits of time and memory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.projects import MINIMAL

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20
"""Of processor time, after which the system ends a run: twice what is promised, since a busy machine's count double."""
MEMORY = 1 << 30
"""Bytes of address space."""
MODULE = (sys.executable, "-m", "llmops")

UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
"""Characters that no output may hold: control (but the end of a line), bidi, invisible."""

CONFIG = "conf/config.yaml"
MODEL = "conf/model/answerer.yaml"
PROMPT = "conf/prompt/answer.yaml"
EVAL = "conf/eval/quality.yaml"

FILE_PROMPT = {PROMPT: "files: {user: p.md}\nvariables: {question: string}\n"}
"""Changes to the minimal project, whose prompt then stands in p.md."""
DATA = {
    CONFIG: "defaults:\n  - model: [answerer]\n  - prompt: [answer]\n  - dataset: [rows]\n  - eval: [quality]\n"
    "  - env: dev\n",
    "conf/dataset/rows.yaml": "files: data/*.jsonl\ntrust: trusted\nsensitivity: public\n",
    EVAL: "runner: promptfoo\nsubject: {prompt: answer, model: answerer}\nrows: {dataset: rows}\n"
    "metrics: {right: {type: icontains, value: x}}\ngate: {pass_rate: 1.0}\n",
}  # fmt: skip
"""Changes to the minimal project, whose eval then takes its rows from data/*.jsonl."""

Files = Mapping[str, str | bytes]


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended. `seconds` are of processor time."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def data(self) -> Any:
        return json.loads(self.out)

    @property
    def errors(self) -> list[tuple[str, str]]:
        """The code and the place of each error, of a run with `--output-format json`."""
        return [(one["code"], _place(one)) for one in self.data["diagnostics"] if one["severity"] == "error"]


def _place(one: Mapping[str, Any]) -> str:
    start = one["range"]["start"] if "range" in one else None
    return f"{one['file']}:{start['line']}:{start['column']}" if start else ""


def environment(**more: str) -> dict[str, str]:
    """The least that a run needs, so that what is around the tests decides nothing."""
    return {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT / "src"), **more}


def run(
    *arguments: str,
    cwd: Path,
    command: Sequence[str] = MODULE,
    prepare: Callable[[], None] | None = None,
    **more: str,
) -> Done:
    """Run the command line. However it ends, it must be no crash and no fault: asserted here, for every test."""

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if prepare is not None:
            prepare()

    before = _used()
    done = subprocess.run(
        [*command, *arguments], cwd=cwd, env=environment(**more), stdin=subprocess.DEVNULL, capture_output=True,
        preexec_fn=limits, timeout=SECONDS * 20, check=False,
    )  # fmt: skip
    out, err = (stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr))
    made = Done(done.returncode, out, err, _used() - before)
    assert made.code >= 0, f"ended by signal {-made.code} after {made.seconds:.1f} s"
    assert "Traceback" not in made.text, made.err[-2000:]
    assert made.code in (0, 1, 2, 4), made.err[-2000:]
    return made


def compile_json(folder: Path, *arguments: str) -> Done:
    return run("compile", "--output-format", "json", *arguments, cwd=folder)


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def called(*arguments: str, **more: str) -> Done:
    """The same in this process, for tests that run the command very often; the variables are all that there is."""
    from llmops.compiler.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    before, start = dict(os.environ), time.process_time()
    os.environ.clear()
    os.environ.update(environment(**more))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(list(arguments))
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert code in (0, 1, 2, 4), err.getvalue()[-2000:]
    return Done(code, out.getvalue(), err.getvalue(), time.process_time() - start)


def write(folder: Path, files: Files) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return folder


def project(folder: Path, changes: Files | None = None) -> Path:
    """The minimal project with some of its files changed."""
    folder.mkdir(exist_ok=True)
    return write(folder, {**MINIMAL, **(changes or {})})


def everything(folder: Path) -> dict[str, bytes]:
    """All plain files below a folder: what a run left."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
