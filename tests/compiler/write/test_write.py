"""Plan and apply together, on a real folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from llmops.compiler.write.refusals import check, drift, sources
from llmops.compiler.write.run import write_elsewhere
from tests.compiler.write.kit import PLACES, Repo, codes, emitted, snapshot

A, B = "generated/prod/vllm/a.yaml", "generated/dev/vllm/b.yaml"
FLOW = ".github/workflows/llmops-bot-ci.yml"


def test_first_compile_writes_the_files_and_a_sorted_lock(repo: Repo) -> None:
    report, found = repo.compile({FLOW: "on: push\n", A: "x: 1\n", B: "x: 2\n"})
    assert found == ()
    assert report.written == (FLOW, B, A)
    assert report.lock
    assert repo.files() == {FLOW: "on: push\n", A: "x: 1\n", B: "x: 2\n"}
    head, *rows = [json.loads(line) for line in repo.text("llmops.lock").splitlines()]
    assert head == {"schema": 1, "compiler": "0.1.0", "targets": {"github": "1", "vllm": "1"}}
    assert [(row["path"], row["target"], row["scope"], row["resources"]) for row in rows] == [
        (FLOW, "github", "project", ["model.answerer"]),
        (B, "vllm", "dev", ["model.answerer"]),
        (A, "vllm", "prod", ["model.answerer"]),
    ]
    assert repo.state() == {".gitignore", "write.lock"}


def test_nothing_changed_touches_nothing(repo: Repo) -> None:
    repo.compile({A: "x: 1\n", B: "x: 2\n"})
    for path in (A, B, "llmops.lock"):
        os.utime(repo.root / path, ns=(1, 1))
    report, found = repo.compile({A: "x: 1\n", B: "x: 2\n"})
    assert (report.written, report.kept, report.lock, found) == ((), 2, False, ())
    report, _ = repo.compile({A: "x: 1\n", B: "x: 3\n"})
    assert (report.written, report.kept) == ((B,), 1)
    assert (repo.root / A).stat().st_mtime_ns == 1


def test_a_new_compiler_version_rewrites_the_lock_alone(repo: Repo) -> None:
    repo.compile({A: "x: 1\n"})
    repo.version = "0.2.0"
    plan, _ = repo.plan({A: "x: 1\n"})
    assert check(plan).value
    report, _ = repo.compile({A: "x: 1\n"})
    assert (report.written, report.lock) == ((), True)
    assert '"compiler":"0.2.0"' in repo.text("llmops.lock")


def test_files_no_longer_produced_are_pruned_with_their_folders(repo: Repo) -> None:
    repo.compile({A: "x: 1\n", B: "x: 2\n"})
    report, found = repo.compile({A: "x: 1\n"})
    assert (report.pruned, found) == ((B,), ())
    assert list(repo.snapshot()) == ["generated", "generated/prod", "generated/prod/vllm", A, "llmops.lock"]
    assert list(repo.lock()) == [A]


def test_the_last_file_leaves_no_folder(repo: Repo) -> None:
    repo.compile({A: "x: 1\n", FLOW: "on: push\n"})
    repo.compile({})
    assert list(repo.snapshot()) == ["llmops.lock"]


def test_a_folder_with_a_users_file_stays(repo: Repo) -> None:
    repo.compile({A: "x: 1\n"})
    repo.write("generated/prod/vllm/notes.txt", "mine\n")
    repo.compile({})
    assert repo.files() == {"generated/prod/vllm/notes.txt": "mine\n"}


def test_an_edited_file_that_is_no_longer_produced_is_kept_and_reported_until_it_is_gone(repo: Repo) -> None:
    repo.compile({A: "x: 1\n", B: "x: 2\n"})
    repo.write(B, "x: mine\n")
    for _ in range(2):
        report, found = repo.compile({A: "x: 1\n"})
        assert (codes(found), report.done) == (["OUT004"], True)
        assert repo.text(B) == "x: mine\n"
    report, found = repo.compile({A: "x: 1\n"}, force=[B])
    assert (report.pruned, found) == ((B,), ())


def test_a_hand_edit_is_refused_and_nothing_is_written(repo: Repo) -> None:
    repo.compile({A: "args:\n  - --max-num-seqs=256\n", B: "x: 2\n"})
    repo.write(A, "args:\n  - --max-num-seqs=512\n")
    before = repo.snapshot()
    report, found = repo.compile(
        {A: "args:\n  - --max-num-seqs=256\n", B: "x: 3\n"},
        explain=lambda path, line: f"conf/deployment/answerer.yaml:{line}:15",
    )
    assert not report.done
    assert repo.snapshot() == before
    [problem] = found
    assert problem.message == f"{A} was changed by hand"
    assert problem.primary is not None
    assert (problem.primary.span.line, problem.primary.span.column, problem.primary.span.end_column) == (2, 20, 23)
    assert problem.primary.text == "compiled as 256, from conf/deployment/answerer.yaml:2:15"
    assert problem.help == (
        f"put 512 in the config and compile again, or discard the edit with `llmops compile --force {A}`",
    )
    assert problem.notes == ("nothing was written; 1 other artifacts would have changed",)
    plan, _ = repo.plan({A: "args:\n  - --max-num-seqs=256\n"})
    assert sources(plan)[A].line(2) == "  - --max-num-seqs=512"


def test_force_gives_one_edit_up(repo: Repo) -> None:
    repo.compile({A: "x: 1\n", B: "x: 2\n"})
    repo.write(A, "x: mine\n")
    repo.write(B, "x: mine\n")
    _, found = repo.compile({A: "x: 1\n", B: "x: 2\n"}, force=[A])
    assert [(p.code, p.message) for p in found] == [("OUT002", f"{B} was changed by hand")]
    report, found = repo.compile({A: "x: 1\n", B: "x: 2\n"}, force=[A, B])
    assert (report.written, found) == ((B, A), ())


def test_an_edit_that_says_what_the_config_now_says_is_no_edit(repo: Repo) -> None:
    repo.compile({A: "x: 1\n"})
    repo.write(A, "x: 2\n")
    report, found = repo.compile({A: "x: 2\n"})
    assert (report.written, report.lock, found) == ((), True, ())


@pytest.mark.parametrize("left", [b"", b"\0\0\0\0"])
def test_what_a_power_cut_leaves_is_no_edit(repo: Repo, left: bytes) -> None:
    repo.compile({A: "x: 1\n"})
    repo.write(A, left)
    report, found = repo.compile({A: "x: 2\n"})
    assert (report.written, found) == ((A,), ())


def test_a_deleted_file_comes_back(repo: Repo) -> None:
    repo.compile({A: "x: 1\n", B: "x: 2\n"})
    (repo.root / A).unlink()
    report, found = repo.compile({A: "x: 1\n", B: "x: 2\n"})
    assert (report.written, found) == ((A,), ())


def test_a_missing_lock_adopts_equal_files_and_refuses_others(repo: Repo) -> None:
    repo.compile({A: "x: 1\n", B: "x: 2\n"})
    (repo.root / "llmops.lock").unlink()
    report, found = repo.compile({A: "x: 1\n", B: "x: 2\n"})
    assert (report.written, report.kept, report.lock, found) == ((), 2, True, ())
    (repo.root / "llmops.lock").unlink()
    report, found = repo.compile({A: "x: 1\n", B: "x: 3\n"})
    assert (codes(found), report.done) == (["OUT003"], False)
    assert found[0].message == f"`{B}` was not written by llmops"
    report, found = repo.compile({A: "x: 1\n", B: "x: 3\n"}, force=[B])
    assert (report.written, found) == ((B,), ())


def test_scopes_that_are_not_compiled_are_left_alone(repo: Repo) -> None:
    repo.compile({A: "x: 1\n", B: "x: 2\n", FLOW: "on: push\n"})
    repo.write(B, "x: mine\n")
    report, found = repo.compile({A: "x: 9\n"}, scopes=["prod"])
    assert (report.written, report.pruned, found) == ((A,), (), ())
    assert repo.lock() == {FLOW: ("project",), B: ("dev",), A: ("prod",)}
    report, _ = repo.compile({}, scopes=["prod"])
    assert report.pruned == (A,)
    assert repo.lock() == {FLOW: ("project",), B: ("dev",)}


def test_an_environment_that_is_gone_is_pruned_by_a_full_run(repo: Repo) -> None:
    repo.compile({A: "x: 1\n", B: "x: 2\n"})
    report, _ = repo.compile({A: "x: 1\n"}, scopes=None)
    assert report.pruned == (B,)


def test_modes_do_not_depend_on_the_umask(repo: Repo) -> None:
    script = "generated/prod/vllm/run.sh"
    old = os.umask(0o077)
    try:
        repo.compile([emitted(script, "#!/bin/sh\n", executable=True), emitted(A, "x: 1\n")])
    finally:
        os.umask(old)
    modes = {path: oct((repo.root / path).stat().st_mode & 0o777) for path in (script, A, "llmops.lock")}
    assert modes == {script: "0o755", A: "0o644", "llmops.lock": "0o644"}
    (repo.root / script).chmod(0o644)
    plan, _ = repo.plan([emitted(script, "#!/bin/sh\n", executable=True), emitted(A, "x: 1\n")])
    assert [str(row) for row in drift(plan)] == [f"~ {script}:1   is not executable"]
    report, _ = repo.compile([emitted(script, "#!/bin/sh\n", executable=True), emitted(A, "x: 1\n")])
    assert report.written == (script,)
    assert (repo.root / script).stat().st_mode & 0o777 == 0o755


def test_a_group_writable_checkout_is_no_change(repo: Repo) -> None:
    repo.compile({A: "x: 1\n"})
    (repo.root / A).chmod(0o664)
    report, _ = repo.compile({A: "x: 1\n"})
    assert report.written == ()


def test_a_file_becomes_a_folder_and_back(repo: Repo) -> None:
    flat, deep = "generated/prod/vllm/a", "generated/prod/vllm/a/b.yaml"
    repo.compile({flat: "x: 1\n"})
    report, found = repo.compile({deep: "x: 2\n"})
    assert (report.written, report.pruned, found) == ((deep,), (flat,), ())
    assert repo.files() == {deep: "x: 2\n"}
    report, found = repo.compile({flat: "x: 3\n"})
    assert (report.written, report.pruned, found) == ((flat,), (deep,), ())
    assert repo.files() == {flat: "x: 3\n"}


def test_a_folder_with_a_users_file_does_not_become_a_file(repo: Repo) -> None:
    flat, deep = "generated/prod/vllm/a", "generated/prod/vllm/a/b.yaml"
    repo.compile({deep: "x: 1\n"})
    repo.write("generated/prod/vllm/a/notes.txt", "mine\n")
    before = repo.snapshot()
    report, found = repo.compile({flat: "x: 2\n"})
    assert (codes(found), report.done) == (["OUT009"], False)
    assert repo.snapshot() == before


def test_a_project_below_the_top_writes_below_itself_and_at_its_places(tmp_path: Path) -> None:
    (tmp_path / "apps/bot").mkdir(parents=True)
    repo = Repo(tmp_path, project="apps/bot")
    inner = "apps/bot/generated/prod/vllm/a.yaml"
    report, found = repo.compile({inner: "x: 1\n", FLOW: "on: push\n"})
    assert (report.written, found) == ((FLOW, inner), ())
    assert (tmp_path / "apps/bot/llmops.lock").is_file()
    assert not (tmp_path / ".llmops").exists()
    repo.compile({})
    assert list(repo.snapshot()) == ["apps", "apps/bot", "apps/bot/llmops.lock"]


def test_check_lists_the_first_line_of_each_difference(repo: Repo) -> None:
    missing = "generated/dev/vllm/new.yaml"
    repo.compile({A: "a: 1\nmax-model-len: 32768\n", B: "x: 2\n"})
    plan, _ = repo.plan({A: "a: 1\nmax-model-len: 16384\n", missing: "x: 1\n"}, writing=False)
    outcome = check(plan, lambda path, line: f"conf/env/prod.yaml:{line + 4}")
    assert not outcome.value
    assert [str(row) for row in drift(plan, lambda path, line: f"conf/env/prod.yaml:{line + 4}")] == [
        f"- {B}   no longer produced",
        f"+ {missing}   missing",
        f"~ {A}:2   committed 32768, configs give 16384 (conf/env/prod.yaml:6)",
        "~ llmops.lock   names other files",
    ]
    [problem] = outcome.diagnostics
    assert (problem.code, problem.message) == ("OUT001", "4 generated files do not match the configs")
    assert problem.labels[2].span.line == 2
    assert problem.labels[2].span.column == 16


def test_check_takes_a_hand_edit_for_drift(repo: Repo) -> None:
    repo.compile({A: "x: 1\n"})
    repo.write(A, "x: 2\n")
    plan, found = repo.plan({A: "x: 1\n"}, writing=False)
    assert found == ()
    [problem] = check(plan).diagnostics
    assert problem.message == f"`{A}` does not match the configs"
    assert problem.labels[0].text == "committed 2, configs give 1"


def test_out_writes_elsewhere_without_asking(repo: Repo, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    arguments = {"compiler": "1", "targets": {"vllm": "1"}, "places": PLACES}

    def write(files: dict[str, str]) -> list[str]:
        outcome = write_elsewhere([emitted(p, t) for p, t in files.items()], out, **arguments)  # type: ignore[arg-type]
        assert outcome.value.done
        return codes(outcome.diagnostics)

    assert write({A: "x: 1\n", B: "x: 2\n"}) == []
    (out / A).write_text("x: mine\n")
    (out / "llmops.lock").unlink()
    assert write({A: "x: 1\n"}) == []
    assert snapshot(out)[A] == "x: 1\n"
    assert repo.snapshot() == {}


def test_too_many_files(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.compile({A: "x: 1\n"})
    monkeypatch.setattr("llmops.compiler.write.plan.MAX_FILES", 1)
    before = repo.snapshot()
    report, found = repo.compile({A: "x: 1\n", B: "x: 2\n"})
    assert (codes(found), report.done) == (["OUT015"], False)
    assert repo.snapshot() == before
