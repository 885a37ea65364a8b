"""Two writers at once: one after the other, or one says why not."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from llmops.compiler.write.apply import apply
from tests.compiler.write.kit import STATE_FILES, Repo, codes

ONE = {f"generated/prod/vllm/{n}.yaml": f"one: {n}\n" for n in range(40)}
TWO = {f"generated/prod/vllm/{n}.yaml": f"two: {n}\n" for n in range(20, 60)}


def test_two_processes_at_once_leave_the_files_of_one(repo: Repo, tmp_path: Path) -> None:
    states = []
    for n, files in enumerate((ONE, TWO)):
        model = Repo(tmp_path / f"model{n}")
        model.root.mkdir()
        model.compile(files)
        states.append(model.snapshot())
    said: set[tuple[str, ...]] = set()
    for _ in range(15):
        children = []
        for files in (ONE, TWO):
            read, write = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    plan, found = repo.try_plan(files)
                    found += apply(plan, repo.root).diagnostics if plan else ()
                    os.write(write, " ".join(codes(found)).encode())
                finally:
                    os._exit(0)
            os.close(write)
            children.append((pid, read))
        for pid, read in children:
            os.waitpid(pid, 0)
            said.add(tuple(os.read(read, 1000).decode().split()))
            os.close(read)
        assert repo.snapshot() in states
        assert repo.state() <= STATE_FILES
    assert said <= {(), ("OUT011",), ("OUT012",)}, said


def test_a_held_lock_is_said_after_a_short_wait(repo: Repo) -> None:
    repo.compile(ONE)
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        repo.compile(TWO, step=lambda name: (os.write(told, b"x"), time.sleep(60)) if name == "commit" else None)
        os._exit(0)
    try:
        os.read(ready, 1)
        start = time.monotonic()
        plan, _ = repo.plan(TWO, writing=False)
        outcome = apply(plan, repo.root, wait=0.3)
        assert 0.2 < time.monotonic() - start < 5
        [problem] = outcome.diagnostics
        assert (problem.code, problem.notes) == ("OUT011", (f"process {pid} holds the lock",))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    report, found = repo.compile(TWO)  # the system has freed the lock of the dead holder
    assert (report.done, found) == (True, ())
    assert repo.state() <= STATE_FILES


def test_the_same_compile_twice_is_no_conflict(repo: Repo) -> None:
    repo.compile(ONE)
    first, _ = repo.plan(TWO)
    second, _ = repo.plan(TWO)
    assert apply(first, repo.root).diagnostics == ()
    assert apply(second, repo.root).diagnostics == ()


def test_an_edit_between_plan_and_apply_is_not_lost(repo: Repo) -> None:
    repo.compile(ONE)
    plan, _ = repo.plan(TWO)
    path = "generated/prod/vllm/30.yaml"
    repo.write(path, "mine\n")
    before = repo.snapshot()
    [problem] = apply(plan, repo.root).diagnostics
    assert (problem.code, problem.message) == ("OUT012", f"`{path}` changed while this run was working")
    assert repo.snapshot() == before
