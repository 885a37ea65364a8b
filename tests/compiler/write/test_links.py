"""Links are never followed, whether they stand before the run or appear during it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from llmops.compiler.write.apply import apply, read_lock, recover
from llmops.compiler.write.refusals import check
from tests.compiler.write.kit import PLACES, Repo, codes, snapshot

A, B = "generated/prod/vllm/a.yaml", "generated/prod/vllm/b.yaml"
FLOW = ".github/workflows/llmops-bot-ci.yml"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "prod/vllm").mkdir(parents=True)
    (folder / "a.yaml").write_text("precious\n")
    return folder


@pytest.mark.parametrize("link", ["generated", "generated/prod", "generated/prod/vllm"])
def test_a_folder_that_is_a_link(repo: Repo, outside: Path, link: str) -> None:
    before = snapshot(outside)
    (repo.root / link).parent.mkdir(parents=True, exist_ok=True)
    (repo.root / link).symlink_to(outside)
    report, found = repo.compile({A: "x: 1\n"})
    assert (codes(found), report.done) == (["OUT008"], False)
    assert found[0].message == f"`{link}` is a link, and nothing is written through a link"
    plan, _ = repo.plan({A: "x: 1\n"}, writing=False)
    assert not check(plan).value
    assert snapshot(outside) == before


@pytest.mark.parametrize("there", [True, False])
def test_an_artifact_that_is_a_link(repo: Repo, outside: Path, there: bool) -> None:
    (repo.root / A).parent.mkdir(parents=True)
    (repo.root / A).symlink_to(outside / ("a.yaml" if there else "new.yaml"))
    before = snapshot(outside)
    _, found = repo.compile({A: "x: 1\n"}, force=[A])
    assert codes(found) == ["OUT008"]
    assert snapshot(outside) == before


def test_an_old_artifact_that_is_a_link_now_is_not_pruned(repo: Repo, outside: Path) -> None:
    repo.compile({A: "x: 1\n", B: "x: 1\n"})
    shutil.rmtree(repo.root / "generated")
    (repo.root / "generated").symlink_to(outside)
    (outside / "prod/vllm/a.yaml").write_text("x: 1\n")
    before = snapshot(outside)
    report, found = repo.compile({})
    assert codes(found) == ["OUT004", "OUT004"]
    assert snapshot(outside) == before
    assert report.pruned == ()


@pytest.mark.parametrize("name", [".llmops", ".llmops/stage", ".llmops/journal", ".llmops/write.lock", "llmops.lock"])
def test_the_state_behind_a_link(repo: Repo, outside: Path, name: str) -> None:
    (repo.root / name).parent.mkdir(exist_ok=True)
    (repo.root / name).symlink_to(outside / "a.yaml" if name.endswith((".lock", "journal")) else outside)
    before = snapshot(outside)
    found = [*recover(repo.root, places=PLACES).diagnostics, *read_lock(repo.root).diagnostics]
    if not found:
        _, problems = repo.compile({A: "x: 1\n"})
        found = list(problems)
    assert set(codes(found)) == {"OUT008"}
    assert snapshot(outside) == before
    assert not (repo.root / A).exists()


def test_a_lock_file_that_links_to_another_file_does_not_truncate_it(repo: Repo, outside: Path) -> None:
    (repo.root / ".llmops").mkdir()
    (repo.root / ".llmops/write.lock").symlink_to(outside / "a.yaml")
    repo.compile({A: "x: 1\n"})
    assert (outside / "a.yaml").read_text() == "precious\n"


def test_a_hard_link_is_replaced_and_not_written_through(repo: Repo, outside: Path) -> None:
    repo.compile({A: "x: 1\n"})
    (repo.root / A).unlink()
    (outside / "b.yaml").write_text("x: 1\n")
    os.link(outside / "b.yaml", repo.root / A)
    repo.compile({A: "x: 2\n"})
    assert (outside / "b.yaml").read_text() == "x: 1\n"
    assert repo.text(A) == "x: 2\n"


@pytest.mark.parametrize("folder", ["generated", "generated/prod", "generated/prod/vllm", ".github/workflows"])
def test_a_folder_swapped_for_a_link_at_any_step_lets_nothing_out(tmp_path: Path, outside: Path, folder: str) -> None:
    old, new = {A: "x: 1\n", B: "x: 1\n", FLOW: "x: 1\n"}, {A: "x: 2\n", "generated/new/c": "x: 2\n", FLOW: "x: 2\n"}
    steps: list[str] = []
    model = Repo(tmp_path / "model")
    model.root.mkdir()
    model.compile(old)
    model.compile(new, step=steps.append)
    before = snapshot(outside)
    for at in range(len(steps)):
        repo = Repo(tmp_path / f"repo{at}")
        repo.root.mkdir()
        repo.compile(old)
        left = [at]

        def hook(name: str, left: list[int] = left, repo: Repo = repo) -> None:
            left[0] -= 1
            if left[0] == -1 and (repo.root / folder).is_dir():
                (repo.root / folder).rename(repo.root / "moved")
                (repo.root / folder).symlink_to(outside)

        repo.compile(new, step=hook)
        assert snapshot(outside) == before, steps[at]


def test_a_link_between_plan_and_apply(repo: Repo, outside: Path) -> None:
    repo.compile({A: "x: 1\n"})
    plan, _ = repo.plan({A: "x: 2\n"})
    (repo.root / "generated/prod").rename(repo.root / "moved")
    (repo.root / "generated/prod").symlink_to(outside)
    before = snapshot(outside)
    outcome = apply(plan, repo.root)
    assert codes(outcome.diagnostics) == ["OUT008"]
    assert snapshot(outside) == before


def test_special_files_are_refused_and_do_not_block(repo: Repo) -> None:
    (repo.root / A).parent.mkdir(parents=True)
    os.mkfifo(repo.root / A)
    _, found = repo.compile({A: "x: 1\n"}, force=[A])
    assert codes(found) == ["OUT009"]
    assert found[0].message == f"`{A}` is not a plain file"


def test_a_file_where_a_folder_belongs(repo: Repo) -> None:
    repo.write("generated/prod", "mine\n")
    _, found = repo.compile({A: "x: 1\n"})
    assert [(p.code, p.message) for p in found] == [("OUT009", "`generated/prod` is not a folder")]
    assert repo.text("generated/prod") == "mine\n"
