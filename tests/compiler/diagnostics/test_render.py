"""Each renderer's whole output, and that no text of a config gets through one unharmed."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from llmops import schemas
from llmops.compiler.diagnostics import collect
from llmops.compiler.diagnostics.escape import escape
from llmops.compiler.diagnostics.render import cells, github, sarif, text
from llmops.compiler.diagnostics.render import json as as_json
from llmops.compiler.model.finding import Severity
from tests.compiler.diagnostics.cases import CASES, CODES, ENVIRONMENTS, EVIL_SOURCE, REF001, SOURCES, hostile

SECRET = "sk-live-1234567890"
RAW = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e0fff]"
)


def test_text(golden):
    golden("text.txt", text.render(CASES, SOURCES, ENVIRONMENTS))


def test_text_in_colour_with_links(golden):
    look = text.Look(color=True, link=lambda span: f"file:///project/{span.file}#{span.line}")
    golden("colour.txt", text.render(CASES[2:3], SOURCES, ENVIRONMENTS, look).replace("\x1b", "␛"))


def test_text_on_one_line(golden):
    golden("lines.txt", "".join(text.line(one, ENVIRONMENTS) for one in CASES))


def test_json(golden):
    found = as_json.report("compile", "error", CASES, files={"added": 0, "changed": 0, "removed": 0})
    assert json.loads(as_json.dump(found)) == found
    golden("report.json", json.dumps(found, indent=1, sort_keys=True) + "\n")


@pytest.mark.parametrize("found", [CASES, (hostile(),), ()])
def test_json_is_as_its_schema_says(found):
    schema = schemas.bundled(schemas.schema("diagnostic"))
    validator = jsonschema.Draft202012Validator(schema)
    report = as_json.report("compile", "error", found, files={"added": 0, "changed": 0, "removed": 0})
    assert [error.message for error in validator.iter_errors(report)] == []


def test_sarif(golden):
    found = sarif.report(CASES, CODES, "0.1.0")
    golden("report.sarif", json.dumps(found, indent=1, sort_keys=True) + "\n")


def test_github(golden):
    golden("github.txt", github.commands(CASES, ENVIRONMENTS))
    golden("summary.md", github.job_summary(CASES, "12 errors; nothing was written.", ENVIRONMENTS))


def test_github_shows_ten_of_each_and_counts_the_rest():
    many = [CASES[0]] * 25 + [CASES[11]] * 11
    lines = github.commands(many).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error"] * 10 + ["::warning"] * 10
    assert lines[9].endswith("%0A… and 15 more errors: see the job summary")
    assert lines[19].endswith("%0A… and 1 more warning: see the job summary")


def test_a_secret_is_shown_by_no_renderer():
    outputs = [
        text.render(CASES, SOURCES, ENVIRONMENTS),
        *(text.line(one) for one in CASES),
        as_json.dump(as_json.report("compile", "error", CASES)),
        json.dumps(sarif.report(CASES, CODES, "0")),
        github.commands(CASES),
        github.job_summary(CASES, ""),
    ]
    assert [SECRET in output for output in outputs] == [False] * len(outputs)


def test_a_secret_over_several_lines_is_hidden_in_all_of_them():
    from llmops.compiler.model.finding import diagnose
    from llmops.compiler.model.sources import SourceFile, Span

    sources = {"k.yaml": SourceFile("k.yaml", b"key: |\n  -----BEGIN\n  abc\nrest: 1\n")}
    key = diagnose(REF001, "a key", Span("k.yaml", 2, 3, 4, 1), secret=True)
    below = diagnose(REF001, "beside it", Span("k.yaml", 3, 3, 3, 6))
    shown = text.render((key, below), sources)
    assert "BEGIN" not in shown
    assert "abc" not in shown


def test_hostile_text(golden):
    golden("hostile.txt", text.render([hostile()], EVIL_SOURCE))
    golden("hostile_github.txt", github.commands([hostile()]))
    golden("hostile_summary.md", github.job_summary([hostile()], "x"))


@pytest.mark.parametrize("name", ["text", "line", "commands", "summary", "json", "sarif"])
def test_hostile_text_reaches_no_terminal(name):
    one = hostile()
    made = {
        "text": lambda: text.render([one], EVIL_SOURCE),
        "line": lambda: text.line(one),
        "commands": lambda: github.commands([one]),
        "summary": lambda: github.job_summary([one], one.message),
        "json": lambda: as_json.dump(as_json.report("x", "error", [one])),
        "sarif": lambda: as_json.dump(sarif.report([one], [], "0")),
    }[name]()
    assert not RAW.search(made)
    made.encode("utf-8")
    commands = [line for line in made.splitlines() if line.lstrip().startswith("::") and not line.startswith(" :::")]
    assert len(commands) == (1 if name == "commands" else 0)


def test_escaping_twice_changes_nothing():
    assert escape(escape(hostile().message)) == escape(hostile().message)


def test_an_uncoloured_report_has_no_escape_sequence():
    assert "\x1b" not in text.render(CASES, SOURCES, ENVIRONMENTS)


def test_cells():
    assert [cells.width(char) for char in "a日\u0301é｡"] == [1, 2, 0, 1, 1]
    shown = cells.row("\ta日\u0301x\u200b!")
    assert shown.text == "    a日\u0301x\\u{200b}!"
    assert shown.starts == (0, 4, 5, 7, 7, 8, 16, 17)


def test_a_span_past_the_end_still_has_a_caret():
    assert cells.row("abc").extent(9, 12) == (3, 1)


@pytest.mark.parametrize("found", [CASES, (hostile(),), ()])
def test_sarif_holds_together(found):
    """What the schema of SARIF 2.1.0 and the rules of code scanning ask of the parts that we use."""
    report = sarif.report(found, CODES, "0.1.0")
    assert report["version"] == "2.1.0"
    (run,) = report["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert re.fullmatch("[0-9a-f]{64}", result["partialFingerprints"]["llmops/v1"])
        for place in (*result.get("locations", ()), *result.get("relatedLocations", ())):
            where = place["physicalLocation"]
            assert re.fullmatch(r"[\w/.%~-]+", where["artifactLocation"]["uri"])
            assert where["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
            assert min(where["region"].values()) >= 1


def test_summary_lines():
    errors = [one for one in CASES if one.severity is Severity.ERROR and one.environments]
    assert collect.summary(errors[:3], ENVIRONMENTS) == (
        "3 errors in 3 files (dev and prod: 2, prod only: 1); nothing was written.   llmops explain IDX001"
    )
    assert collect.summary(errors[:1], ENVIRONMENTS) == (
        "1 error in 1 file; nothing was written.   llmops explain REF001"
    )
    assert collect.summary((), ENVIRONMENTS, "") == "no errors."
