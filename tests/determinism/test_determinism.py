"""The examples compile to the same bytes, and say the same, on any machine that could be told apart from this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent for path in (REPOSITORY / "examples").glob("*/llmops.yaml"))
OUTPUT = ("generated", ".github", "llmops.lock")


def sources(example: Path) -> dict[str, bytes]:
    """What people write: everything but what a compile makes."""
    return {
        str(path.relative_to(example)): path.read_bytes()
        for path in sorted(example.rglob("*"))
        if path.is_file() and path.relative_to(example).parts[0] not in (*OUTPUT, ".llmops")
    }


def write(folder: Path, files: Mapping[str, bytes], order: int = 1) -> Path:
    """The project on disk; with `order` -1 its files are made in the opposite order, and are as old as the hills."""
    for name in sorted(files, reverse=order < 0):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
        if order < 0:
            os.utime(path, (1, 1))
    return folder


def compile_in(
    folder: Path, env: Mapping[str, str] | None = None, *, umask: int = 0o022, python: tuple[str, ...] = (),
    cwd: Path | None = None,
) -> tuple[dict[str, bytes], str]:  # fmt: skip
    """All that a compile writes, with the rights of each file, and all that it says."""
    where = ["-C", str(folder)] if cwd is not None else []
    done = subprocess.run(
        [sys.executable, "-P", *python, "-m", "llmops", *where, "compile", "--output-format", "json"],
        cwd=cwd or folder, env={**os.environ, "GITHUB_ACTIONS": "", **(env or {})}, capture_output=True, check=False,
        preexec_fn=lambda: os.umask(umask) and None,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    made: dict[str, bytes] = {}
    for top in OUTPUT:
        for path in [folder / top, *sorted((folder / top).rglob("*"))]:
            if path.is_file():
                rights = f"{path.stat().st_mode & 0o777:o} ".encode()
                made[str(path.relative_to(folder))] = rights + path.read_bytes()
    return made, done.stdout.decode()


VARIANTS: dict[str, dict[str, object]] = {
    "another hash seed": {"env": {"PYTHONHASHSEED": "1"}},
    "yet another hash seed": {"env": {"PYTHONHASHSEED": "4294967295"}},
    "locale C": {"env": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}},
    "a Turkish locale": {"env": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}},
    "another time zone": {"env": {"TZ": "Asia/Kathmandu"}},
    "a closed umask": {"umask": 0o077},
    "an open umask": {"umask": 0},
    "without assertions": {"python": ("-O",)},
}


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])
def test_the_same_bytes_everywhere(example: Path, tmp_path: Path) -> None:
    files = sources(example)
    expected = compile_in(write(tmp_path / "base", files))
    for number, (name, how) in enumerate(VARIANTS.items()):
        folder = write(tmp_path / str(number) / "project", files)
        assert compile_in(folder, **how) == expected, name  # type: ignore[arg-type]


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])
def test_the_same_bytes_in_any_folder(example: Path, tmp_path: Path) -> None:
    files = sources(example)
    expected = compile_in(write(tmp_path / "base", files))
    odd = write(tmp_path / "a folder with späces" / "名前", files)
    assert compile_in(odd) == expected
    assert compile_in(write(tmp_path / "reversed", files, order=-1)) == expected
    assert compile_in(write(tmp_path / "from outside", files), cwd=tmp_path) == expected


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])
def test_a_second_run_writes_nothing(example: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "project", sources(example))
    first, _ = compile_in(folder)
    before = written(folder)
    second, _ = compile_in(folder)
    assert (second, written(folder)) == (first, before)


def written(folder: Path) -> dict[Path, int]:
    """When each file was last written, but for the local cache."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".llmops" not in path.parts)
    return {path: path.stat().st_mtime_ns for path in files}


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])
def test_a_clone_compiles_to_what_is_committed(example: Path, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    shutil.copytree(example, origin, ignore=shutil.ignore_patterns(".llmops"))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], cwd=origin, check=True)
    subprocess.run([*git, "clone", "-q", str(origin), str(tmp_path / "clone")], check=True)
    command = [sys.executable, "-P", "-m", "llmops", "compile", "--check"]
    done = subprocess.run(command, cwd=tmp_path / "clone", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
