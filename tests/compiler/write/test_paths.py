"""Paths that are refused before anything is written."""

from __future__ import annotations

import pytest

from llmops.compiler.write.paths import allowed, unportable
from tests.compiler.write.kit import Repo, codes, emitted

GOOD = "generated/prod/vllm/a.yaml"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("src/a.yaml", "OUT006"),
        ("generated", "OUT006"),
        ("generated/../a.yaml", "OUT006"),
        ("/etc/passwd", "OUT006"),
        ("generated//a", "OUT006"),
        ("generated/./a", "OUT006"),
        ("generated/a/", "OUT006"),
        ("", "OUT006"),
        ("generated/\0", "OUT006"),
        ("generated/\ud800", "OUT006"),
        ("generated/.git/hooks/x", "OUT006"),
        ("generated/.GIT/x", "OUT006"),
        ("generated/prod/.llmops/x", "OUT006"),
        (".github/workflows/deploy.yml", "OUT006"),
        (".github/workflows/llmops-bot-", "OUT006"),
        (".github/workflows/llmops-bot-x/y.yml", "OUT006"),
        ("generated/prod/vllm/aux.yaml", "OUT007"),
        ("generated/prod/COM1/x", "OUT007"),
        ("generated/prod/lpt¹.txt", "OUT007"),
        ("generated/prod/x.", "OUT007"),
        ("generated/prod/x /y", "OUT007"),
        ("generated/prod/a:b", "OUT007"),
        ("generated/prod/a\\b", "OUT007"),
        ("generated/prod/a\nb", "OUT007"),
        ("generated/prod/a\u202eb", "OUT007"),
        ("generated/prod/" + "x" * 256, "OUT007"),
        ("generated/" + "x/" * 600 + "y", "OUT007"),
    ],
)
def test_a_bad_path_is_refused_and_nothing_is_written(repo: Repo, path: str, code: str) -> None:
    target = emitted(".github/x" if path.startswith(".github") else GOOD, "")
    artifact = type(target)(path, target.target, "prod", b"x: 1\n", ())
    report, found = repo.compile([artifact, emitted(GOOD, "x: 1\n")])
    assert (codes(found), report.done) == ([code], False)
    assert repo.snapshot() == {}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("generated/prod/a.yaml", "generated/prod/A.yaml"),
        ("generated/prod/a.yaml", "generated/Prod/b.yaml"),
        ("generated/prod/é.yaml", "generated/prod/e\u0301.yaml"),
        ("generated/prod/straße", "generated/prod/STRASSE"),
        ("generated/prod/a", "generated/prod/a/b"),
        ("generated/prod/a", "generated/prod/A/b"),
    ],
)
def test_two_paths_that_are_one_somewhere(repo: Repo, first: str, second: str) -> None:
    for files in ({first: "1\n", second: "2\n"}, {second: "2\n", first: "1\n"}):
        report, found = repo.compile(files)
        assert (codes(found), report.done) == (["OUT005"], False)
        assert repo.snapshot() == {}


def test_a_collision_with_an_environment_that_is_not_compiled(repo: Repo) -> None:
    repo.compile({"generated/dev/a.yaml": "1\n"})
    _, found = repo.compile({"generated/Dev/a.yaml": "1\n"}, scopes=["Dev"])
    assert codes(found) == ["OUT005"]


def test_one_path_from_two_targets(repo: Repo) -> None:
    report, found = repo.compile([emitted(GOOD, "1\n"), emitted(GOOD, "2\n")])
    assert (codes(found), report.done) == (["OUT005"], False)
    assert found[0].message == f"`{GOOD}` is made more than once"


def test_places() -> None:
    assert allowed(".github/workflows/llmops-bot-ci.yml", ".", [".github/workflows/llmops-bot-*"])
    assert allowed("CODEOWNERS", ".", ["CODEOWNERS"])
    assert allowed("docs/llm/a.md", ".", ["docs/llm"])
    assert not allowed("docs/llm-private/a.md", ".", ["docs/llm"])
    assert not allowed("generated/a", "apps/bot", [])
    assert allowed("apps/bot/generated/a", "apps/bot", [])
    assert not allowed("x", ".", ["", "/"])


def test_usual_paths_are_portable() -> None:
    assert unportable("generated/prod/vllm/answerer.v1-2_x.yaml") is None
    assert unportable(".github/workflows/llmops-bot-ci.yml") is None
