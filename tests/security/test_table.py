"""The table in README.md names tests that exist, and has a row for each promise."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def test_each_promise_has_tests_that_exist() -> None:
    rows = re.findall(r"^\| (\d+) \| .+? \| (.+) \|$", (HERE / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 17))
    lost = []
    for number, tests in rows:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
        assert named, number
        for file, name in named:
            path = ROOT / file if file.startswith("tests/") else HERE / file
            if not path.is_file() or f"def {name}(" not in path.read_text("utf-8"):
                lost.append(f"{file}::{name}")
    assert lost == []


def test_each_test_here_is_in_the_table() -> None:
    table = (HERE / "README.md").read_text("utf-8")
    alone = {"test_surroundings.py", "test_table.py", "test_files.py", "test_fuzz.py", "test_imports.py"}
    for path in sorted(HERE.glob("test_*.py")):
        names = re.findall(r"^def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE)
        missing = [name for name in names if f"{path.name}::{name}" not in table]
        assert path.name in alone or missing == [], path.name
