"""The closed lists, and what people cannot be asked."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.label_studio.known import check, lists, unknown
from tests.targets.test_cases import HERE, compile_case, project_files

CASE = HERE / "label_studio" / "cases" / "labels"


def configs(result: Compilation) -> dict[str, ElementTree.Element]:
    return {e.path: ElementTree.fromstring(e.content) for e in result.emitted if e.path.endswith(".xml")}


def test_every_tag_is_one_of_label_studios() -> None:
    found = configs(compile_case(CASE))
    assert len(found) == 2
    for root in found.values():
        assert list(unknown(root)) == []
    known = {*lists()["controls"], *lists()["objects"], *lists()["labels"], "View", "Header"}
    assert set(lists()["attributes"]) <= known


def test_what_the_sdk_passes_over() -> None:
    root = ElementTree.fromstring('<View><Choises name="a" toName="b"/><Text name="b" vallue="$x"/></View>')
    assert list(unknown(root)) == [
        "there is no tag `Choises`; did you mean `Choices`?", "`Text` has no attribute `vallue`; did you mean `value`?",
    ]  # fmt: skip
    tasks = [{"data": {"a": "x", "b": "y"}}, {"data": {"a": "x"}}]
    assert list(check("x.tasks.json", tasks)) == ["task 1 has no `b`, which others have"]


@pytest.mark.parametrize(
    ("labels", "said", "line"),
    [
        ("{x: {type: choice}}", "`choice` needs `options`", 1),
        ("{x: {type: choice, options: [a], column: qestion}}", "no row has a column `qestion`", 1),
        ("{x: {type: preference, options: [question]}}", "a preference is between two columns", 1),
        ('{x: {type: choice, options: ["$question", b]}}',
         "Label Studio would read this option as a variable of the task", 1),
        ("{x: {type: text, options: [a]}}", "label-studio cannot express this: `text` has nothing to choose from", 1),
    ],
)
def test_what_people_cannot_be_asked(labels: str, said: str, line: int) -> None:
    files = project_files(CASE)
    derive = f"derive: {{from: [answers], recipe: labelled, runner: label-studio, labels: {labels}}}\n"
    files["conf/dataset/judged.yaml"] = f"{derive}trust: trusted\nsensitivity: internal\n".encode()
    result = compile_project(Memory(files), Request())
    found = [(d.message, d.labels[0].span.line) for d in result.diagnostics if d.code == "TGT002"]
    assert found == [(said, line)]


def test_rows_that_are_nowhere_cannot_be_labelled() -> None:
    files = {**project_files(CASE)}
    files["conf/dataset/answers.yaml"] = b"source: {repo: a/b}\ntrust: trusted\nsensitivity: public\n"
    result = compile_project(Memory(files), Request())
    messages = [d.message for d in result.diagnostics if d.code == "TGT002"]
    assert "there are no rows to label" in messages
    assert not any("judged" in path for path in configs(result))


def test_a_text_cannot_be_overridden() -> None:
    files = {**project_files(CASE)}
    files["conf/dataset/places.yaml"] += b"overrides: {label-studio: {places.xml: {View: {Choises: x}}}}\n"
    result = compile_project(Memory(files), Request())
    assert [d.message for d in result.diagnostics if d.code == "TGT005"] == [
        "nothing in `places.xml` can be overridden: it is a text, and no data",
    ]
