"""Rows that are made before a training are those that an eval would leave, and never those that it tries."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler.derive.rows import dataset_rows
from llmops.compiler.derive.splits import part
from llmops.compiler.derive.training import script
from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.compiler.model.view import Reader
from llmops.schemas.types import DATASET

SHARES = {"train": 0.7, "test": 0.2, "held": 0.1}


def run(folder: Path, recipes: list[dict[str, Any]], status: int = 0) -> str:
    (folder / "rows.py").write_bytes(script())
    (folder / "recipes.json").write_text(json.dumps(recipes))
    done = subprocess.run(
        [sys.executable, "rows.py", "recipes.json"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done
    return done.stdout + done.stderr


def made(folder: Path, **recipe: Any) -> list[dict[str, Any]]:
    run(folder, [{"to": "out/rows.jsonl", "parts": [recipe]}])
    return [json.loads(line) for line in (folder / "out/rows.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv"])
def test_a_share_is_dealt_as_the_compiler_deals_it(ending: str, tmp_path: Path) -> None:
    rows = [{"question": f"Is {n} a number, or “{n * 7}”?", "answer": str(n)} for n in range(40)]
    texts = {
        "jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "json": json.dumps(rows),
        "csv": "question,answer\n" + "".join(f'"{row["question"]}",{row["answer"]}\n' for row in rows),
    }
    (tmp_path / f"rows.{ending}").write_text(texts[ending], encoding="utf-8")
    found = compile_project(
        Memory({
            "llmops.yaml": b"name: case\nenvironments: {dev: []}\n",
            "conf/config.yaml": b"defaults:\n  - dataset: [questions]\n  - env: dev\n",
            "conf/env/dev.yaml": b"env: {}\n",
            "conf/dataset/questions.yaml": (
                f"files: rows.{ending}\nsplits: {json.dumps(SHARES)}\ntrust: trusted\nsensitivity: public\n".encode()
            ),
            f"rows.{ending}": texts[ending].encode(),
        }),
        Request(),
    )  # fmt: skip
    assert found.workspace is not None
    dataset = Reader(found.workspace.projects["dev"]).get(DATASET, "questions")
    assert dataset is not None
    everything = list(dataset_rows(dataset))
    seen: list[dict[str, Any]] = []
    for split in SHARES:
        ours = [dict(row.vars) for row in part(dataset, everything, split) or []]
        theirs = made(tmp_path, files=[f"rows.{ending}"], splits=SHARES, split=split)
        assert theirs == ours
        seen += theirs
    assert sorted(map(str, seen)) == sorted(str(row) for row in rows)


def test_columns_rows_and_limits(tmp_path: Path) -> None:
    rows = [{"q": n, "note": "x"} for n in range(6)]
    assert made(tmp_path, rows=rows, columns={"prompt": "q"}, first=4, max_rows=2) == [
        {"note": "x", "prompt": 0}, {"note": "x", "prompt": 1},
    ]  # fmt: skip


def test_weights_keep_the_proportion_and_take_no_row_twice(tmp_path: Path) -> None:
    parts = [{"rows": [{"a": n} for n in range(9)], "weight": 3}, {"rows": [{"b": n} for n in range(9)], "weight": 1}]
    run(tmp_path, [{"to": "rows.jsonl", "parts": parts}])
    found = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert found == [{"a": n} for n in range(9)] + [{"b": n} for n in range(3)]


def test_nothing_and_broken_rows_end_it(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"a":\n')
    assert "rows.jsonl:2 is no JSON" in run(tmp_path, [{"to": "out", "parts": [{"files": ["rows.jsonl"]}]}], 1)
    assert "would hold no row" in run(tmp_path, [{"to": "out", "parts": [{"rows": []}]}], 1)
