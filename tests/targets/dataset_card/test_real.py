"""The hub's own library reads the cards of the case, and the closed lists refuse what it passes over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.dataset_card.known import check, licence
from tests.targets.dataset_card import reader
from tests.targets.test_cases import HERE, compile_case, project_files
from tests.tools.toolbox import run_tool, tool_python

CASE = HERE / "dataset_card" / "cases" / "cards"
FOLDER = "generated/dev/dataset-card"


def cards() -> dict[str, Any]:
    made = {e.path: e for e in compile_case(CASE).emitted if e.target == "dataset-card"}
    return {path.removeprefix(f"{FOLDER}/").removesuffix("/README.md"): e for path, e in made.items()}


def read(folder: Path, texts: dict[str, bytes]) -> dict[str, Any]:
    for name, text in texts.items():
        (folder / f"{name}.md").write_bytes(text)
    names = [f"{name}.md" for name in texts]
    done = run_tool([tool_python("data"), Path(reader.__file__), *names], folder, {"HF_HUB_OFFLINE": "1"})
    assert done.ok, done
    found = json.loads(done.output.splitlines()[-1])
    return {name: found[f"{name}.md"] for name in texts}


@pytest.mark.tools
def test_the_hub_reads_each_card(tmp_path: Path) -> None:
    made = cards()
    found = read(tmp_path, {name: e.content for name, e in made.items()})
    assert {name: one["begins"] for name, one in found.items()} == {n: f"# Dataset card: `{n}`" for n in made}
    for name, one in found.items():
        assert {key: value for key, value in one["data"].items() if value is not None} == made[name].data


@pytest.mark.tools
def test_a_card_without_its_data_is_refused(tmp_path: Path) -> None:
    sound = cards()["questions"].content
    twins = {
        "broken": sound.replace(b"license: cc-by-4.0", b"license: [cc-by-4.0"),
        "listed": b"---\n- license\n" + sound[sound.index(b"\n---\n") + 1 :],
    }
    found = read(tmp_path, twins)
    assert ["error" in one for one in found.values()] == [True, True], found


def test_what_the_hub_passes_over() -> None:
    sound = cards()["made"].data
    changes: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
        (lambda d: d.update(licence="mit"), "a card has no key `licence`; did you mean `license`?"),
        (lambda d: d.update(license="gpl-30"), "the hub knows no licence `gpl-30`; did you mean `gpl-3.0`?"),
        (lambda d: d.update(size_categories=["1k<n<10k"]),
         "`size_categories` is never `1k<n<10k`; did you mean `1K<n<10K`?"),
        (lambda d: d.update(language_creators="machine"), "`language_creators` is never `machine`"),
        (lambda d: d.update(license_name="x"),
         "`license_name` names a licence that the hub does not list: `license` is `other` then"),
    ]
    assert list(check("x/README.md", sound)) == []
    for change, said in changes:
        twin = json.loads(json.dumps(sound))
        change(twin)
        assert [found[: len(said)] for found in check("x/README.md", twin)] == [said]


@pytest.mark.parametrize(
    ("written", "name"),
    [("CC-BY-4.0", "cc-by-4.0"), ("Apache-2.0", "apache-2.0"), ("GPL-3.0-or-later", "gpl-3.0"), ("ODbL-1.0", "odbl"),
     ("Shop-1.0", None), ("cc-by-9.9", None)],
)  # fmt: skip
def test_licences_by_the_names_of_the_hub(written: str, name: str | None) -> None:
    assert licence(written) == name


def test_a_licence_that_is_nearly_one_is_told() -> None:
    files = {**project_files(CASE)}
    files["conf/dataset/squad.yaml"] = files["conf/dataset/squad.yaml"].replace(b"CC-BY-SA-4.0", b"CC-BY-SA-40")
    result = compile_project(Memory(files), Request())
    found = [(d.message, d.labels[0].span.line, d.help) for d in result.diagnostics if d.code == "TGT002"]
    said = "dataset-card cannot express this: the hub lists no licence `CC-BY-SA-40`, and shows it as another one"
    assert found == [(said, 4, ("did you mean `cc-by-sa-4.0`?",))]


def test_an_override_changes_the_data_and_is_checked() -> None:
    files = {**project_files(CASE)}
    files["conf/dataset/squad.yaml"] += (
        b"overrides: {dataset-card: {squad/README.md: {task_categories: [question-answering], licens: x}}}\n"
    )
    result = compile_project(Memory(files), Request())
    made = next(e for e in result.emitted if e.path == f"{FOLDER}/squad/README.md")
    assert made.data["task_categories"] == ["question-answering"]
    assert [d.message for d in result.diagnostics if d.code == "TGT006"] == [
        "`squad/README.md`: a card has no key `licens`; did you mean `license`?",
    ]
