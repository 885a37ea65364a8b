"""The validator of Croissant reads every description of the case, and the rows that they tell of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.targets.croissant import reader
from tests.targets.test_cases import HERE, compile_case, project_files
from tests.tools.toolbox import require_tool, run_tool, tool_python

pytestmark = pytest.mark.tools
CASE = HERE / "croissant" / "cases" / "everything"
FOLDER = "generated/dev/croissant"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("croissant")
    made = {e.path: e.content for e in compile_case(CASE).emitted}
    for path, data in {**project_files(CASE), **made}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def read(project: Path, *names: str) -> dict[str, Any]:
    """What the validator says, without a network."""
    script = Path(reader.__file__)
    command = [tool_python("data"), script, *(f"{FOLDER}/{name}.json" for name in names)]
    done = run_tool(command, project, {"HTTPS_PROXY": "http://127.0.0.1:9"})
    assert done.ok, done
    found = json.loads(done.output[done.output.index('{"generated/') :])
    return {name: found[f"{FOLDER}/{name}.json"] for name in names}


@pytest.fixture(scope="module")
def found(project: Path) -> dict[str, Any]:
    return read(project, "questions", "chats", "prices", "policies", "canary", "squad", "clicks")


def test_each_description_is_accepted(found: dict[str, Any]) -> None:
    assert {name: one["errors"] for name, one in found.items()} == dict.fromkeys(found, "")


def test_the_rows_are_read(found: dict[str, Any]) -> None:
    rows = found["questions"]["rows"]
    assert rows["splits"] == [{"name": "train"}, {"name": "test"}]
    assert rows["rows-questions.train"] == [{
        "question": 'May I return "worn" shoes?', "expected%20answer": "no", "score": 0.5, "turns": 1, "open": True,
        "tags": ["returns"], "llmops:split": "train",
    }]  # fmt: skip
    assert [row["question"] for row in rows["rows-questions.test"]] == ["How long?", "Größe?"]
    assert found["prices"]["rows"]["rows"] == [{"name": "a, b", "euros": 19.9}, {"name": "c", "euros": 5.0}]
    assert found["canary"]["rows"]["rows"][1] == {"question": "${HOME}", "turns": 2}


def test_chats_and_texts_are_read(found: dict[str, Any]) -> None:
    chats = found["chats"]["rows"]
    assert chats["splits"] == [{"name": "train", "share": 0.8}, {"name": "test", "share": 0.2}]
    assert chats["rows"][1] == {
        "id": 2, "messages": [{"role": "user", "content": "bye"}], "the%20%22topic%22": "none",
    }  # fmt: skip
    assert found["policies"]["rows"]["texts"] == [
        {"text": "# Returns\n\nWithin 30 days.\n", "file": "returns.md"},
        {"text": "Shipping is free.\n", "file": "shipping.txt"},
    ]


def test_the_command_of_the_format_agrees(project: Path) -> None:
    done = run_tool([require_tool("mlcroissant"), "validate", "--jsonld", f"{FOLDER}/questions.json"], project)
    assert done.ok, done
    assert "Done." in done.output


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no_digest": lambda d: d["distribution"][0].pop("sha256"),
    "another_digest": lambda d: d["distribution"][0].update(sha256="0" * 64),
    "no_extract": lambda d: d["recordSet"][1]["field"][0]["source"].pop("extract"),
    "no_type": lambda d: d["recordSet"][1]["field"][0].update(dataType="sc:Txt"),
    "no_column": lambda d: d["recordSet"][1]["field"][0]["source"]["extract"].update(column="qestion"),
    "no_such_file": lambda d: d["recordSet"][1]["field"][0]["source"]["fileObject"].update({"@id": "files/x"}),
}


def test_broken_twins_are_refused(project: Path) -> None:
    sound = json.loads((project / FOLDER / "questions.json").read_bytes())
    for name, change in BROKEN.items():
        twin = json.loads(json.dumps(sound))
        change(twin)
        (project / FOLDER / f"{name}.json").write_text(json.dumps(twin))
    found = read(project, *BROKEN)
    for name, one in found.items():
        rows = one.get("rows", {}).get("rows-questions.train")
        assert one["errors"] or isinstance(rows, str), name
    assert found["another_digest"]["rows"]["rows-questions.train"].startswith("Hash of downloaded file")
