"""The closed lists, what cannot be told, and options."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.croissant.known import check
from tests.targets.test_cases import HERE, compile_case, project_files

CASE = HERE / "croissant" / "cases" / "everything"
FOLDER = "generated/dev/croissant"


def misspelt() -> Iterator[tuple[Callable[[dict[str, Any]], Any], str]]:
    yield lambda d: d.update(licence="x"), "sc:Dataset has no key `licence`; did you mean `license`?"
    yield (lambda d: d["distribution"][0].update(sha265="x"),
           "cr:FileObject has no key `sha265`; did you mean `sha256`?")
    yield (lambda d: d["recordSet"][1]["field"][0]["source"]["extract"].update(colum="x"),
           "extract has no key `colum`; did you mean `column`?")
    yield (lambda d: d["recordSet"][1]["field"][0].update(dataType="sc:Txt"),
           "there is no data type `sc:Txt`; did you mean `sc:Text`?")
    yield lambda d: d["distribution"][0].update(sha256="abc"), "`sha256` is 64 hexadecimal digits"
    yield (lambda d: d["recordSet"][1]["field"][0]["source"]["fileObject"].update({"@id": "files/x"}),
           "`fileObject` names `files/x`, which nothing here is")
    yield (lambda d: d["@context"].update(recordSet="cr:records"),
           "the context is not that of Croissant: its words would mean something else")


def test_what_the_validator_passes_over_is_refused_by_the_lists() -> None:
    sound = next(e.data for e in compile_case(CASE).emitted if e.path == f"{FOLDER}/questions.json")
    assert list(check("questions.json", sound)) == []
    for change, said in misspelt():
        twin = json.loads(json.dumps(sound))
        change(twin)
        assert list(check("questions.json", twin)) == [said]


def test_what_it_cannot_tell_is_said_with_its_place() -> None:
    files = project_files(CASE)
    files["conf/dataset/prices.yaml"] += b"acl: {name: tenant}\nmax_rows: 1\n"
    squad = files["conf/dataset/squad.yaml"]
    files["conf/dataset/squad.yaml"] = re.sub(rb"plain_text/([a-z]+)-[*].parquet", rb"\1", squad)
    result = compile_project(Memory(files), Request())
    spans = [d.labels[0].span for d in result.diagnostics if d.code == "TGT002"]
    found = sorted((span.file.removeprefix("conf/dataset/"), span.line) for span in spans)
    assert found == [("chats.yaml", 3), ("prices.yaml", 4), ("prices.yaml", 5), ("squad.yaml", 2)]


def test_published_files_are_named_by_their_address() -> None:
    files = {**project_files(CASE), "conf/target/croissant.yaml": b"base: https://data.example.com/shop/\n"}
    made = compile_project(Memory(files), Request())
    data = next(e.data for e in made.emitted if e.path == f"{FOLDER}/prices.json")
    assert data["distribution"][0]["contentUrl"] == "https://data.example.com/shop/data/prices.csv"
    assert "isLiveDataset" not in data
    squad = next(e.data for e in made.emitted if e.path == f"{FOLDER}/squad.json")
    assert squad["isLiveDataset"] is True
    address = "https://huggingface.co/datasets/rajpurkar/squad/tree/7b6d24c440a36b6815f21b70d25016731768db1f"
    assert squad["distribution"][0]["contentUrl"] == address


def test_a_changed_file_is_another_digest() -> None:
    files = project_files(CASE)
    before = next(e.data for e in compile_case(CASE).emitted if e.path == f"{FOLDER}/prices.json")
    files["data/prices.csv"] += b"d,1\n"
    made = compile_project(Memory(files), Request())
    after = next(e.data for e in made.emitted if e.path == f"{FOLDER}/prices.json")
    assert before["distribution"][0]["sha256"] != after["distribution"][0]["sha256"]
    assert (before["distribution"][0]["contentSize"], after["distribution"][0]["contentSize"]) == ("28 B", "32 B")


def test_of_a_dataset_that_is_made_its_rows_are_described() -> None:
    files = dict(project_files(CASE))
    text = "derive: {from: [prices], recipe: decontaminated, runner: dvc, against: [canary]}\ncolumns: {name: string}\n"
    files["conf/dataset/clicks.yaml"] = f"{text}trust: user\nsensitivity: internal\n".encode()
    made = compile_project(Memory(files), Request())
    clicks = next(e.data for e in made.emitted if e.path == f"{FOLDER}/clicks.json")
    assert [file["contentUrl"] for file in clicks["distribution"]] == ["../dvc/data/clicks.jsonl"]
    assert clicks["isLiveDataset"] is True
    assert [one["@id"] for one in clicks["recordSet"]] == ["rows"]
