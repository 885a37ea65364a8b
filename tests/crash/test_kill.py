"""A writer is killed, at every step and at random moments: the next run leaves old or new, and nothing else."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops.compiler.write.apply import recover
from tests.compiler.write.kit import PLACES, STATE_FILES, Repo, codes, snapshot

FLOW = ".github/workflows/llmops-bot-ci.yml"
OLD = {
    "generated/prod/vllm/same.yaml": "x: 1\n",
    "generated/prod/vllm/changed.yaml": "x: 1\n",
    "generated/prod/vllm/flat": "x: 1\n",
    "generated/dev/vllm/deep/gone.yaml": "x: 1\n",
    "generated/dev/vllm/deep/other.yaml": "x: 1\n",
}
NEW = {
    "generated/prod/vllm/same.yaml": "x: 1\n",
    "generated/prod/vllm/changed.yaml": "x: 2\n",
    "generated/prod/vllm/flat/inner.yaml": "x: 2\n",
    "generated/dev/vllm/deep": "x: 2\n",
    "generated/staging/vllm/deeper/new.yaml": "x: 2\n",
    FLOW: "on: push\n",
}


class _StopError(Exception):
    pass


def _child(work: Callable[[], object]) -> int:
    """Run in a child process; returns its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


def _die_at(step: int) -> Callable[[str], None]:
    left = [step]

    def hook(name: str) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    return hook


def _states(tmp_path: Path) -> tuple[dict[str, str], dict[str, str]]:
    repo = Repo(tmp_path / "model")
    repo.root.mkdir()
    repo.compile(OLD)
    old = repo.snapshot()
    _, found = repo.compile(NEW)
    assert found == ()
    return old, repo.snapshot()


def _steps() -> list[str]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        repo, names = Repo(Path(folder)), list[str]()
        repo.compile(OLD)
        repo.compile(NEW, step=names.append)
        return names


STEPS = _steps()
COMMIT = STEPS.index("commit")


@pytest.mark.parametrize("step", range(len(STEPS)), ids=[f"{n}-{name.split('/')[-1]}" for n, name in enumerate(STEPS)])
def test_killed_at_every_step(tmp_path: Path, step: int) -> None:
    old, new = _states(tmp_path)
    repo = Repo(tmp_path / "repo")
    repo.root.mkdir()
    repo.compile(OLD)
    status = _child(lambda: repo.compile(NEW, step=_die_at(step)))
    assert os.WTERMSIG(status) == signal.SIGKILL
    outcome = recover(repo.root, places=PLACES)
    assert outcome.diagnostics == ()
    assert repo.snapshot() == (new if step > COMMIT else old)
    assert repo.state() <= STATE_FILES
    report, found = repo.compile(NEW)
    assert (report.done, found) == (True, ())
    assert repo.snapshot() == new


@pytest.mark.parametrize("step", range(COMMIT - 1, len(STEPS), 2))
def test_the_recovery_is_killed_too(tmp_path: Path, step: int) -> None:
    old, new = _states(tmp_path)
    repo = Repo(tmp_path / "repo")
    repo.root.mkdir()
    repo.compile(OLD)
    _child(lambda: repo.compile(NEW, step=_die_at(step)))
    again = 0
    while _child(lambda at=again: recover(repo.root, places=PLACES, step=_die_at(at))):  # type: ignore[misc]
        again += 1
    assert repo.snapshot() == (new if step > COMMIT else old)
    assert repo.state() <= STATE_FILES


def test_killed_200_times_at_random_moments(tmp_path: Path) -> None:
    """The same repository, killed again and again while it goes back and forth between two outputs."""
    many = {
        side: {f"generated/{env}/vllm/{side if n % 5 == 0 else 'd'}{n % 7}/{n}.yaml": f"{side}: {n}\n" * 50
               for n in range(60) for env in ("dev", "prod")}
        for side in ("old", "new")
    }  # fmt: skip
    states = {}
    for side, files in many.items():
        model = Repo(tmp_path / side)
        model.root.mkdir()
        model.compile(files)
        states[side] = model.snapshot()
    repo = Repo(tmp_path / "repo")
    repo.root.mkdir()
    repo.compile(many["old"])
    start = time.perf_counter()
    repo.compile(many["new"])
    length = time.perf_counter() - start
    chance = random.Random(20)
    here, ends = "new", {"old": 0, "new": 0, "whole": 0}
    for _ in range(200):
        other = "old" if here == "new" else "new"
        pid = os.fork()
        if pid == 0:
            try:
                repo.compile(many[other])
            finally:
                os._exit(0)
        time.sleep(chance.random() * length * 1.1)
        os.kill(pid, signal.SIGKILL)
        whole = os.waitpid(pid, 0)[1] == 0
        assert recover(repo.root, places=PLACES).diagnostics == ()
        after = repo.snapshot()
        assert after in (states[here], states[other])
        assert repo.state() <= STATE_FILES
        ends["whole" if whole else "new" if after == states[other] else "old"] += 1
        here = other if after == states[other] else here
    assert ends["old"] > 10, ends


