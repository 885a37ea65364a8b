"""What the system refuses becomes a diagnostic, and the files stay as they were."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.compiler.write.apply import apply, recover
from tests.compiler.write.kit import PLACES, STATE_FILES, Repo, codes, emitted
from tests.support.disks import in_child, make_read_only, on_disk

A, B, NEW = "generated/prod/vllm/a.yaml", "generated/prod/vllm/b.yaml", "generated/new/vllm/c.yaml"
OLD = {A: "x: 1\n", B: "x: 1\n"}
WANTED = {A: "x: 2\n", NEW: "x: 2\n"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO, errno.EMFILE])
@pytest.mark.parametrize("call", ["write", "open", "rename", "mkdir", "fsync", "unlink", "fchmod"])
def test_each_call_that_fails_once_leaves_old_or_new(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """The n-th call of a kind fails, for every n that the write makes."""
    repo.compile(OLD)
    old = repo.snapshot()
    plan, _ = repo.plan(WANTED)
    real = getattr(os, call)
    calls = [0, -1]

    def failing(*arguments: object, **names: object) -> object:
        calls[0] += 1
        if calls[0] - 1 == calls[1]:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **names)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing)
        assert apply(plan, repo.root).value.done
    new, length = repo.snapshot(), calls[0]
    for n in range(length):
        _, found = repo.compile(OLD, force=[A, B])
        assert not [p for p in found if p.severity == "error"]
        assert repo.snapshot() == old
        plan, _ = repo.plan(WANTED)
        calls[:] = [0, n]
        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing)
            outcome = apply(plan, repo.root)
        if not outcome.value.done and "OUT017" not in codes(outcome.diagnostics):
            assert repo.snapshot() == old, n
            assert codes(outcome.diagnostics)[0] in ("OUT013", "OUT014", "OUT016"), n
        recover(repo.root, places=PLACES)
        if number in (errno.EACCES, errno.EROFS):  # an empty folder that may not be removed is left
            assert repo.files() in [{p: t for p, t in side.items() if p in OLD | WANTED} for side in (old, new)], n
            continue
        assert repo.snapshot() in (old, new), n
        assert repo.state() <= STATE_FILES, n
        if outcome.value.done:
            assert repo.snapshot() == new, n


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("free", [0, 4, 16, 64, 100, 140, 200])
def test_a_full_disk_leaves_old_and_no_stray_file(disk: Path, free: int) -> None:
    def work() -> None:
        repo = Repo(disk)
        repo.compile(OLD)
        repo.write("ballast", b"")
        space = os.statvfs(disk)
        repo.write("ballast", b"x" * (space.f_bavail * space.f_frsize - free * 1024))
        before = repo.snapshot()
        wanted = {f"generated/prod/vllm/{n}.yaml": "x" * 4000 for n in range(60)} | WANTED
        report, found = repo.compile(wanted)
        assert (codes(found), report.done) == (["OUT013"], False)
        assert found[0].help == ("free some space and compile again",)
        assert repo.snapshot() == before
        assert repo.state() <= STATE_FILES
        (disk / "ballast").unlink()
        report, found = repo.compile(wanted)
        assert (report.done, found) == (True, ())

    on_disk(disk, "size=512k", work)
    assert list(disk.iterdir()) == [], "the disk was the child's alone"


def test_no_inodes_left(disk: Path) -> None:
    def work() -> None:
        repo = Repo(disk)
        repo.compile(OLD)
        before = repo.snapshot()
        report, found = repo.compile({f"generated/prod/vllm/{n}.yaml": "x" for n in range(60)})
        assert (codes(found), report.done) == (["OUT013"], False)
        assert repo.snapshot() == before
        assert repo.state() <= STATE_FILES

    on_disk(disk, "nr_inodes=30", work)


def test_generated_on_another_file_system(repo: Repo) -> None:
    (repo.root / "generated").mkdir()

    def work() -> None:
        assert repo.root.stat().st_dev != (repo.root / "generated").stat().st_dev
        repo.compile(OLD)
        report, found = repo.compile([emitted(p, t, executable=True) for p, t in WANTED.items()])
        assert (report.done, found) == (True, ())
        assert repo.files() == {path: f"{text}*" for path, text in WANTED.items()}

    on_disk(repo.root / "generated", "size=4m", work)


def test_no_room_on_the_other_file_system(repo: Repo) -> None:
    (repo.root / "generated").mkdir()

    def work() -> None:
        repo.compile(OLD)
        before = repo.snapshot()
        report, found = repo.compile({f"generated/prod/vllm/{n}.yaml": "x" * 40_000 for n in range(8)})
        assert (codes(found), report.done) == (["OUT013"], False)
        assert repo.snapshot() == before
        assert repo.state() <= STATE_FILES

    on_disk(repo.root / "generated", "size=256k", work)


def test_a_read_only_file_system(disk: Path) -> None:
    def work() -> None:
        repo = Repo(disk)
        repo.compile(OLD)
        make_read_only(disk)
        report, found = repo.compile(OLD)
        assert (report.kept, found) == (2, ())
        report, found = repo.compile(WANTED)
        assert (codes(found), report.done) == (["OUT014"], False)

    on_disk(disk, "", work)


NOBODY = 65534


def _give_up_root(root: Path, closed: Path) -> None:
    """From now on whoever runs this may not change `closed`, and all else below `root`. Root must become another."""
    if os.geteuid() != 0:
        closed.chmod(0o555)
        return
    for path in (root, *root.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.chown(closed, 0, 0)
    os.setegid(NOBODY)
    os.seteuid(NOBODY)


@pytest.fixture
def reachable(tmp_path: Path) -> Iterator[Path]:
    """A folder that another user can reach, unlike pytest's."""
    root = Path(tempfile.gettempdir()) / f"llmops-{os.getpid()}-{tmp_path.name}"
    root.mkdir(mode=0o755)
    yield root
    subprocess.run(["chmod", "-R", "u+rwx", str(root)], check=True)
    shutil.rmtree(root)


