"""Settings of a run, under the names of LLaMA-Factory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive import finetune, training
from llmops.compiler.derive import model as models
from llmops.compiler.derive.settings import Made, Setting
from llmops.compiler.derive.training import HUB
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import Fact
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.llama_factory.known import LOADS_CODE, STAGES, locked_version, table

WORDS = {
    "epochs": "num_train_epochs", "batch_size": "per_device_train_batch_size", "sequence_len": "cutoff_len",
    "warmup_ratio": "warmup_steps", "optimizer": "optim", "lr_scheduler": "lr_scheduler_type", "beta": "pref_beta",
}  # fmt: skip
"""The language's words that are called otherwise here. `warmup_steps` below 1 is a share of all steps."""
ATTENTION = {"flash_attention_2": "fa2", "flash_attention_3": "fa3", "eager": "disabled"}
OTHERS = {
    "schedule": "a run starts when somebody starts it: give a pipeline the schedule",
    "budget": "a run does not end when money is spent", "reward": "it asks no reward",
    "tokens": "its template says which tokens there are",
}
ALL_LAYERS = ["all-linear"]


def start(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    base = finetune.base(tuning)
    where = training.starts_from(lowering, tuning)
    if where is None or base is None:
        yield Finding(
            "only weights can be trained", (Label(tuning.at("base"), "a provider's model", primary=True),),
            help=("name a model with `weights`",), severity=Severity.ERROR,
        )  # fmt: skip
        return
    yield Setting("model_name_or_path", where, tuning.at("base"))
    _, revision = finetune.weights(tuning)
    if revision is not None:
        yield Setting("model_revision", revision, tuning.at("base"))
    trusted = base.maybe_flag("trust_remote_code")
    if trusted is not None and base.written("trust_remote_code"):
        yield Setting("trust_remote_code", trusted.because(tuning.ref_name("base")), base.at("trust_remote_code"))
    method = tuning.text("method")
    yield Setting("stage", method.express(lambda name: STAGES[name]), tuning.at("method"))
    if method.value == "orpo":
        yield Setting("pref_loss", method.express(lambda _: "orpo"), tuning.at("method"))
    yield Setting("do_train", literal(True))


def settings(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    yield from template(lowering, tuning)
    yield from _adapter(lowering, tuning)
    yield from _words(tuning)
    yield from _numbers(lowering, tuning)
    yield from _distributed(tuning)
    report = tuning.tree("report_to")
    if report is not None:
        yield Setting("report_to", report, tuning.at("report_to"))
    yield from _output(lowering, tuning)
    for field, why in OTHERS.items():
        if tuning.has(field):
            yield Unsupported(tuning.at(field), why)
    version = tuning.maybe_text("version")
    if version is not None and version.value != locked_version():
        why = f"a job that trains installs {locked_version()}, from the lock"
        yield Unsupported(tuning.at("version"), why, "leave the version out")


def template(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    """By its own name: as written, else what the catalogue knows of the base."""
    written = tuning.maybe_text("template")
    base = finetune.base(tuning)
    if base is not None and base.has("chat_template"):
        yield Unsupported(tuning.at("base"), "it has templates of its own, and reads no file", "name one: `template`")
    if written is not None:
        yield Setting("template", written, tuning.at("template"))
        return
    repo = models.repo(base) if base is not None else None
    name = lowering.facts.template(repo.value, "llama_factory") if repo is not None else None
    if repo is not None and name is not None:
        fact = Fact(f"template/{repo.value}", table()["source"], table()["as_of"])
        yield Setting("template", Sourced(name, (fact, *repo.sources), raw=True).because(tuning.ref_name("base")))
    elif tuning.text("method").value != "pretrain":
        yield Finding(
            "LLaMA-Factory would train without a chat template", (Label(tuning.at("base"), "", primary=True),),
            notes=("its name of this model's template is not known",),
            help=("add `template`, one of its own names, such as `qwen3`",), severity=Severity.ERROR,
        )  # fmt: skip


def _adapter(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    kind = finetune.adapter(tuning)
    fields = {"rank": "lora_rank", "alpha": "lora_alpha", "dropout": "lora_dropout"}
    at = tuning.at("adapter", "type")
    yield Setting("finetuning_type", kind.express(lambda name: "full" if name == "none" else "lora"), at)
    earlier = tuning.ref("from")
    if earlier is not None:
        made = training.result(lowering, earlier)
        if made is not None and kind.value != "none" and not finetune.merged(earlier):
            place = made.map(lambda text: text.removeprefix(HUB)).because(tuning.get("from"))
            yield Setting("adapter_name_or_path", place, tuning.at("from"))
        else:
            yield Unsupported(tuning.at("from"), "it goes on from an adapter", "make the model of it the `base`")
    if kind.value == "none":
        for ours in (*fields, "target_modules"):
            if tuning.has("adapter", ours):
                yield Unsupported(tuning.at("adapter", ours), "without an adapter all weights are trained")
        return
    if kind.value == "qlora":
        yield Setting("quantization_bit", kind.express(lambda _: 4), at)
    for ours, theirs in fields.items():
        value = tuning.get("adapter", ours)
        if value is not None:
            yield Setting(theirs, value.because(kind), tuning.at("adapter", ours))
    layers = tuning.get("adapter", "target_modules")
    if layers is not None:
        text = "all" if layers.value == ALL_LAYERS else ",".join(layers.value)
        named = Sourced(text, layers.sources).because(kind)
        yield Setting("lora_target", named, tuning.at("adapter", "target_modules"))


def _words(tuning: View[Any]) -> Iterator[Made]:
    for written, value in (tuning.tree("params") or {}).items():
        at = tuning.at("params", written)
        if written == "precision":
            continue
        if written in LOADS_CODE:
            yield Finding(
                f"`{written}` is no parameter: it makes the trainer run code",
                (Label(at, "", primary=True, key_only=True),), severity=Severity.ERROR,
            )  # fmt: skip
        elif written == "gradient_checkpointing" and isinstance(value, Sourced) and isinstance(value.value, bool):
            yield Setting("disable_gradient_checkpointing", value.express(lambda on: not on), at, written)
        elif written == "attn_implementation" and isinstance(value, Sourced):
            yield Setting("flash_attn", value.map(lambda name: ATTENTION.get(name, name)), at, written)
        else:
            yield Setting(WORDS.get(written, written), value, at, written)


def _numbers(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    written = tuning.maybe_text("params", "precision") if "precision" in (tuning.value.get("params") or {}) else None
    at = tuning.at("params", "precision") if written is not None else tuning.at("hardware")
    chosen = written or training.precision(lowering.reader, lowering.facts, tuning)
    if chosen is not None and chosen.value not in ("bf16", "fp16", "fp32"):
        yield Finding(
            f"LLaMA-Factory computes in no `{chosen.value}`", (Label(at, "", primary=True),),
            notes=("it takes `bf16`, `fp16`, `fp32`",), severity=Severity.ERROR,
        )  # fmt: skip
    elif chosen is not None and chosen.value != "fp32":
        yield Setting(chosen.value, chosen.express(lambda _: True), at)
    cpu = training.on_cpu(lowering.reader, tuning)
    if cpu is not None and cpu.value:
        yield Setting("use_cpu", cpu, tuning.at("hardware"))
        if finetune.adapter(tuning).value == "qlora":
            yield Finding(
                "4-bit weights are trained on accelerators alone",
                (Label(tuning.at("adapter", "type"), "", primary=True), Label(tuning.at("hardware"), "no accelerator")),
                help=("take `lora`, or a pool with accelerators",), severity=Severity.ERROR,
            )  # fmt: skip


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


def _output(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    written = tuning.maybe_text("output", "uri")
    at = tuning.at("output", "uri")
    if written is not None and written.value.startswith(HUB):
        yield Setting("push_to_hub", written.express(lambda _: True), at)
        yield Setting("hub_model_id", written.map(lambda text: text.removeprefix(HUB)), at)
    elif training.folder(lowering, tuning) is None:
        yield Unsupported(at, "it writes to a folder, and uploads to `hf://…` alone")
    yield Setting("output_dir", adapter_folder(lowering, tuning))


def merges(tuning: View[Any]) -> bool:
    """Whether an adapter is merged into the weights after the run."""
    into = tuning.maybe_flag("output", "merge")
    return into is not None and into.value and finetune.adapter(tuning).value != "none"


def made(lowering: Lowering, tuning: View[Any]) -> Sourced[str]:
    local = training.beside(lowering, tuning, "local")
    return training.folder(lowering, tuning) or literal(local).because(tuning.get("output", "uri"))


def adapter_folder(lowering: Lowering, tuning: View[Any]) -> Sourced[str]:
    """Where the run writes: the place of the output, or one beside it where the merged weights go there."""
    if merges(tuning):
        return literal(training.beside(lowering, tuning, "adapter")).because(tuning.get("output", "merge"))
    return made(lowering, tuning)
