"""The real analyser with the compiled files of the case `rails`, and what `guard.py` makes of texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.targets.test_cases import HERE, compile_case
from tests.tools.toolbox import run_tool, tool_python

pytestmark = pytest.mark.tools
KEY = "AKIAQ7RSTUVW2345XYZA"
TEXTS: list[tuple[str, str, str | None]] = [
    ("no_pii", "Mail bob@example.com or help@example.com, IBAN DE89370400440532013000, order AB123456.", "en"),
    ("no_pii", "Karte 4111 1111 1111 1111 von bob@example.com", "de"),
    ("no_pii", "Nothing here.", None),
    ("no_keys", f"is {KEY} mine?", None),
    ("no_keys", "is this mine?", None),
    ("noted", "SSN 078-05-1123", None),
]
READ = """\
import json, sys
sys.path.insert(0, sys.argv[1])
from guard import Guard
guards = {}
for name, text, language in json.load(open(sys.argv[3])):
    guard = guards.setdefault(name, None) or Guard(sys.argv[2], name)
    guards[name] = guard
    checked = guard.check(text, language)
    print(json.dumps([checked.text, checked.blocked, checked.found, checked.message]))
"""
LOAD = """\
import sys
from presidio_analyzer import AnalyzerEngineProvider
try:
    AnalyzerEngineProvider(sys.argv[1]).create_engine()
except Exception as error:
    print(type(error).__name__, error)
    sys.exit(3)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rails")
    for emitted in compile_case(HERE / "presidio" / "cases" / "rails").emitted:
        path = root / emitted.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(emitted.content)
    return root / "generated"


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> list[list[Any]]:
    asked = folder / "texts.json"
    asked.write_text(json.dumps(TEXTS))
    command = [tool_python("presidio"), "-c", READ, folder / "project/presidio", folder / "dev/presidio", asked]
    done = run_tool(command, folder)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.output.splitlines() if line.startswith("[")]


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (0, ["Mail <EMAIL_ADDRESS> or help@example.com, IBAN <IBAN_CODE>, order <ORDER>.", False,
             ["EMAIL_ADDRESS", "IBAN_CODE", "ORDER"], ""]),
        (1, ["Karte ************11 1111 von <EMAIL_ADDRESS>", False, ["CREDIT_CARD", "EMAIL_ADDRESS"], ""]),
        (2, ["Nothing here.", False, [], ""]),
        (3, ["", True, ["SECRET"], "Never send a key to anybody."]),
        (4, ["is this mine?", False, [], ""]),
        (5, ["SSN 078-05-1123", False, ["US_SSN"], ""]),
    ],
)  # fmt: skip
def test_a_text_is_read_as_the_guardrail_says(outcomes: list[list[Any]], number: int, outcome: list[Any]) -> None:
    assert outcomes[number] == outcome


def test_the_analyser_refuses_broken_twins(folder: Path, tmp_path: Path) -> None:
    data = yaml.safe_load((folder / "dev/presidio/no_pii.analyzer.yaml").read_text())
    registry = data["recognizer_registry"]["recognizers"]
    twins = {
        "recognizer": {**data, "recognizer_registry": {"recognizers": [{**registry[0], "name": "EmailRecogniser"}]}},
        "threshold": {**data, "default_score_threshold": 5},
        "key": {**data, "threshold": 0.4},
    }
    for name, twin in twins.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(twin))
    python = tool_python("presidio")
    said = {name: run_tool([python, "-c", LOAD, tmp_path / f"{name}.yaml"], tmp_path) for name in twins}
    assert {name: done.exit_code for name, done in said.items()} == dict.fromkeys(twins, 3), said
