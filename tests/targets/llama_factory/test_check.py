"""LLaMA-Factory's own parser takes every file that is compiled; what it takes in silence the closed lists refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from llmops.targets.llama_factory.known import check, table
from tests.e2e.training import OFFLINE
from tests.targets.test_cases import HERE, compile_case
from tests.tools.toolbox import require_tool, run_tool

CASE = HERE / "llama_factory" / "cases" / "methods"
READ = """
import json, sys, yaml
from transformers import training_args
training_args.is_torch_bf16_gpu_available = lambda: True  # what parsing asks of a machine: here there is none
from llamafactory.hparams import get_infer_args, get_train_args
found = open("found.jsonl", "w")  # what it logs comes in between on the terminal
for file in sys.argv[1:]:
    parse = get_infer_args if "export" in file else get_train_args
    try:
        made = parse(yaml.safe_load(open(file)))
        said = {name: repr(value) for one in made for name, value in vars(one).items()}
    except BaseException as error:
        said = str(error)
    print(json.dumps([file, said]), file=found)
"""


def compiled() -> dict[str, str]:
    prefix = "generated/dev/llama-factory/"
    found = {e.path.removeprefix(prefix): e.content.decode() for e in compile_case(CASE).emitted}
    return {name: text for name, text in found.items() if not name.startswith("generated/")}


def configs() -> dict[str, str]:
    return {name: text for name, text in compiled().items() if name.endswith(".yaml")}


def read(folder: Path, files: Mapping[str, str]) -> dict[str, Mapping[str, str] | str]:
    """What its parser makes of each file, or what it says against it."""
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "read.py").write_text(READ)
    python = require_tool("llamafactory-cli").parent / "python"
    done = run_tool([python, "read.py", *files], folder, OFFLINE)
    assert done.ok, done
    return dict(json.loads(line) for line in (folder / "found.jsonl").read_text().splitlines())


REFUSED = {
    "an unknown key": ("num_train_epochs: 2", "num_epochs: 2", "num_epochs"),
    "4 bits without an adapter": ("finetuning_type: lora", "finetuning_type: full\nquantization_bit: 4", "LoRA"),
    "a scheduler": ("lr_scheduler_type: cosine", "lr_scheduler_type: cosin", "cosin"),
}
TAKEN = {
    "a stage": ("stage: sft", "stage: stf", "did you mean `sft`?"),
    "no template": ("template: qwen3\n", "", "`template` is missing"),
    "a template": ("template: qwen3\n", "template: qwen33\n", "did you mean `qwen3`?"),
    "a number that is none": ("learning_rate: 0.0001", "learning_rate: fast", "`learning_rate`"),
    "a rank below 1": ("lora_rank: 16", "lora_rank: -3", "`lora_rank` is at least 1"),
    "a reporter": ("- tensorboard", "- tensorbord", "did you mean `tensorboard`?"),
}


def test_the_closed_lists_take_every_file_and_refuse_what_the_parser_takes() -> None:
    for name, text in compiled().items():
        data = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
        assert list(check(name, data)) == [], name
    good = configs()["tone.yaml"]
    for name, (here, there, word) in TAKEN.items():
        twin = good.replace(here, there)
        assert twin != good, name
        assert any(word in said for said in check("tone.yaml", yaml.safe_load(twin))), name


def test_a_key_of_a_dataset_is_refused() -> None:
    info = json.loads(compiled()["held/dataset_info.json"])
    info["conversations"]["columns"]["mesages"] = "messages"
    info["conversations"]["formating"] = "sharegpt"
    assert [said.partition(";")[2].strip() for said in check("held/dataset_info.json", info)] == [
        "did you mean `messages`?", "did you mean `formatting`?",
    ]  # fmt: skip


@pytest.mark.tools
def test_its_parser_takes_every_file_and_refuses_broken_twins(tmp_path: Path) -> None:
    files = configs()
    good = files["tone.yaml"]
    refused = {f"refused{n}.yaml": good.replace(*pair[:2]) for n, pair in enumerate(REFUSED.values())}
    taken = {f"taken{n}.yaml": good.replace(*pair[:2]) for n, pair in enumerate(TAKEN.values())}
    assert good not in (*refused.values(), *taken.values())
    found = read(tmp_path, {**files, **refused, **taken})
    for name, text in files.items():
        said = found[name]
        assert not isinstance(said, str), (name, said)
        assert set(yaml.safe_load(text)) <= set(said), name
    for n, (name, (_, _, word)) in enumerate(REFUSED.items()):
        said = found[f"refused{n}.yaml"]
        assert isinstance(said, str), f"{name} was taken"
        assert word in said, (name, said)
    assert [name for name in taken if isinstance(found[name], str)] == [], "it refuses more than is said here"


def test_what_teams_write_has_a_place() -> None:
    """Each key that is counted as a parameter is one of its own settings: nothing is counted that would be refused."""
    rows = json.loads((HERE.parent / "coverage" / "keys.json").read_text())["tools"]["LLaMA-Factory"]
    counted = {row["key"] for row in rows if row.get("field") == "finetune.params"} - {"image/video_max_pixels"}
    assert len(counted) > 5
    assert counted - set(table()["settings"]) == set()
