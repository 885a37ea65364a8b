"""llmops.lock: tolerant to read, the same bytes for the same content, and mended after a merge."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.compiler.model.artifact import LockEntry
from llmops.compiler.write.lock import format_lock, parse_lock
from tests.compiler.write.kit import Repo, codes

A, B, C = (f"generated/prod/vllm/{name}.yaml" for name in "abc")
ENTRIES = st.builds(
    LockEntry,
    path=st.from_regex(r"generated/[a-zé]{1,4}/[a-z ]{1,6}", fullmatch=True),
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    target=st.text(max_size=5),
    scope=st.text(max_size=5),
    resources=st.lists(st.text(max_size=5), max_size=3).map(tuple),
)


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.path), st.dictionaries(st.text(max_size=3), st.text(max_size=3)))
def test_reading_gives_what_was_written(entries: list[LockEntry], targets: dict[str, str]) -> None:
    data = format_lock("1.0", targets, entries)
    outcome = parse_lock(data)
    assert outcome.diagnostics == ()
    assert outcome.value.compiler == "1.0"
    assert outcome.value.targets == targets
    assert outcome.value.entries == {entry.path: (entry,) for entry in entries}
    assert not outcome.value.conflicted
    random.Random(1).shuffle(entries)
    assert format_lock("1.0", dict(reversed(targets.items())), entries) == data


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    parse_lock(data)


def test_corrupt_lines_are_reported_and_taken_for_unknown() -> None:
    good = format_lock("1", {}, [LockEntry(A, "0" * 64, "vllm", "prod", ())])
    bad = (
        b'{"path": "x"\n[1]\n{"path":"../../etc/passwd","sha256":"' + b"0" * 64
        + b'","target":"t","scope":"s","resources":[]}\n' + b"[" * 100_000 + b"\n\xff\n"
    )  # fmt: skip
    outcome = parse_lock(good + bad, "app/llmops.lock")
    assert list(outcome.value.entries) == [A]
    assert codes(outcome.diagnostics) == ["OUT010"] * 5
    assert [p.primary.span.line for p in outcome.diagnostics if p.primary] == [3, 4, 5, 6, 7]
    assert outcome.diagnostics[0].message == "line 3 of `app/llmops.lock` cannot be read"


def test_many_corrupt_lines_are_counted() -> None:
    outcome = parse_lock(b"nonsense\n" * 12)
    assert len(outcome.diagnostics) == 5
    assert outcome.diagnostics[-1].notes == ("7 more lines cannot be read",)


def _git(folder: Path, *arguments: str, check: bool = True) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout


def _merged(repo: Repo, style: str) -> None:
    """Two branches that change A and each add a file; left as git leaves it."""
    _git(repo.root, "init", "-q")
    repo.compile({A: "x: 1\ny: 1\n", C: "x: 1\n"})
    _git(repo.root, "add", "-A")
    _git(repo.root, "commit", "-qm", "base")
    _git(repo.root, "checkout", "-qb", "other")
    repo.compile({A: "x: 3\ny: 1\n", B: "x: 3\n", C: "x: 1\n"})
    _git(repo.root, "add", "-A")
    _git(repo.root, "commit", "-qm", "other")
    _git(repo.root, "checkout", "-q", "main")
    repo.compile({A: "x: 2\ny: 1\n", C: "x: 2\n"})
    _git(repo.root, "add", "-A")
    _git(repo.root, "commit", "-qm", "main")
    _git(repo.root, "-c", f"merge.conflictStyle={style}", "merge", "other", check=False)


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_a_conflicted_lock_is_mended_by_the_next_compile(repo: Repo, style: str) -> None:
    _merged(repo, style)
    assert "<<<<<<<" in repo.text("llmops.lock")
    assert "<<<<<<<" in repo.text(A)
    wanted = {A: "x: 4\ny: 1\n", B: "x: 3\n", C: "x: 2\n"}
    report, found = repo.compile(wanted)
    assert (found, report.done) == ((), True)
    assert repo.files() == wanted | {p: t for p, t in repo.files().items() if p.startswith(".git/")}
    assert parse_lock((repo.root / "llmops.lock").read_bytes()).value.conflicted is False
    report, found = repo.compile(wanted)
    assert (report.written, report.lock, found) == ((), False, ())


@pytest.mark.parametrize("side", ["--ours", "--theirs"])
def test_either_side_of_a_merge_is_no_hand_edit(repo: Repo, side: str) -> None:
    _merged(repo, "merge")
    _git(repo.root, "checkout", side, A)
    _, found = repo.compile({A: "x: 4\ny: 1\n", B: "x: 3\n", C: "x: 2\n"})
    assert found == ()


def test_an_edit_during_a_merge_is_still_an_edit(repo: Repo) -> None:
    _merged(repo, "merge")
    repo.write(A, repo.text(A).replace("y: 1", "y: mine"))
    _, found = repo.compile({A: "x: 4\ny: 1\n", B: "x: 3\n", C: "x: 2\n"})
    assert codes(found) == ["OUT002"]


def test_a_merge_in_another_scope_keeps_the_side_that_is_on_disk(repo: Repo) -> None:
    dev = "generated/dev/vllm/d.yaml"
    repo.compile({A: "x: 1\n", dev: "x: 1\n"})
    first = repo.text("llmops.lock")
    repo.compile({A: "x: 1\n", dev: "x: 2\n"})
    second = repo.text("llmops.lock")
    mine, theirs = first.splitlines()[1], second.splitlines()[1]
    head, prod = first.splitlines()[0], first.splitlines()[2]
    repo.write("llmops.lock", f"{head}\n<<<<<<< HEAD\n{mine}\n=======\n{theirs}\n>>>>>>> other\n{prod}\n")
    _, found = repo.compile({A: "x: 1\n"}, scopes=["prod"])
    assert found == ()
    assert repo.text("llmops.lock") == second


def test_a_union_merge_holds_both_sides(repo: Repo) -> None:
    repo.compile({A: "x: 1\n"})
    first = repo.text("llmops.lock")
    repo.compile({A: "x: 2\n"})
    repo.write("llmops.lock", repo.text("llmops.lock") + first)
    repo.write(A, "x: 1\n")
    report, found = repo.compile({A: "x: 3\n"})
    assert (report.written, found) == ((A,), ())


@pytest.mark.parametrize("path", ["README.md", "src/a.py", ".github/workflows/deploy.yml", ".git/config", ".llmops/x"])
def test_a_lock_gives_no_right_to_files_elsewhere(repo: Repo, path: str) -> None:
    """A hostile lock that names a file with its right digest does not get it pruned or overwritten."""
    import hashlib

    repo.write(path, "precious\n")
    entry = LockEntry(path, hashlib.sha256(b"precious\n").hexdigest(), "vllm", "prod", ())
    repo.write("llmops.lock", format_lock("1", {}, [entry]))
    report, found = repo.compile({A: "x: 1\n"})
    assert codes(found) == ["OUT010"]
    assert (report.pruned, report.written) == ((), (A,))
    assert repo.text(path) == "precious\n"
