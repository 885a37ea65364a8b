"""What `make new-…` writes is sound, but for one test that says what comes next."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = ("compiler", "docs", "schemas", "scripts", "src", "targets", "tests", "pyproject.toml", "README.md")
NEXT = "next: write a project that is refused, mark its line, then make check() find it"
STEPS = {
    "style": [sys.executable, "-m", "ruff", "check"],
    "generated files": [sys.executable, "scripts/generate.py", "--check"],
    "layers": [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
}
"""Of `make check`."""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of what the scaffolds and the steps need."""
    for name in KEPT:
        source, place = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, place, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "bench"))
        else:
            shutil.copy(source, place)
    run(tmp_path, sys.executable, "scripts/generate.py")  # what is out of date here is for another test to say
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "LLMOPS_"))}
    return subprocess.run(
        command, cwd=folder, env={**environment, "PYTHONPATH": str(folder / "src")}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def failures(folder: Path, *tests: str) -> dict[str, str]:
    """Each test that failed, with what it said; all others passed."""
    done = run(folder, sys.executable, "-m", "pytest", "-q", "--junitxml=report.xml", *tests)
    assert (folder / "report.xml").exists(), done.stdout
    report = ElementTree.parse(folder / "report.xml")
    return {
        case.get("name", ""): "".join(problem.itertext())
        for case in report.iter("testcase") for problem in case if problem.tag in ("failure", "error")
    }  # fmt: skip


def sound(folder: Path, written: list[str]) -> None:
    for step, command in STEPS.items():
        done = run(folder, *command, *(written if step == "style" else ()))
        assert done.returncode == 0, f"{step}\n{done.stdout}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "tests", "failing", "says"),
    [
        (
            ("rule", "serving", "SRV999", "some-name"), ("tests/rules", "tests/compiler/diagnostics/test_codes.py"),
            f"test_case[serving/some_name: {NEXT}]",
            "('error', 'SRV999', 'conf/model/answerer.yaml', 2)",
        ),
        (
            ("rule", "manners", "MAN001", "polite"), ("tests/rules/test_cases.py",),
            f"test_case[manners/polite: {NEXT}]",
            "('error', 'MAN001', 'conf/model/answerer.yaml', 2)",
        ),
        (
            ("target", "some-tool"), ("tests/targets/test_cases.py", "-k", "some_tool"),
            "test_case[some_tool-first]", "Next: write here what the tool reads",
        ),
        (
            ("kind", "some_kind"), ("tests/compiler/validate",),
            "test_is_described[kinds/some_kind.json/properties/next]", "Next: replace this by the fields",
        ),
    ],
    ids=["rule", "rule-of-a-new-area", "target", "kind"],
)  # fmt: skip
def test_exactly_one_test_fails_and_says_what_is_next(
    repository: Path, words: tuple[str, ...], tests: tuple[str, ...], failing: str, says: str
) -> None:
    done = run(repository, sys.executable, "scripts/new.py", *words)
    assert done.returncode == 0, done.stdout
    written = re.findall(r"^wrote: (\S+\.py)$", done.stdout, flags=re.MULTILINE)
    sound(repository, written)
    found = failures(repository, *tests)
    assert list(found) == [failing]
    assert says in found[failing]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Start a rule, a target or a kind"),
        (("rule", "serving"), "Start a rule, a target or a kind"),
        (("rule", "serving", "SRV001", "other-name"), "error: SRV001 length-over-model exists"),
        (("rule", "serving", "SRV999", "length-over-model"), "error: SRV001 length-over-model exists"),
        (("rule", "serving", "srv999", "x"), "error: the code is three capital letters and three digits"),
        (("rule", "../serving", "SRV999", "x"), "error: the area is a folder of compiler/rules"),
        (("target", "litellm"), "targets/litellm/__init__.py"),
        (("target", "Some_Tool"), "error: the name is lower-case words joined by `-`"),
        (("kind", "model"), "error: schemas/kinds/model.json is there already"),
        (("kind", "some-kind"), "error: the name is lower-case words joined by `_`"),
    ],
)
def test_refuses(words: tuple[str, ...], says: str) -> None:
    done = run(ROOT, sys.executable, "scripts/new.py", *words)
    assert done.returncode == 2
    assert says in done.stdout
