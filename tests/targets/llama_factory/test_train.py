"""LLaMA-Factory itself trains on what was compiled, on cores alone: by its command, and in every way that it knows."""

from __future__ import annotations

import json

import pytest

from tests.e2e.methods import DATA, MISSING, files, loaded, trained
from tests.e2e.training import Written, train, written

pytestmark = pytest.mark.tools
WAYS = tuple(name for name in DATA if name not in MISSING["llama-factory"])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Written:
    made = files("llama-factory")
    made["conf/finetune/merged.yaml"] = made["conf/finetune/sft.yaml"] + "output: {merge: true}\n"
    made["conf/config.yaml"] = made["conf/config.yaml"].replace("[sft, ", "[sft, merged, ")
    made["conf/finetune/further.yaml"] = made["conf/finetune/further.yaml"].replace("from: sft", "from: dpo")
    made["conf/finetune/dpo.yaml"] += "validation: 0.25\n"
    return written(tmp_path_factory.mktemp("llama-factory"), made, "llama-factory")


def test_it_trains_in_every_way_and_merges(project: Written) -> None:
    adapter = train(project, "dev.finetune.sft", "llamafactory-cli")
    assert json.loads((adapter / "train_results.json").read_text())["train_loss"] > 0
    apart = ("dpo", *(name for name in WAYS if name not in ("sft", "dpo")), "merged.export")
    assert trained(project, "llama-factory", "merged", *apart) == dict.fromkeys(("merged", *apart), "")
    merged = project.root / "outputs/merged"
    assert json.loads((merged / "config.json").read_text())["architectures"] == ["LlamaForCausalLM"]
    assert (merged / "model.safetensors").is_file()
    assert json.loads((project.root / "outputs/dpo/eval_results.json").read_text())["eval_loss"] > 0
    folders = [*(f"outputs/{name}" for name in WAYS if name != "reward"), "outputs/merged.adapter"]
    assert loaded(project, *folders) == {
        folder: {"rank": 4, "alpha": 8, "modules": ["q_proj", "v_proj"], "changes": True} for folder in folders
    }
