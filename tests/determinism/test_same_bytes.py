"""The same project gives the same bytes and says the same words, wherever and however it is compiled."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.projects import MINIMAL

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/llmops.yaml"))
WRONG = {
    **MINIMAL,
    "llmops.yaml": "name: faq-bot\nenvironments: {dev: [], prod: []}\n",
    "conf/env/prod.yaml": "gateway: {main: {timeout: 10 s}}\nmodel: {nobody: {id: x}}\n",
    "conf/model/answerer.yaml": "provider: opnai\nid: x\nparams: {temperature: 3}\nzzz: 1\nyyy: 2\n",
    "conf/eval/quality.yaml": MINIMAL["conf/eval/quality.yaml"].replace("model: answerer", "model: answrer"),
}
"""Many mistakes, whose order and words must be the same too."""
BASE = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Way:
    """How a project is compiled: in which folder, from where, with which variables and flags."""

    folder: str = "p"
    inside: str = "."
    variables: Mapping[str, str] | None = None
    python: tuple[str, ...] = ()
    umask: int = 0o022
    prepare: Callable[[Path], None] = lambda folder: None
    elsewhere: bool = False


def locales() -> list[str]:
    found = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    wanted = ("C", "POSIX", "C.utf8", "C.UTF-8", "tr_TR.utf8", "de_DE.utf8", "ar_EG.utf8", "ja_JP.eucjp")
    return [name for name in found if name in wanted]


def copy(source: Mapping[str, bytes], folder: Path, order: random.Random | None = None) -> Path:
    paths = sorted(source)
    if order is not None:
        order.shuffle(paths)
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(source[path])
    return folder


def touched(folder: Path) -> None:
    """Other times of change, the newest and the oldest that a file can have."""
    for number, path in enumerate(sorted(folder.rglob("*"))):
        os.utime(path, (number % 3 * 10**9, number % 2 * 2 * 10**9))


def private(folder: Path) -> None:
    for path in folder.rglob("*.yaml"):
        path.chmod(0o400)


def committed(folder: Path) -> None:
    """As it comes out of git."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x.example", "-C", str(folder)]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    clone = folder.parent / "clone"
    subprocess.run(["git", "clone", "-q", str(folder), str(clone)], check=True)
    shutil.rmtree(folder)
    clone.rename(folder)
    shutil.rmtree(folder / ".git")


WAYS: dict[str, Way] = {
    "hash seed 1": Way(variables={"PYTHONHASHSEED": "1"}),
    "hash seed 4294967295": Way(variables={"PYTHONHASHSEED": "4294967295"}),
    "another day and zone": Way(variables={"TZ": "Pacific/Kiritimati"}),
    "a path with a space": Way(folder="a b/c d"),
    "a path beyond ASCII": Way(folder="Прое́кт/项目/ﬁ"),
    "a deep path": Way(folder="/".join("abcdefghij" * 4)),
    "a path that looks like a config": Way(folder="conf/model/answerer.yaml"),
    "from above, by -C": Way(elsewhere=True),
    "from a folder in it": Way(inside="conf/model"),
    "without assertions": Way(python=("-O",)),
    "without docstrings": Way(python=("-OO",)),
    "isolated warnings": Way(python=("-P", "-B", "-X", "utf8=0")),
    "everything is an error": Way(variables={"PYTHONWARNINGS": "error::SyntaxWarning"}),
    "nobody else may read": Way(umask=0o077),
    "everybody may write": Way(umask=0),
    "other times": Way(prepare=touched),
    "read-only sources": Way(prepare=private),
    "a clone": Way(prepare=committed),
    "in CI": Way(variables={"CI": "true", "TERM": "dumb", "COLUMNS": "40", "NO_COLOR": "1"}),
    "another user": Way(variables={"HOME": "/nonexistent", "USER": "x", "LOGNAME": "x"}),
    **{f"locale {name}": Way(variables={"LC_ALL": name, "LANG": name}) for name in locales()},
    "no locale": Way(variables={"LC_ALL": "", "LANG": ""}),
    "a locale that is not there": Way(variables={"LC_ALL": "xx_XX.UTF-8"}),
}


