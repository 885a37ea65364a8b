"""Settings of a run, under the names of `trl`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive import finetune
from llmops.compiler.derive.settings import Made, Setting
from llmops.compiler.derive.training import on_cpu, precision
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.trl.known import RUNS_CODE, arguments

WORDS = {
    "learning_rate": "learning_rate", "epochs": "num_train_epochs", "max_steps": "max_steps",
    "batch_size": "per_device_train_batch_size", "gradient_accumulation_steps": "gradient_accumulation_steps",
    "sequence_len": "max_length", "warmup_ratio": "warmup_steps", "warmup_steps": "warmup_steps",
    "weight_decay": "weight_decay", "optimizer": "optim", "lr_scheduler": "lr_scheduler_type",
}  # fmt: skip
"""The language's words that are called otherwise here. `warmup_steps` below 1 is a share of all steps."""
FLAGS = {"bf16": ("bf16",), "fp16": ("fp16",), "fp32": ()}
"""What each precision switches on: both are off without. `bf16` is on where nothing is said."""
TEMPLATES = (".jinja", ".j2")
ROLES = {"eos_token": "eos_token", "pad_token": "pad_token"}


def settings(lowering: Lowering, tuning: View[Any], command: str) -> Iterator[Made]:
    yield from _adapter(tuning, command)
    yield from _words(tuning, command)
    yield from _numbers(lowering, tuning, command)
    yield from _template(lowering, tuning, command)
    yield from _tokens(tuning, command)
    yield from _distributed(tuning)
    report = tuning.get("report_to")
    if report is not None:
        yield Setting("report_to", tuning.tree("report_to"), tuning.at("report_to"))


def _adapter(tuning: View[Any], command: str) -> Iterator[Made]:
    kind = finetune.adapter(tuning)
    fields = {
        "rank": "lora_r", "alpha": "lora_alpha", "dropout": "lora_dropout", "target_modules": "lora_target_modules",
    }  # fmt: skip
    if kind.value == "none":
        for ours in fields:
            if tuning.has("adapter", ours):
                yield Unsupported(tuning.at("adapter", ours), "without an adapter all weights are trained")
        return
    at = tuning.at("adapter", "type")
    yield Setting("use_peft", Sourced(True, kind.sources, raw=True), at)
    if kind.value == "qlora":
        yield Setting("load_in_4bit", Sourced(True, kind.sources, raw=True), at)
    if command == "reward" and "lora_task_type" not in (tuning.value.get("params") or {}):
        yield Setting("lora_task_type", kind.express(lambda _: "SEQ_CLS").because(tuning.text("method")))
    for ours, theirs in fields.items():
        value = tuning.tree("adapter", ours)
        if value is not None:
            yield Setting(theirs, Sourced(value, kind.sources, raw=True), tuning.at("adapter", ours))


def _words(tuning: View[Any], command: str) -> Iterator[Made]:
    for written, value in (tuning.tree("params") or {}).items():
        at = tuning.at("params", written)
        if written == "precision":
            continue
        if written in RUNS_CODE:
            yield _elsewhere(at, written)
        else:
            yield Setting(WORDS.get(written, written), value, at, written)


def _elsewhere(at: KeyPath, written: str) -> Finding:
    return Finding(
        f"`{written}` is no parameter: it makes the trainer run code", (Label(at, "", primary=True, key_only=True),),
        help=(f"say it with {RUNS_CODE[written]}",), severity=Severity.ERROR,
    )  # fmt: skip


def _numbers(lowering: Lowering, tuning: View[Any], command: str) -> Iterator[Made]:
    written = tuning.maybe_text("params", "precision") if "precision" in (tuning.value.get("params") or {}) else None
    at = tuning.at("params", "precision") if written is not None else tuning.at("hardware")
    if written is not None and written.value not in FLAGS:
        yield Finding(
            f"TRL computes in no `{written.value}`", (Label(at, "", primary=True),),
            notes=(f"it takes {', '.join(f'`{name}`' for name in FLAGS)}",), severity=Severity.ERROR,
        )  # fmt: skip
        return
    chosen = written or precision(lowering.reader, lowering.facts, tuning)
    if chosen is not None:
        on = FLAGS[chosen.value]
        yield Setting("bf16", chosen.express(lambda _: "bf16" in on), at)
        if "fp16" in on:
            yield Setting("fp16", chosen.express(lambda _: True), at)
    cpu = on_cpu(lowering.reader, tuning)
    if cpu is not None and cpu.value:
        yield Setting("use_cpu", cpu, tuning.at("hardware"))
        if finetune.adapter(tuning).value == "qlora":
            yield Finding(
                "4-bit weights are trained on accelerators alone",
                (Label(tuning.at("adapter", "type"), "", primary=True), Label(tuning.at("hardware"), "no accelerator")),
                help=("take `lora`, or a pool with accelerators",), severity=Severity.ERROR,
            )  # fmt: skip


def _template(lowering: Lowering, tuning: View[Any], command: str) -> Iterator[Made]:
    """What it is trained with is what is served: the base's own template file, unless another is named."""
    base = finetune.base(tuning)
    written = tuning.maybe_text("template")
    file = base.maybe_text("chat_template") if base is not None else None
    if written is None and (file is None or base is None):
        return
    has = "chat_template_path" in arguments(command)
    at = tuning.at("template") if written is not None else tuning.at("base")
    if not has:
        yield Unsupported(at, f"`trl {command}` takes the tokenizer's own chat template")
    elif written is not None:
        yield Setting("chat_template_path", written, at)
    elif file is not None:
        path = file.map(lambda where: _path(lowering, where)).because(tuning.ref_name("base"))
        if path.value.endswith(TEMPLATES):
            yield Setting("chat_template_path", path, at)
        else:
            yield Finding(
                "TRL takes this file for a tokenizer", (Label(at, "trained with it", primary=True),),
                help=(f"call it `{file.value}.jinja`",), severity=Severity.ERROR,
            )  # fmt: skip


def _path(lowering: Lowering, where: str) -> str:
    return posixpath.normpath(posixpath.join(lowering.root, where))


def _tokens(tuning: View[Any], command: str) -> Iterator[Made]:
    has = arguments(command)
    for role, token in (tuning.tree("tokens", "special") or {}).items():
        at = tuning.at("tokens", "special", role)
        if role in ROLES and role in has:
            yield Setting(role, token, at)
        else:
            yield Unsupported(at, f"`trl {command}` adds no tokens, and takes this one from the tokenizer")
    ends = list(tuning.tree("tokens", "eot") or ())
    if len(ends) == 1 and "eos_token" in has:
        yield Setting("eos_token", ends[0], tuning.at("tokens", "eot"))
    elif ends:
        yield Unsupported(tuning.at("tokens", "eot"), f"`trl {command}` ends a turn with the tokenizer's own token")


def _distributed(tuning: View[Any]) -> Iterator[Made]:
    for name, value in (tuning.tree("distributed") or {}).items():
        at = tuning.at("distributed", name)
        if name == "fsdp" and isinstance(value, dict):
            yield Setting("fsdp", literal("full_shard"), at)
            yield Setting("fsdp_config", value, at)
        elif name == "deepspeed":
            yield Setting("deepspeed", value, at)
        else:
            yield Unsupported(at, "it takes `fsdp`, a map, and `deepspeed`")
