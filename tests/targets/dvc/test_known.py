"""The closed lists, what no recipe can do, order, and how a job makes a dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.dvc.known import check
from llmops.targets.dvc.work import template
from tests.targets.test_cases import HERE, compile_case, project_files

CASE = HERE / "dvc" / "cases" / "recipes"
PIPELINE = "generated/dev/dvc/dvc.yaml"


def compiled(**files: str) -> Compilation:
    names = {name.replace("__", "/").replace("/yaml", ".yaml"): text.encode() for name, text in files.items()}
    return compile_project(Memory({**project_files(CASE), **names}), Request())


def stages(result: Compilation) -> dict[str, Any]:
    found = next(e.data for e in result.emitted if e.path == PIPELINE)["stages"]
    assert isinstance(found, dict)
    return found


def misspelt() -> Iterator[tuple[Callable[[dict[str, Any]], Any], str]]:
    yield lambda d: d.update(stage={}), "the file has no key `stage`; did you mean `stages`?"
    yield (lambda d: d["stages"]["paragraphs"].update(dep=[]),
           "stage `paragraphs` has no key `dep`; did you mean `deps`?")
    yield lambda d: d["stages"]["paragraphs"].pop("cmd"), "stage `paragraphs` has no `cmd`"
    yield (lambda d: d["stages"]["paragraphs"]["deps"].append("data/paragraphs.jsonl"),
           "stage `paragraphs` depends on its own output `data/paragraphs.jsonl`")
    yield (lambda d: d["stages"]["paragraphs"]["params"].append("paragraf"),
           "stage `paragraphs` reads `paragraf`, and params.yaml has a section for each stage only")
    yield (lambda d: d["stages"]["paragraphs"]["metrics"][0]["data/paragraphs.metrics.json"].update(cach=True),
           "`data/paragraphs.metrics.json` of stage `paragraphs` has no key `cach`; did you mean `cache`?")


def test_what_dvc_would_refuse_or_pass_over() -> None:
    sound = next(e.data for e in compile_case(CASE).emitted if e.path == PIPELINE)
    assert list(check("dvc.yaml", sound)) == []
    for change, said in misspelt():
        twin = json.loads(json.dumps(sound))
        change(twin)
        assert list(check("dvc.yaml", twin)) == [said]


DATASET = "trust: trusted\nsensitivity: public\n"


@pytest.mark.parametrize(
    ("derive", "said"),
    [
        ("{from: [policies], recipe: derived, runner: dvc}", "`derived` needs `code` and `function`"),
        ("{from: [policies], recipe: derived, runner: dvc, code: data/chats.csv, function: x}",
         "DVC's recipe runs code in Python"),
        ("{from: [policies], recipe: synthetic, runner: dvc, model: writer, prompt: ask}", "`synthetic` needs `count`"),
        ("{from: [policies], recipe: decontaminated, runner: dvc}", "`decontaminated` needs `against`"),
        ("{from: [policies], recipe: labelled, runner: dvc}", "DVC has nobody label rows"),
    ],
)
def test_a_recipe_without_what_it_needs(derive: str, said: str) -> None:
    result = compiled(conf__dataset__paragraphs__yaml=f"derive: {derive}\n{DATASET}")
    found = [(d.message, d.labels[0].span.file) for d in result.diagnostics if d.code == "TGT002"]
    assert (said, "conf/dataset/paragraphs.yaml") in found


def test_rows_that_are_nowhere() -> None:
    result = compiled(conf__dataset__policies__yaml=f"source: {{repo: a/b}}\n{DATASET}")
    found = [d for d in result.diagnostics if d.code == "TGT002"]
    assert [(d.message, d.labels[0].span.file) for d in found] == [
        ("the rows of dataset.policies stand in no file of the project", "conf/dataset/paragraphs.yaml"),
    ]


def test_a_field_of_another_recipe_is_told() -> None:
    text = "derive: {from: [policies], recipe: decontaminated, runner: dvc, against: [chats], model: writer}\n"
    result = compiled(conf__dataset__paragraphs__yaml=text + DATASET)
    messages = [d.message for d in result.diagnostics if d.code == "TGT002"]
    assert messages == ["dvc cannot express this: the recipe decontaminated has no use for it"]


def test_a_model_that_speaks_another_language_needs_a_gateway() -> None:
    files = {n: d for n, d in project_files(CASE).items() if not n.startswith(("conf/gateway", "conf/eval"))}
    files["conf/config.yaml"] = files["conf/config.yaml"].replace(b"  - gateway: [main]\n", b"")
    files["conf/config.yaml"] = files["conf/config.yaml"].replace(b"  - eval: [quality]\n", b"")
    files["conf/target/dvc.yaml"] = b"{}\n"
    files["conf/model/writer.yaml"] = b"provider: anthropic\nid: claude-sonnet-4-5-20250929\n"
    result = compile_project(Memory(files), Request())
    found = [d.message for d in result.diagnostics if d.code == "TGT002"]
    assert found == ["the recipe cannot call model.writer"]


def test_a_dataset_without_a_runner_is_made_where_dvc_has_an_entry() -> None:
    text = "derive: {from: [policies], recipe: derived, code: recipes/paragraphs.py, function: split}\n"
    assert "paragraphs" in stages(compiled(conf__dataset__paragraphs__yaml=text + DATASET))


def test_evals_wait_for_the_data_that_they_are_about() -> None:
    made = stages(compile_case(CASE))
    assert list(made) == ["paragraphs", "prices", "questions", "training", "eval-quality"]
    assert made["eval-quality"]["cmd"][1].startswith("env PROMPTFOO_DISABLE_TELEMETRY=1 ")
    text = "runner: promptfoo\nsubject: {prompt: ask, model: writer}\nrows: {dataset: training}\n"
    result = compiled(conf__eval__quality__yaml=text)
    # the rows of a suite are known when it is compiled: so it says, and no stage hides it
    assert any("stand in no file" in d.message for d in result.diagnostics)


def test_text_of_a_config_is_no_parameter() -> None:
    assert template("a ${b} \\${c} $d") == "a \\${b} \\\\${c} $d"
    assert stages(compile_case(CASE))["paragraphs"]["desc"].startswith("Paragraphs of the policies, \\${each} with")


def test_a_repository_is_read_with_gits_own_key() -> None:
    source = "source: {dvc: \"https://git.example.com/a.git\", path: b.csv, secret: data}\n"
    result = compiled(
        conf__dataset__prices__yaml=source + DATASET, conf__secret__data__yaml="variable: DATA_KEY\n",
        conf__config__yaml=project_files(CASE)["conf/config.yaml"].decode().replace(
            "defaults:\n", "defaults:\n  - secret: [data]\n", 1
        ),
    )  # fmt: skip
    messages = [d.message for d in result.diagnostics if d.code == "TGT002"]
    assert messages == ["dvc cannot express this: it reads a repository with the key that git has"]
