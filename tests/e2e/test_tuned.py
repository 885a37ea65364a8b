"""What is trained is served: data → TRL → adapter or merged weights → vLLM, each from what was compiled.

Nothing is scripted: the weights are random, so what is judged is the way, and that the adapter changes what is said.
"""

from __future__ import annotations

import pytest
import yaml

from tests.e2e.serving import on_ports, serving
from tests.e2e.training import OFFLINE, TUNED, Written, train, written
from tests.tools.running import free_port
from tests.tools.toolbox import require_tool, run_tool

pytestmark = [pytest.mark.chain, pytest.mark.slow]
QUESTION = "May I return order 3?"


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return on_ports(TUNED, answerer=free_port(), whole=free_port())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]) -> Written:
    return written(tmp_path_factory.mktemp("tuned"), files)


def compiled(project: Written, name: str) -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load((project.root / "generated/dev/vllm" / f"{name}.yaml").read_text())
    return loaded


def test_an_adapter_is_served_beside_its_base(project: Written, files: dict[str, str]) -> None:
    made = train(project, "dev.finetune.tone")
    config = compiled(project, "answerer")
    assert config["max-lora-rank"] == 8
    assert config["lora-modules"] == [f'{{"name": "tone", "path": "{made.relative_to(project.root)}"}}']
    with serving(project, files, "dev.deployment.answerer") as server:
        base, tone = server.chat("base", QUESTION, logprobs=True), server.chat("tone", QUESTION, logprobs=True)
        unknown = server.chat("tune", QUESTION)
    assert (base.status, tone.status, unknown.status) == (200, 200, 404), (base, tone, unknown)
    assert (base.body["model"], tone.body["model"]) == ("base", "tone")
    first = [reply.body["choices"][0]["logprobs"]["content"][0]["logprob"] for reply in (base, tone)]
    assert first[0] != first[1], "the adapter changes nothing"


def test_merged_weights_are_a_model_of_their_own(project: Written, files: dict[str, str]) -> None:
    made = train(project, "dev.finetune.whole")
    config = compiled(project, "whole")
    assert (config["model"], config["served-model-name"]) == (str(made.relative_to(project.root)), "whole")
    assert "lora-modules" not in config
    with serving(project, files, "dev.deployment.whole") as server:
        reply = server.chat("whole", QUESTION)
    assert reply.status == 200, reply
    assert reply.body["usage"]["completion_tokens"] > 0


FITS = """
import sys
from vllm.config.lora import LoRAConfig
from vllm.lora.peft_helper import PEFTHelper
adapter = PEFTHelper.from_local_dir(sys.argv[1], max_position_embeddings=None)
adapter.validate_legal(LoRAConfig(max_lora_rank=int(sys.argv[2])))
"""
"""The engine's own check of an adapter, without the minute that it takes to start."""


def test_the_compiled_rank_is_what_the_engine_asks_for(project: Written) -> None:
    adapter = project.root / "outputs" / "tone"
    if not adapter.is_dir():
        train(project, "dev.finetune.tone")
    python = require_tool("vllm").parent / "python"
    ranks = {str(compiled(project, "answerer")["max-lora-rank"]): True, "1": False}
    for rank, fits in ranks.items():
        done = run_tool([python, "-c", FITS, adapter, rank], project.root, OFFLINE)
        assert done.ok == fits, done
        assert fits or "rank" in done.output.splitlines()[-1], done
