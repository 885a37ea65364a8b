"""Label Studio's SDK reads the configs and tasks of the case, and an export that it holds valid becomes rows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.targets.label_studio import reader
from tests.targets.test_cases import HERE, compile_case
from tests.tools.toolbox import run_tool, tool_python

pytestmark = pytest.mark.tools
CASE = HERE / "label_studio" / "cases" / "labels"
FOLDER = "generated/dev/label-studio"


def said(name: str, kind: str, about: str, **value: Any) -> dict[str, Any]:
    return {"id": name, "from_name": name, "to_name": about, "type": kind, "value": value}


def answers(polite: str, stars: int, better: str, *topics: str) -> dict[str, Any]:
    person = {"start": 0, "end": 3, "text": "May", "labels": ["person"]}
    return {"result": [
        said("polite", "choices", "of-answer_a", choices=[polite]),
        said("topics", "choices", "of-question", choices=list(topics)),
        said("better", "pairwise", "of-answer_a", selected=better),  # the SDK knows one object alone
        said("stars", "rating", "of-answer_a", rating=stars),
        said("rewrite", "textarea", "of-answer_b", text=["Yes."]),
        {**said("names", "labels", "of-question"), "value": person},
    ]}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("labels")
    for emitted in compile_case(CASE).emitted:
        path = top / emitted.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(emitted.content)
    return top


@pytest.fixture(scope="module")
def export(folder: Path) -> list[dict[str, Any]]:
    """Two people answered the first row, and a third skipped it; the second row has a tie."""
    tasks = json.loads((folder / FOLDER / "judged.tasks.json").read_bytes())
    no, yes = 'no "never"', "yes & well"
    tasks[0]["annotations"] = [
        answers(no, 4, "right", "returns"), answers(no, 5, "right", "returns", "money"),
        {"was_cancelled": True, "result": []},
    ]  # fmt: skip
    tasks[1]["annotations"] = [answers(no, 1, "left", "money"), answers(yes, 1, "left", "money")]
    (folder / FOLDER / "judged.export.json").write_text(json.dumps(tasks))
    return list(tasks)


def read(folder: Path, *names: str) -> dict[str, Any]:
    done = run_tool([tool_python("labelling"), Path(reader.__file__), folder / FOLDER, *names], folder)
    assert done.ok, done
    found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    return found


def test_configs_tasks_and_answers_are_valid(folder: Path, export: list[dict[str, Any]]) -> None:
    found = read(folder, "judged", "places")
    judged = found["judged"]
    assert judged["variables"] == ["answer_a", "answer_b", "chat", "question", "turns"]
    assert judged["controls"] == {
        "polite": ["ChoicesTag", ["of-answer_a"], ["yes & well", 'no "never"', "<none>"]],
        "topics": ["ChoicesTag", ["of-question"], ["returns", "money"]],
        "better": ["PairwiseTag", ["of-answer_a", "of-answer_b"], []],
        "stars": ["RatingTag", ["of-answer_a"], []],
        "rewrite": ["TextAreaTag", ["of-answer_b"], []],
        "names": ["LabelsTag", ["of-question"], ["person", "place"]],
        "turns_of": ["ParagraphLabelsTag", ["of-chat"], ["rude"]],
    }
    assert judged["tasks"] == [True, True]
    assert judged["answers"] == [[], [], [], []]
    assert found["places"]["tasks"] == [True]


def test_broken_twins_are_refused(folder: Path) -> None:
    sound = (folder / FOLDER / "judged.xml").read_text()
    twins = {
        "no_target": sound.replace('toName="of-question" choice', 'toName="of-qestion" choice'),
        "one_name": sound.replace('Rating name="stars"', 'Rating name="polite"'),
        "no_xml": sound.replace("</View>", ""),
        "no_value": sound.replace('<Choice value="returns" />', "<Choice />"),
    }
    for name, text in twins.items():
        assert text != sound
        (folder / FOLDER / f"{name}.xml").write_text(text)
    found = read(folder, *twins)
    assert {name: "error" in one for name, one in found.items()} == dict.fromkeys(twins, True), found
    (folder / FOLDER / "lacking.xml").write_text(sound)
    (folder / FOLDER / "lacking.tasks.json").write_text(json.dumps([{"data": {"question": "x"}}]))
    assert read(folder, "lacking")["lacking"]["tasks"] == [False]


def test_an_export_becomes_rows(folder: Path, export: list[dict[str, Any]]) -> None:
    saved = folder / "labels" / "done" / "judged.json"
    script = ["generated/project/label-studio/rows.py", f"{FOLDER}/judged.labels.json"]
    missing = run_tool([sys.executable, *script], folder)
    assert (missing.ok, "labels/done/judged.json is not there" in missing.output) == (False, True)
    saved.parent.mkdir(parents=True)
    saved.write_text(json.dumps(export))
    done = run_tool([sys.executable, *script], folder)
    assert done.ok, done
    (row,) = map(json.loads, (folder / FOLDER / "data" / "judged.jsonl").read_text().splitlines())
    assert row == {
        "question": "May I return <worn> shoes?", "answer_a": "No.", "answer_b": 'Yes, "always".', "turns": 2,
        "chat": [{"role": "user", "content": "hi"}], "polite": 'no "never"', "topics": ["returns"],
        "better": "answer_b", "chosen": 'Yes, "always".', "rejected": "No.", "stars": 4.5, "rewrite": "Yes.",
        "names": [{"start": 0, "end": 3, "text": "May", "label": "person"}], "turns_of": [],
    }  # fmt: skip
