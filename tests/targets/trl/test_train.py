"""`trl` itself: it parses every file that is compiled, refuses their broken twins, and trains on one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.e2e import methods
from tests.e2e.training import OFFLINE, TUNED, Written, train, written
from tests.targets.test_cases import HERE, compile_case
from tests.tools.toolbox import require_tool, run_tool

pytestmark = pytest.mark.tools
CASE = HERE / "trl" / "cases" / "methods"
PARSE = """
import importlib, json, sys
from transformers import training_args
if "accelerator" in sys.argv:  # the one thing that parsing asks of a machine: here there is none
    training_args.is_torch_bf16_gpu_available = lambda: True
def parse(command, file):
    made = importlib.import_module(f"trl.scripts.{command}").make_parser().parse_args_and_config(["--config", file])
    return {name: repr(value) for one in made for name, value in vars(one).items()}
for command, file in json.loads(sys.argv[1]):
    try:
        print(json.dumps([file, parse(command, file)]))
    except BaseException as error:
        print(json.dumps([file, str(error) or type(error).__name__]))
"""


def parsed(folder: Path, files: Mapping[str, str], *machine: str) -> dict[str, Mapping[str, str] | str]:
    """What the command's own parser makes of each file (`sft/name.yaml`), or what it says against it."""
    asked = []
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        asked.append([name.partition("/")[0], name])
    (folder / "parse.py").write_text(PARSE)
    python = require_tool("trl").parent / "python"
    done = run_tool([python, "parse.py", json.dumps(asked), *machine], folder, OFFLINE)
    assert done.ok, done
    return dict(json.loads(line) for line in done.output.splitlines() if line.startswith('["'))


def compiled() -> dict[str, str]:
    prefix = "generated/dev/trl/"
    found = {e.path.removeprefix(prefix): e.content.decode() for e in compile_case(CASE).emitted}
    return {name: text for name, text in found.items() if name.endswith(".yaml") and "/" in name and name in found}


def test_every_file_is_parsed_by_its_command(tmp_path: Path) -> None:
    files = {name: text for name, text in compiled().items() if not name.startswith("generated/")}
    found = parsed(tmp_path, files, "accelerator")
    assert set(found) == set(files)
    for name, said in found.items():
        assert not isinstance(said, str), (name, said)
        for key, value in yaml.safe_load(files[name]).items():
            assert key in said, (name, key)
            if isinstance(value, bool | int | float):
                assert float(eval(said[key])) == pytest.approx(float(value)), (name, key)


TWINS = {
    "an unknown setting": ("max_length: 2048", "max_seq_length: 2048", "max_seq_length"),
    "a number that is none": ("learning_rate: 0.0001", "learning_rate: fast", ""),
    "a scheduler": ("lr_scheduler_type: cosine", "lr_scheduler_type: cosin", "cosin"),
    "an optimizer": ("optim: adamw_torch", "optim: adamw_torchh", "adamw_torchh"),
    "a key of a dataset": ("fraction: 1", "weight: 1", "weight"),
    "two kinds of weights": ("use_peft: true", "use_peft: true\nload_in_4bit: true\nload_in_8bit: true", "4 bit"),
}


def test_a_broken_twin_is_refused(tmp_path: Path) -> None:
    good = compiled()["sft/tone.yaml"]
    twins = {f"sft/{n}.yaml": good.replace(here, there) for n, (here, there, _) in enumerate(TWINS.values())}
    assert good not in twins.values()
    found = parsed(tmp_path, {**twins, "sft/good.yaml": good, "sft/here.yaml": good}, "accelerator")
    assert not isinstance(found["sft/good.yaml"], str), found["sft/good.yaml"]
    for n, (name, (_, _, word)) in enumerate(TWINS.items()):
        said = found[f"sft/{n}.yaml"]
        assert isinstance(said, str), f"{name} was taken"
        assert word in said, (name, said)


def test_without_an_accelerator_bfloat16_is_refused(tmp_path: Path) -> None:
    files = compiled()
    found = parsed(tmp_path, {name: files[name] for name in ("sft/tone.yaml", "sft/held.yaml")})
    assert "bf16" in str(found["sft/tone.yaml"])[:200]
    assert not isinstance(found["sft/held.yaml"], str), "what is compiled for cores asks for no accelerator"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return written(tmp_path_factory.mktemp("tuned"), TUNED)


def test_it_trains_an_adapter_with_the_rows_that_were_dealt(project: Written) -> None:
    made = train(project, "dev.finetune.tone")
    config = json.loads((made / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], sorted(config["target_modules"])) == (8, 16, ["q_proj", "v_proj"])
    assert (made / "adapter_model.safetensors").stat().st_size > 1000
    rows = project.root / "outputs" / "tone.data"
    counts = {name: len((rows / f"{name}.jsonl").read_text().splitlines()) for name in ("train", "test")}
    assert counts == {"train": 24, "test": 8}
    state = json.loads(next(made.glob("checkpoint-*/trainer_state.json")).read_text())
    assert state["global_step"] == 6
    assert any("eval_loss" in entry for entry in state["log_history"]), "nothing was measured"


def test_it_learns_in_every_way(tmp_path: Path) -> None:
    names = [name for name in methods.DATA if name not in methods.MISSING["trl"]]
    project = written(tmp_path, methods.files("trl"))
    assert methods.trained(project, "trl", *names) == dict.fromkeys(names, "")
    names.remove("reward")
    for folder, said in methods.loaded(project, *(f"outputs/{name}" for name in names)).items():
        assert said == {"rank": 4, "alpha": 8, "modules": ["q_proj", "v_proj"], "changes": True}, folder
    judge = json.loads((tmp_path / "outputs/reward/adapter_config.json").read_text())
    assert (judge["task_type"], judge["r"]) == ("SEQ_CLS", 4)


def test_a_merged_adapter_leaves_whole_weights(project: Written) -> None:
    made = train(project, "dev.finetune.whole")
    config = json.loads((made / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert (made / "model.safetensors").is_file()
    assert (made / "tokenizer.json").is_file()
    assert not (made / "adapter_config.json").exists()


