"""axolotl itself trains on what was compiled, on cores alone: by its command, and in every way that it knows."""

from __future__ import annotations

import json

import pytest

from tests.e2e.methods import DATA, files, loaded, trained
from tests.e2e.training import Written, train, written

pytestmark = pytest.mark.tools
APART = ("dpo", "orpo", "kto", "reward", "grpo", "pretrain", "further")
"""In this order: from `grpo` on it exchanges parts of the model's class for faster ones, for all that follow."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return written(tmp_path_factory.mktemp("axolotl"), files("axolotl"), "axolotl")


def test_it_trains_in_every_way(project: Written) -> None:
    made = train(project, "dev.finetune.sft", "axolotl")
    assert trained(project, "axolotl", *APART) == dict.fromkeys(APART, "")
    assert {*APART, "sft"} == set(DATA)
    state = json.loads(next(made.glob("checkpoint-*/trainer_state.json")).read_text())
    assert state["global_step"] == 2
    assert not (project.root / "last_run_prepared").exists(), "it writes beside its own folder"
    names = [name for name in DATA if name != "reward"]
    found = loaded(project, *(f"outputs/{name}" for name in names))
    assert found == {
        f"outputs/{name}": {"rank": 4, "alpha": 8, "modules": ["q_proj", "v_proj"], "changes": True} for name in names
    }
    judge = json.loads((project.root / "outputs/reward/adapter_config.json").read_text())
    assert (judge["task_type"], judge["r"]) == ("SEQ_CLS", 4)