def run(folder: Path, way: Way, *arguments: str) -> tuple[int, bytes, bytes]:
    command = [sys.executable, *way.python, "-m", "llmops", *arguments]
    where = folder / way.inside
    if way.elsewhere:
        where, command = folder.parent, [*command, "-C", folder.name]
    done = subprocess.run(
        command, cwd=where, env={**BASE, **(way.variables or {})}, stdin=subprocess.DEVNULL, capture_output=True,
        check=False, timeout=120, umask=way.umask,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


Result = tuple[list[tuple[int, bytes, bytes]], dict[str, bytes]]


def result(source: Mapping[str, bytes], root: Path, way: Way, order: random.Random | None = None) -> Result:
    """What the commands say, and all that is there after them."""
    folder = copy(source, root / way.folder, order)
    way.prepare(folder)
    said = [
        run(folder, way, "compile"),
        run(folder, way, "compile", "--check", "--output-format", "json"),
    ]
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".llmops" not in path.relative_to(folder).parts
    }
    return said, files


def source_of(name: str) -> dict[str, bytes]:
    if name in ("minimal", "wrong"):
        return {path: text.encode() for path, text in (WRONG if name == "wrong" else MINIMAL).items()}
    out = {}
    folder = ROOT / "examples" / name
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not {"generated", ".github", ".llmops", "llmops.lock", "tests"} & set(parts):
            out["/".join(parts)] = path.read_bytes()
    return out


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Result]:
    """The result of each project compiled in the plainest way, made once."""
    known: dict[str, Result] = {}

    def of(name: str) -> Result:
        if name not in known:
            known[name] = result(source_of(name), tmp_path_factory.mktemp("expected"), Way())
        return known[name]

    return of


NAMES = ["minimal", "wrong", *EXAMPLES]


@pytest.mark.parametrize("way", WAYS)
def test_the_same_bytes_and_words(tmp_path: Path, expected: Callable[[str], Result], way: str) -> None:
    """Ways take turns with the projects, so that each project meets each kind of way in a short time."""
    name = NAMES[list(WAYS).index(way) % len(NAMES)]
    same(result(source_of(name), tmp_path, WAYS[way]), expected(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_way_with_every_project(tmp_path: Path, expected: Callable[[str], Result], name: str) -> None:
    for number, way in enumerate(WAYS.values()):
        same(result(source_of(name), tmp_path / str(number), way), expected(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_order_in_which_files_were_made(tmp_path: Path, expected: Callable[[str], Result], name: str) -> None:
    same(result(source_of(name), tmp_path, Way(), random.Random(7)), expected(name))


def same(found: Result, wanted: Result) -> None:
    """Words are compared as the terminal shows them: one that has no letter for it gets an escape instead."""
    assert found[1].keys() == wanted[1].keys()
    assert [path for path, data in found[1].items() if data != wanted[1][path]] == []
    for (code, out, err), (other_code, other_out, other_err) in zip(found[0], wanted[0], strict=True):
        assert (code, out.decode("utf-8"), _plain(err)) == (other_code, other_out.decode("utf-8"), _plain(other_err))


def _plain(text: bytes) -> str:
    return text.decode("utf-8").encode("ascii", "backslashreplace").decode()


def test_what_is_compared_is_not_nothing(expected: Callable[[str], Result]) -> None:
    codes = {name: [code for code, _, _ in expected(name)[0]] for name in NAMES}
    assert codes == {name: [1, 1] if name == "wrong" else [0, 0] for name in NAMES}
    assert len([path for path in expected("minimal")[1] if path.startswith("generated/")]) > 3
    assert expected("wrong")[0][1][1].count(b'"code"') > 4


@pytest.mark.parametrize("name", [name for name in NAMES if name != "wrong"])
def test_a_second_run_changes_nothing(tmp_path: Path, expected: Callable[[str], Result], name: str) -> None:
    folder = copy(source_of(name), tmp_path / "p")
    assert run(folder, Way(), "compile")[0] == 0
    before = {path: path.stat() for path in folder.rglob("*") if path.is_file() and ".llmops" not in path.parts}
    code, out, err = run(folder, Way(), "compile")
    assert (code, out) == (0, b"")
    assert b"Up to date" in err
    after = {path: path.stat() for path in before}
    assert all((one.st_mtime_ns, one.st_ino) == (after[path].st_mtime_ns, after[path].st_ino)
               for path, one in before.items())  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_run_from_what_is_committed_gives_the_same_as_one_from_nothing(
    tmp_path: Path, expected: Callable[[str], Result], name: str
) -> None:
    """The lock and the artifacts of another version take no part in what is made."""
    folder = copy({**source_of(name), **expected(name)[1]}, tmp_path / "p")
    made = sorted(path for path in expected(name)[1] if path.startswith("generated/"))
    (folder / made[0]).unlink()
    assert run(folder, Way(), "compile")[0] == 0
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert {path: data for path, data in files.items() if not path.startswith(".llmops/")} == expected(name)[1]
