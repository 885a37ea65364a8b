"""A fine-tuning, run as a job would run it: what was compiled, by the commands that its trainer's target gives.

    project = written(tmp_path, files)            the project and all that was compiled of it, on disk
    made = train(project, "dev.finetune.tone")    the folder that the run left

The model is `tests/e2e/tiny_model.py`'s; everything else is real.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmops.compiler.driver import Compilation
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.exports import Task
from tests.e2e import tiny_model
from tests.support.asking import asked
from tests.tools.toolbox import require_tool, run_tool

MODEL = "models/tiny"
"""Where a project of these tests keeps the weights that it starts from: `uri: file://models/tiny`."""
OFFLINE = {
    "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "2", "TOKENIZERS_PARALLELISM": "false",
    "AXOLOTL_DO_NOT_TRACK": "1",
}  # fmt: skip

CONVERSATIONS = "".join(
    json.dumps({"messages": [
        {"role": "user", "content": f"May I return order {n}?"},
        {"role": "assistant", "content": "With pleasure."},
    ]}) + "\n"
    for n in range(32)
)  # fmt: skip

TUNED: Mapping[str, str] = {
    "llmops.yaml": "name: shop\nenvironments: {dev: []}\n",
    "conf/config.yaml": """\
defaults:
  - model: [base, tone, whole]
  - dataset: [conversations]
  - finetune: [tone, whole]
  - deployment: [answerer, whole]
  - env: dev
""",
    "conf/env/dev.yaml": "env: {}\n",
    "conf/model/base.yaml": f"weights: {{uri: 'file://{MODEL}'}}\ntask: chat\nfacts: {{context: 512}}\n",
    "conf/model/tone.yaml": "weights: {finetune: tone}\ntask: chat\n",
    "conf/model/whole.yaml": "weights: {finetune: whole}\ntask: chat\n",
    "conf/dataset/conversations.yaml": """\
files: data/conversations.jsonl
splits: {train: 0.75, test: 0.25}
trust: trusted
sensitivity: public
""",
    "conf/finetune/tone.yaml": """\
base: base
data: {conversations: {split: train}}
validation: {dataset: conversations, split: test}
method: sft
adapter: {type: lora, rank: 8, alpha: 16, target_modules: [q_proj, v_proj]}
trainer: trl
params:
  {learning_rate: 0.01, epochs: 1, batch_size: 4, sequence_len: 256, gradient_checkpointing: false,
   eval_strategy: steps, eval_steps: 3}
hardware: {cpu: 2}
""",
    "conf/finetune/whole.yaml": """\
base: base
data: {conversations: {max_rows: 8}}
method: sft
adapter: {type: lora, rank: 4}
trainer: trl
params: {max_steps: 1, batch_size: 4, sequence_len: 256, gradient_checkpointing: false}
hardware: {cpu: 2}
output: {merge: true}
""",
    "conf/deployment/answerer.yaml": """\
model: base
engine: vllm
version: "0.32.0"
adapters: [tone]
hardware: {cpu: 2}
port: 8017
max_model_len: 256
dtype: float32
args: {enforce_eager: true}
env: {VLLM_CPU_KVCACHE_SPACE: 1, VLLM_NO_USAGE_STATS: 1}
""",
    "conf/deployment/whole.yaml": """\
model: whole
engine: vllm
version: "0.32.0"
hardware: {cpu: 2}
port: 8018
max_model_len: 256
dtype: float32
args: {enforce_eager: true}
env: {VLLM_CPU_KVCACHE_SPACE: 1, VLLM_NO_USAGE_STATS: 1}
""",
    "data/conversations.jsonl": CONVERSATIONS,
}
"""A tone learned by an adapter, served beside its base; and another whose adapter is merged into whole weights."""


@dataclass(frozen=True, slots=True)
class Written:
    """A project on disk, with what was compiled of it and how its jobs run."""

    root: Path
    compilation: Compilation
    tasks: Mapping[str, Task]


def written(root: Path, files: Mapping[str, str], *trainers: str) -> Written:
    """The project in `root` with all that is compiled of it, and the tiny model."""
    compilation, tasks = asked(Memory({k: v.encode() for k, v in files.items()}), Task, *(trainers or ("trl",)))
    problems = [f"{d.code} {d.message}" for d in compilation.diagnostics if d.severity == "error"]
    assert not problems, problems
    made = {emitted.path: emitted.content for emitted in compilation.emitted}
    for path, content in ({k: v.encode() for k, v in files.items()} | made).items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    if not (root / MODEL).is_dir():
        (root / MODEL).parent.mkdir(parents=True, exist_ok=True)
        tiny_model.make(root / MODEL)
    return Written(root, compilation, tasks)


def train(project: Written, resource: str, tool: str = "trl") -> Path:
    """Run the commands of the task `<environment>.finetune.<name>` in the repository's root; what they leave."""
    task = project.tasks[resource]
    search = {"PATH": f"{require_tool(tool).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    settings = {name: value.value for name, value in task.settings.items()}
    for command in (*task.prepare, task.argv):
        done = run_tool([word.value for word in command], project.root, OFFLINE | search | settings, timeout=400)
        assert done.ok, done
    first = task.results[0]
    return project.root / (first if isinstance(first, str) else first.value)