def test_an_interrupt_before_the_commit_leaves_old_and_after_it_new(tmp_path: Path) -> None:
    old, new = _states(tmp_path)
    for step in range(len(STEPS)):
        repo = Repo(tmp_path / f"repo{step}")
        repo.root.mkdir()
        repo.compile(OLD)
        left = [step]

        def hook(name: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            repo.compile(NEW, step=hook)
        assert repo.snapshot() == (new if step > COMMIT else old), STEPS[step]
        assert repo.state() <= STATE_FILES


def test_a_dry_run_after_a_crash_takes_nothing_for_an_edit_and_touches_nothing(tmp_path: Path) -> None:
    for step in range(len(STEPS)):
        repo = Repo(tmp_path / str(step))
        repo.root.mkdir()
        repo.compile(OLD)
        _child(lambda repo=repo, step=step: repo.compile(NEW, step=_die_at(step)))  # type: ignore[misc]
        before, state = repo.snapshot(), repo.state()
        plan, found = repo.plan(dict.fromkeys(NEW, "x: 3\n"), writing=False)
        assert (plan.refuse, plan.orphans, found) == ((), (), ()), STEPS[step]
        assert (repo.snapshot(), repo.state()) == (before, state)


def test_what_changed_after_the_crash_is_not_overwritten(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    repo.compile(OLD)
    _child(lambda: repo.compile(NEW, step=_die_at(COMMIT + 1)))
    repo.write("generated/prod/vllm/changed.yaml", "x: mine\n")
    recover(repo.root, places=PLACES)
    assert repo.text("generated/prod/vllm/changed.yaml") == "x: mine\n"
    _, found = repo.compile(NEW)
    assert codes(found) == ["OUT002"]


def test_a_power_cut_that_damages_the_stage_is_repaired_by_the_next_compile(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    repo.compile(OLD)
    _child(lambda: repo.compile(NEW, step=_die_at(COMMIT + 1)))
    for path in (repo.root / ".llmops/stage").iterdir():
        if path.name.isdigit() and b"x: 2" in path.read_bytes() and b"sha256" not in path.read_bytes():
            path.write_bytes(b"\0" * path.stat().st_size)
    assert codes(recover(repo.root, places=PLACES).diagnostics) == ["OUT018"]
    assert repo.state() <= STATE_FILES
    report, found = repo.compile(NEW)
    assert (report.done, found) == (True, ())
    assert repo.files() == NEW
    assert snapshot(tmp_path)["llmops.lock"].count("\n") == len(NEW) + 1


@pytest.mark.parametrize("path", [".git/hooks/post-checkout", "../outside", "src/main.py", ".llmops/x"])
def test_a_journal_in_a_hostile_repository_writes_nowhere_else(tmp_path: Path, path: str) -> None:
    from llmops.compiler.write.journal import Journal, Move, digest, format_journal

    repo = Repo(tmp_path / "repo")
    (repo.root / ".llmops/stage").mkdir(parents=True)
    (repo.root / ".git/hooks").mkdir(parents=True)
    text = b"#!/bin/sh\n"
    repo.write(".llmops/stage/0", text)
    repo.write(".llmops/stage/1", b"")
    moves = (Move(0, path, None, digest(text) or ""), Move(1, "llmops.lock", None, digest(b"") or ""))
    repo.write(".llmops/journal", format_journal(Journal((), moves)))
    before = snapshot(tmp_path)
    assert codes(recover(repo.root, places=PLACES).diagnostics) == ["OUT018"]
    assert snapshot(tmp_path) == before
    assert repo.state() <= STATE_FILES