@pytest.mark.parametrize("folder", ["generated/prod/vllm", "generated", ".", ".llmops"])
def test_a_folder_of_another_user(reachable: Path, folder: str) -> None:
    repo = Repo(reachable)
    repo.compile(OLD)

    def work() -> None:
        before = repo.snapshot()
        _give_up_root(reachable, reachable / folder)
        report, found = repo.compile(WANTED)
        assert (codes(found), report.done) == (["OUT014"], False), found
        assert repo.snapshot() == before

    in_child(work)
    assert repo.state() <= STATE_FILES | ({"stage"} if folder == ".llmops" else set())


def test_a_file_that_cannot_be_read(reachable: Path) -> None:
    repo = Repo(reachable)
    repo.compile(OLD)
    (reachable / A).chmod(0)

    def work() -> None:
        if os.geteuid() == 0:
            os.setegid(NOBODY)
            os.seteuid(NOBODY)
        _, found = repo.compile(WANTED)
        assert [(p.code, p.message) for p in found] == [("OUT014", f"the system denies access to `{A}`")], found

    in_child(work)


def test_a_limit_on_the_size_of_files(repo: Repo) -> None:
    repo.compile(OLD)
    before = repo.snapshot()

    def work() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (128 * 1024, 128 * 1024))
        report, found = repo.compile({A: "x" * 200_000})
        assert (codes(found), report.done) == (["OUT016"], False)
        assert found[0].notes == ("the file is larger than the system allows",)

    in_child(work)
    assert repo.snapshot() == before
    assert repo.state() <= STATE_FILES


def test_few_open_files_are_enough_and_none_is_said(repo: Repo) -> None:
    files = {f"generated/e{n}/t{n}/f.yaml": "x: 1\n" for n in range(300)}

    def work() -> None:
        highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 90, highest + 90))
        report, found = repo.compile(files)
        assert (len(report.written), found) == (300, ())
        plan, _ = repo.plan(WANTED)
        resource.setrlimit(resource.RLIMIT_NOFILE, (5, highest + 90))
        assert codes(apply(plan, repo.root).diagnostics) == ["OUT016"]

    in_child(work)
    assert len(repo.files()) == 300


def test_a_name_that_is_too_long_for_the_file_system(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some hold less than 255 bytes (encrypted home folders)."""


    def shorten(call: str) -> None:
        real = getattr(os, call)

        def short(name: object, *arguments: object, **names: object) -> object:
            if len(str(name).rpartition("/")[2]) > 140:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
            return real(name, *arguments, **names)

        monkeypatch.setattr(os, call, short)

    for call in ("open", "stat", "rename"):
        shorten(call)
    path = "generated/prod/vllm/" + "x" * 150
    report, found = repo.compile({path: "x: 1\n"})
    assert (codes(found), report.done) == (["OUT016"], False)
    assert found[0].message == f"the system cannot read or write `{path}`"
    assert found[0].notes == ("the name is too long for this file system",)


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    found = recover(tmp_path / "nowhere", places=PLACES).diagnostics
    assert codes(found) == ["OUT016"]
    assert str(tmp_path) not in found[0].message


def test_a_huge_file_in_the_way_is_not_read(repo: Repo) -> None:
    (repo.root / A).parent.mkdir(parents=True)
    with (repo.root / A).open("wb") as file:
        file.truncate(2**40)
    _, found = repo.compile({A: "x: 1\n"})
    assert codes(found) == ["OUT003"]
