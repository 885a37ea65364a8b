"""What is wrong with a fine-tuning is said at its place; what the tool cannot do is never left out in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.trl.known import check
from tests.e2e.training import CONVERSATIONS

BASE = "weights: {repo: Qwen/Qwen3-8B, revision: b968826d9c46dd6066d109eabc6255188de91218}\n"
DATA = "files: data/chat.jsonl\nsplits: {train: 0.5, test: 0.5}\ntrust: trusted\nsensitivity: public\n"
ROWS = "".join(
    json.dumps(json.loads(row) | {"prompt": "Open?", "chosen": "Until 8.", "rejected": "No.", "label": True}) + "\n"
    for row in CONVERSATIONS.splitlines()
)
"""Whatever the method, it learns from them."""
POOLS = "env: {pools: {gpu: {accelerator: L40S}, old: {accelerator: T4}, cores: {accelerator: cpu}}}\n"


def project(tuning: str, trainer: str = "trl", base: str = BASE, **more: str) -> Compilation:
    written = f"base: base\ntrainer: {trainer}\n{tuning}"
    if "data:" not in tuning:
        written += "data: {chat: {}}\n"
    selected = "  - model: [base]\n  - dataset: [chat]\n  - finetune: [tone]\n"
    return compile_project(
        Memory({
            "llmops.yaml": b"name: case\nenvironments: {dev: []}\n",
            "conf/config.yaml": f"defaults:\n{selected}  - env: dev\n".encode(),
            "conf/env/dev.yaml": POOLS.encode(), "conf/model/base.yaml": base.encode(),
            "conf/dataset/chat.yaml": DATA.encode(), "conf/finetune/tone.yaml": written.encode(),
            "data/chat.jsonl": ROWS.encode(), **{name: text.encode() for name, text in more.items()},
        }),
        Request(),
    )  # fmt: skip


def said(found: Compilation) -> list[tuple[str, str, int]]:
    return [
        (d.severity.value, d.message, d.labels[0].span.line) for d in found.diagnostics
        if d.code in ("TGT002", "TGT006") and d.labels
    ]


def written(found: Compilation, end: str = "tone.yaml") -> dict[str, Any]:
    made = [e for e in found.emitted if e.path.endswith(end) and "/trl/" in e.path]
    assert len(made) == 1, [d.message for d in found.diagnostics]
    loaded: dict[str, Any] = yaml.safe_load(made[0].content)
    return loaded


def test_a_misspelt_setting_is_an_error_at_its_key_with_the_nearest_one() -> None:
    found = project("method: sft\nparams:\n  learning_rate: 1e-4\n  per_device_train_batch_sze: 4\n")
    assert said(found) == [("error", "`trl sft` has no setting `per_device_train_batch_sze`", 6)]
    assert "per_device_train_batch_size" in str(next(d for d in found.diagnostics if d.code == "TGT002").expected)


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        ("method: sft\nparams: {lr_scheduler: cosin}\n", "`trl sft` knows no lr_scheduler_type `cosin`"),
        ("method: sft\nparams: {weight_decay: small}\n", "`weight_decay` of `trl sft` is a number"),
        ("method: sft\nparams: {epochs: 1, num_train_epochs: 2}\n", "`num_train_epochs` is said twice"),
        ("method: sft\nparams: {beta: 0.1}\n", "`trl sft` has no setting `beta`"),
        ("method: sft\nparams: {precision: int4}\n", "TRL computes in no `int4`"),
        ("method: grpo\nparams: {reward_funcs: [os.system]}\n",
         "`reward_funcs` is no parameter: it makes the trainer run code"),
        ("method: sft\nadapter: {type: qlora}\nhardware: {cpu: 2}\n",
         "4-bit weights are trained on accelerators alone"),
        ("method: sft\ndata: {chat: {split: trian}}\n", "`chat` has no rows of a split `trian`"),
    ],
)  # fmt: skip
def test_what_would_fail_is_an_error(tuning: str, message: str) -> None:
    assert ("error", message) in [(severity, text) for severity, text, _ in said(project(tuning))]


@pytest.mark.parametrize(
    ("tuning", "why"),
    [
        ("method: orpo\n", "`trl` has no command for `orpo`"),
        ("method: sft\nadapter: {type: none, rank: 8}\n", "without an adapter all weights are trained"),
        ("method: dpo\ntemplate: x.jinja\n", "`trl dpo` takes the tokenizer's own chat template"),
        ("method: sft\ntokens: {eot: [a, b]}\n", "`trl sft` ends a turn with the tokenizer's own token"),
        ("method: sft\noutput: {uri: \"s3://models/tone\"}\n", "`trl` writes to a folder"),
        ("method: sft\nbudget: {usd_per_run: 200}\n", "a run does not end when money is spent"),
        ("method: sft\nversion: \"0.9\"\n", "a job that trains installs 1.16.0"),
    ],
)  # fmt: skip
def test_what_it_cannot_express_is_told(tuning: str, why: str) -> None:
    assert any(why in text for _, text, _ in said(project(tuning))), said(project(tuning))


@pytest.mark.parametrize(
    ("hardware", "numbers"),
    [
        ("hardware: {pool: gpu}\n", {"bf16": True}),
        ("hardware: {pool: old}\n", {"bf16": False, "fp16": True}),
        ("hardware: {pool: cores}\n", {"bf16": False, "use_cpu": True}),
        ("hardware: {cpu: 2}\n", {"bf16": False, "use_cpu": True}),
        ("", {}),
        ("hardware: {pool: gpu}\nparams: {precision: fp32}\n", {"bf16": False}),
    ],
)
def test_the_numbers_follow_from_the_hardware(hardware: str, numbers: dict[str, bool]) -> None:
    body = written(project(f"method: sft\n{hardware}"))
    assert {name: body[name] for name in ("bf16", "fp16", "use_cpu") if name in body} == numbers


def test_it_is_trained_with_the_template_that_is_served() -> None:
    found = project("method: sft\n", base=BASE + "chat_template: chat.jinja\n", **{"chat.jinja": "{{ messages }}"})
    assert written(found)["chat_template_path"] == "chat.jinja"
    odd = project("method: sft\n", base=BASE + "chat_template: chat.txt\n", **{"chat.txt": "{{ messages }}"})
    assert [text for _, text, _ in said(odd)] == ["TRL takes this file for a tokenizer"]


def test_a_model_that_is_made_of_itself_is_a_cycle() -> None:
    found = project("method: sft\n", base="weights: {finetune: tone}\n")
    assert [d.code for d in found.diagnostics if d.severity == "error"] == ["REF003"]


def test_a_file_of_markdown_is_no_data() -> None:
    found = project("method: sft\n", **{
        "conf/dataset/chat.yaml": "files: data/*.md\ntrust: trusted\nsensitivity: public\n", "data/a.md": "# A",
    })  # fmt: skip
    assert [text for _, text, _ in said(found)] == ["no trainer can read rows from `chat`"]


def test_an_override_is_held_against_the_same_lists() -> None:
    patch = "overrides: {trl: {sft/tone.yaml: {report_to: [wandbb], env: {A: b}}}}\n"
    texts = [text for _, text, _ in said(project("method: sft\n" + patch))]
    assert any("wandbb" in text and "did you mean `wandb`?" in text for text in texts), texts
    assert any("has no setting `env`" in text for text in texts), texts


def test_what_excludes_each_other_is_refused() -> None:
    data: dict[str, Any] = {"dataset_name": "data"}
    twins = [{"load_in_4bit": True}, {"lora_r": -3}, {"bf16": True, "fp16": True}, {"use_cpu": True, "fp16": True}]
    assert list(check("sft/tone.yaml", data)) == []
    assert all(len(list(check("sft/tone.yaml", data | twin))) == 1 for twin in twins)
    assert list(check("sft/tone.yaml", {})) == ["neither `datasets` nor `dataset_name` is there"]
