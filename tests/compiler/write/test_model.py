"""Any sequence of compiles, edits, deletions and crashes does what a model of a few lines says."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from llmops.compiler.write.apply import recover
from tests.compiler.write.kit import PLACES, STATE_FILES, Repo, codes

PATHS = [f"generated/{env}/{name}" for env in ("dev", "prod") for name in ("a", "b/c", "b/d")]
TEXTS = ["", "0\n", "1\n", "2\n"]
FILES = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(TEXTS))
FORCE = st.sets(st.sampled_from(PATHS), max_size=2)
SCOPES = st.sampled_from([None, None, ("dev",), ("prod",)])

Texts = dict[str, str]


def expected(
    disk: Texts, lock: Texts, files: Texts, scopes: tuple[str, ...] | None, force: set[str]
) -> tuple[Texts, Texts, set[str]]:
    """The files and the lock after a compile, and the codes that it reports."""

    def ours(path: str) -> bool:
        return path in force or (path in lock and disk[path] in (lock[path], ""))

    refused = {p for p, text in files.items() if p in disk and disk[p] != text and not ours(p)}
    gone = {p for p in lock if p not in files and (scopes is None or p.split("/")[1] in scopes)}
    orphans = {p for p in gone if p in disk and not ours(p)}
    said = {"OUT004"} if orphans else set()
    if refused:
        return disk, lock, said | {"OUT002" if p in lock else "OUT003" for p in refused}
    pruned = gone - orphans
    return (
        {p: t for p, t in disk.items() if p not in pruned} | files,
        {p: t for p, t in lock.items() if p not in pruned} | files,
        said,
    )


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # syncs cost nothing there
        self.root = Path(tempfile.mkdtemp(prefix="llmops-", dir=memory))
        self.repo = Repo(self.root)
        self.disk: Texts = {}
        self.lock: Texts = {}

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    def _cut(self, files: Texts, scopes: tuple[str, ...] | None) -> Texts:
        return {p: t for p, t in files.items() if scopes is None or p.split("/")[1] in scopes}

    @rule(files=FILES, scopes=SCOPES, force=FORCE)
    def compile(self, files: Texts, scopes: tuple[str, ...] | None, force: set[str]) -> None:
        files = self._cut(files, scopes)
        disk, lock, said = expected(self.disk, self.lock, files, scopes, force)
        report, found = self.repo.compile(files, scopes=scopes, force=force)
        assert set(codes(found)) == said
        assert report.done == (not said & {"OUT002", "OUT003"})
        self.disk, self.lock = disk, lock

    @rule(files=FILES, scopes=SCOPES, step=st.integers(0, 30))
    def crash(self, files: Texts, scopes: tuple[str, ...] | None, step: int) -> None:
        files = self._cut(files, scopes)
        disk, lock, _ = expected(self.disk, self.lock, files, scopes, set())
        left = [step]

        def hook(name: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        pid = os.fork()
        if pid == 0:
            try:
                self.repo.compile(files, scopes=scopes, step=hook)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        assert recover(self.root, places=PLACES).diagnostics == ()
        assert self.repo.files() in (self.disk, disk)
        if set(self.repo.lock()) != set(self.lock) or self.repo.files() != self.disk:
            self.disk, self.lock = disk, lock
        elif disk == self.disk and set(lock) == set(self.lock):  # only digests in the lock tell
            digests = {line.split('"')[7] for line in self.repo.text("llmops.lock").splitlines()[1:]} if lock else set()
            if digests == {hashlib.sha256(text.encode()).hexdigest() for text in lock.values()}:
                self.lock = lock

    @rule(path=st.sampled_from(PATHS), text=st.sampled_from(TEXTS))
    def edit(self, path: str, text: str) -> None:
        self.repo.write(path, text)
        self.disk = self.disk | {path: text}

    @rule(path=st.sampled_from(PATHS))
    def delete(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)
        self.disk = {p: t for p, t in self.disk.items() if p != path}

    @rule()
    def lose_the_lock(self) -> None:
        (self.root / "llmops.lock").unlink(missing_ok=True)
        self.lock = {}

    @invariant()
    def the_disk_is_as_expected(self) -> None:
        assert self.repo.files() == self.disk
        assert set(self.repo.lock()) == set(self.lock)
        assert self.repo.state() <= STATE_FILES


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=100, stateful_step_count=15, deadline=None)
