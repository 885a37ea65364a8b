"""Every way of learning that a trainer knows, for two steps each, by what was compiled for it.

    project = written(tmp_path, files("axolotl"), "axolotl")
    ran = trained(project, "axolotl", "dpo", "kto")         what each left, or the last words of one that failed

The runs share a process, so that the libraries are loaded once: each calls the function that the trainer's own command
calls, with the compiled file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.e2e.training import CONVERSATIONS, OFFLINE, TUNED, Written
from tests.tools.toolbox import require_tool, run_tool

DATA = {
    "sft": "conversations", "further": "conversations", "dpo": "preferences", "orpo": "preferences",
    "reward": "preferences", "kto": "liked", "grpo": "liked", "pretrain": "texts",
}  # fmt: skip
COMMANDS = {"trl": "trl", "axolotl": "axolotl", "llama-factory": "llamafactory-cli"}
MISSING: Mapping[str, frozenset[str]] = {
    "trl": frozenset({"further", "orpo"}), "axolotl": frozenset(), "llama-factory": frozenset({"grpo"}),
}  # fmt: skip
"""What a trainer has no way for."""


def _lines(rows: list[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


ASKED = [f"May I return order {n}?" for n in range(16)]
ROWS = {
    "conversations.jsonl": CONVERSATIONS,
    "preferences.jsonl": _lines([
        {"system": "", "input": text, "prompt": text, "chosen": "With pleasure.", "rejected": "No."} for text in ASKED
    ]),
    "liked.jsonl": _lines([
        {"prompt": text, "completion": ("No.", "With pleasure.")[n % 2], "label": bool(n % 2)}
        for n, text in enumerate(ASKED)
    ]),
    "texts.txt": "".join(f"Order {n} may be returned with pleasure.\n" for n in range(40)),
}  # fmt: skip
REWARD = "def reward(prompts, completions, **columns):\n    return [float(len(str(text))) for text in completions]\n"
MORE = {
    "axolotl": {"grpo": "dataset_num_proc: 1, num_generations: 2, max_completion_length: 8", "": "dataset_num_proc: 1"},
    "trl": {"grpo": "num_generations: 2, max_completion_length: 8"},
}
"""Parameters in the trainer's own words."""


def files(trainer: str) -> dict[str, str]:
    """A project that learns in every way, each from the same tiny model."""
    names = [name for name in DATA if name not in MISSING[trainer]]
    made = {path: text for path, text in TUNED.items() if path in ("llmops.yaml", "conf/env/dev.yaml")}
    made["conf/model/base.yaml"] = TUNED["conf/model/base.yaml"]
    made["conf/config.yaml"] = (
        "defaults:\n  - model: [base]\n  - dataset: [conversations, preferences, liked, texts]\n"
        f"  - finetune: [{', '.join(names)}]\n  - env: dev\n"
    )
    for file, rows in ROWS.items():
        name = file.partition(".")[0]
        made[f"conf/dataset/{name}.yaml"] = f"files: data/{file}\ntrust: trusted\nsensitivity: public\n"
        made[f"data/{file}"] = rows
    made["conf/dataset/texts.yaml"] += "columns: {text: string}\n"
    made["training/reward.py"] = REWARD
    for name in names:
        made[f"conf/finetune/{name}.yaml"] = _tuning(trainer, name)
    return made


def _tuning(trainer: str, name: str) -> str:
    more = MORE.get(trainer, {}).get(name, MORE.get(trainer, {}).get("", "seed: 7"))
    length = "" if (trainer, name) == ("trl", "grpo") else "sequence_len: 256, "
    lines = [
        "base: base", f"data: {{{DATA[name]}: {{}}}}", f"method: {'sft' if name == 'further' else name}",
        "adapter: {type: lora, rank: 4, alpha: 8, target_modules: [q_proj, v_proj]}", f"trainer: {trainer}",
        f"params: {{learning_rate: 0.01, max_steps: 2, batch_size: 2, {length}gradient_checkpointing: false, {more}}}",
        "hardware: {cpu: 2}",
    ]  # fmt: skip
    lines += ["from: sft"] if name == "further" else []
    lines += ["template: chatml"] if trainer == "llama-factory" else []
    lines += ["reward: {code: training/reward.py, function: reward}"] if name == "grpo" else []
    return "\n".join(lines) + "\n"


RUN = """
import importlib, json, sys
sys.path.insert(0, ".")  # as a program that is started by its file or module name in this folder finds it

def trl(config):
    command = importlib.import_module("trl.scripts." + config.split("/")[-2])
    command.main(*command.make_parser().parse_args_and_config(["--config", config]))

def axolotl(config):
    importlib.import_module("axolotl.cli.train").do_cli(config)

def llama_factory(config):
    sys.argv = ["llamafactory-cli", config]
    tuner = importlib.import_module("llamafactory.train.tuner")
    (tuner.export_model if config.endswith(".export.yaml") else tuner.run_exp)()

if __name__ == "__main__":
    trainer, *configs = sys.argv[1:]
    said = {}
    for config in configs:
        try:
            globals()[trainer.replace("-", "_")](config)
            said[config] = ""
        except BaseException as error:
            said[config] = f"{type(error).__name__}: {error}"
    with open("said.json", "w") as file:
        json.dump(said, file)
"""


def config(project: Written, trainer: str, name: str) -> str:
    """The compiled file of a run."""
    found = [*(project.root / "generated/dev" / trainer).glob(f"**/{name}.yaml")]
    assert len(found) == 1, (name, found)
    return str(found[0].relative_to(project.root))


def trained(project: Written, trainer: str, *names: str) -> dict[str, str]:
    """What each run says against itself; nothing where it ended well."""
    configs = {name: config(project, trainer, name) for name in names}
    (project.root / "run.py").write_text(RUN)
    python = require_tool(COMMANDS[trainer]).parent / "python"
    done = run_tool([python, "run.py", trainer, *configs.values()], project.root, OFFLINE, timeout=400)
    said = project.root / "said.json"
    assert said.is_file(), done
    found = json.loads(said.read_text())
    return {name: found[file] for name, file in configs.items()}


LOAD = """
import json, sys
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
words = torch.tensor([[5, 6, 7, 8]])
plain = AutoModelForCausalLM.from_pretrained("models/tiny", dtype=torch.float32)
before = plain(words).logits
for folder in sys.argv[1:]:
    base = AutoModelForCausalLM.from_pretrained("models/tiny", dtype=torch.float32)
    adapted = PeftModel.from_pretrained(base, folder)
    config = adapted.peft_config["default"]
    print(json.dumps([folder, {
        "rank": config.r, "alpha": config.lora_alpha, "modules": sorted(config.target_modules),
        "changes": not torch.equal(before, adapted(words).logits),
    }]))
"""


def loaded(project: Written, *folders: str) -> dict[str, Mapping[str, object]]:
    """Each adapter as peft of the newest release loads it onto the model, and whether that says something else then."""
    (project.root / "load.py").write_text(LOAD)
    python = require_tool("trl").parent / "python"
    done = run_tool([python, "load.py", *folders], project.root, OFFLINE)
    assert done.ok, done
    return dict(json.loads(line) for line in done.output.splitlines() if line.startswith('["'))
