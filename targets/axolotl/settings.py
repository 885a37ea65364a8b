"""Settings of a run, under the names of axolotl."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive import finetune, training
from llmops.compiler.derive.settings import Made, Setting
from llmops.compiler.derive.training import HUB
from llmops.compiler.diagnostics.suggest import best
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.axolotl.known import KERNELS, LOADS_CODE, RL, locked_version, table
from llmops.targets.axolotl.reward import inside, rewards

WORDS = {"epochs": "num_epochs", "batch_size": "micro_batch_size", "packing": "sample_packing", "beta": "rl_beta"}
"""The language's words that are called otherwise here."""
REPORTERS = {
    "wandb": "use_wandb", "mlflow": "use_mlflow", "comet_ml": "use_comet", "tensorboard": "use_tensorboard",
    "trackio": "use_trackio",
}  # fmt: skip
OTHERS = {
    "schedule": "a run starts when somebody starts it: give a pipeline the schedule",
    "budget": "a run does not end when money is spent",
}
ALL_LAYERS = ["all-linear"]


def settings(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    yield from _adapter(lowering, tuning)
    yield from _words(tuning)
    yield from rewards(lowering, tuning)
    yield from _numbers(lowering, tuning)
    yield from _template(lowering, tuning)
    yield from _distributed(tuning)
    for name in tuning.tree("report_to") or ():
        if name.value in REPORTERS:
            yield Setting(REPORTERS[name.value], name.express(lambda _: True), tuning.at("report_to"))
        else:
            yield Unsupported(tuning.at("report_to"), f"axolotl reports to no `{name.value}`")
    yield from output(lowering, tuning)
    for field, why in OTHERS.items():
        if tuning.has(field):
            yield Unsupported(tuning.at(field), why)
    version = tuning.maybe_text("version")
    if version is not None and version.value != locked_version():
        why = f"a job that trains installs {locked_version()}, from the lock"
        yield Unsupported(tuning.at("version"), why, "leave the version out")


def start(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    base = finetune.base(tuning)
    where = training.starts_from(lowering, tuning)
    if where is None or base is None:
        yield Finding(
            "only weights can be trained", (Label(tuning.at("base"), "a provider's model", primary=True),),
            help=("name a model with `weights`",), severity=Severity.ERROR,
        )  # fmt: skip
        return
    yield Setting("base_model", where, tuning.at("base"))
    _, revision = finetune.weights(tuning)
    if revision is not None:
        yield Setting("revision_of_model", revision, tuning.at("base"))
    trusted = base.maybe_flag("trust_remote_code")
    if trusted is not None and base.written("trust_remote_code"):
        yield Setting("trust_remote_code", trusted.because(tuning.ref_name("base")), base.at("trust_remote_code"))
    method = tuning.text("method")
    if RL[method.value] is not None:
        yield Setting("rl", method.express(lambda name: RL[name]), tuning.at("method"))
    if method.value == "kto" and "remove_unused_columns" not in (tuning.value.get("params") or {}):
        yield Setting("remove_unused_columns", method.express(lambda _: False), tuning.at("method"))  # it asks for that
    if method.value == "reward":
        yield Setting("reward_model", method.express(lambda _: True), tuning.at("method"))
        if finetune.adapter(tuning).value != "none":
            for kernel in KERNELS:
                if kernel not in (tuning.value.get("params") or {}):
                    off: Sourced[bool] = method.express(lambda _: False)
                    yield Setting(kernel, off.because(finetune.adapter(tuning)), tuning.at("method"))


def _adapter(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    kind = finetune.adapter(tuning)
    fields = {"alpha": "lora_alpha", "dropout": "lora_dropout"}
    earlier = tuning.ref("from")
    if earlier is not None:
        made = training.result(lowering, earlier)
        if made is not None and kind.value != "none" and not finetune.merged(earlier):
            made = made.map(lambda text: text.removeprefix(HUB))
            yield Setting("lora_model_dir", made.because(tuning.get("from")), tuning.at("from"))
        else:
            yield Unsupported(tuning.at("from"), "axolotl goes on from an adapter", "make the model of it the `base`")
    if kind.value == "none":
        for ours in ("rank", *fields, "target_modules"):
            if tuning.has("adapter", ours):
                yield Unsupported(tuning.at("adapter", ours), "without an adapter all weights are trained")
        return
    at = tuning.at("adapter", "type")
    yield Setting("adapter", kind, at)
    if kind.value == "qlora":
        yield Setting("load_in_4bit", kind.express(lambda _: True), at)
    rank = tuning.maybe_integer("adapter", "rank")
    if rank is None:
        yield _missing("rank", tuning.at("adapter"), "`rank`", "16")
    else:
        yield Setting("lora_r", rank.because(kind), tuning.at("adapter", "rank"))
    if not tuning.has("adapter", "alpha"):
        yield _missing("alpha", tuning.at("adapter"), "`alpha`", "32")
    for ours, theirs in fields.items():
        value = tuning.get("adapter", ours)
        if value is not None:
            yield Setting(theirs, value.because(kind), tuning.at("adapter", ours))
    layers = tuning.get("adapter", "target_modules")
    if layers is None or layers.value == ALL_LAYERS:
        at = tuning.at("adapter", "target_modules") if layers is not None else at
        everywhere: Sourced[bool] = kind.express(lambda _: True)
        yield Setting("lora_target_linear", everywhere.because(layers), at)
    else:
        yield Setting(
            "lora_target_modules", Sourced(tuning.tree("adapter", "target_modules"), kind.sources, raw=True),
            tuning.at("adapter", "target_modules"),
        )  # fmt: skip


def _missing(what: str, at: KeyPath, field: str, example: str) -> Finding:
    return Finding(
        f"axolotl needs to be told the {what}", (Label(at, "", primary=True),),
        help=(f"add {field}, such as {example}",), severity=Severity.ERROR,
    )  # fmt: skip


def _words(tuning: View[Any]) -> Iterator[Made]:
    params = tuning.tree("params") or {}
    at = tuning.at("params") if params else tuning.at("trainer")
    if not {"batch_size", "micro_batch_size"} & set(params):
        yield _missing("batch size", at, "`params: {batch_size: …}`", "4")
    if "learning_rate" not in params:
        yield _missing("learning rate", at, "`params: {learning_rate: …}`", "2e-4")
    for written, value in params.items():
        at = tuning.at("params", written)
        if written == "precision" or inside(tuning, written):
            continue
        if written in LOADS_CODE:
            yield Finding(
                f"`{written}` is no parameter: it makes the trainer run code",
                (Label(at, "", primary=True, key_only=True),), severity=Severity.ERROR,
            )  # fmt: skip
        elif written == "plugins":
            yield from _plugins(tuning, value)
        else:
            yield Setting(WORDS.get(written, written), value, at, written)


def _plugins(tuning: View[Any], value: Any) -> Iterator[Made]:
    """Those that come with it, in the version of the lock: any other would be code from elsewhere."""
    own = table()["plugins"]
    named = tuning.value["params"]["plugins"]
    for index, name in enumerate(named if isinstance(named, list | tuple) else ()):
        if not isinstance(name, str) or name not in own:
            near = best(str(name), own)
            yield Finding(
                f"axolotl has no plugin `{name}` of its own",
                (Label(tuning.at("params", "plugins", index), "", primary=True),),
                notes=("code from elsewhere is not loaded",), help=(f"did you mean `{near}`?",) if near else (),
                severity=Severity.ERROR, found=str(name), expected=near,
            )  # fmt: skip
    yield Setting("plugins", value, tuning.at("params", "plugins"), "plugins")


def _numbers(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    written = tuning.maybe_text("params", "precision") if "precision" in (tuning.value.get("params") or {}) else None
    at = tuning.at("params", "precision") if written is not None else tuning.at("hardware")
    chosen = written or training.precision(lowering.reader, lowering.facts, tuning)
    if chosen is None:
        yield Setting("bf16", literal("auto"))
    elif chosen.value not in ("bf16", "fp16", "fp32"):
        yield Finding(
            f"axolotl computes in no `{chosen.value}`", (Label(at, "", primary=True),),
            notes=("it takes `bf16`, `fp16`, `fp32`",), severity=Severity.ERROR,
        )  # fmt: skip
    else:
        yield Setting("bf16", chosen.express(lambda name: name == "bf16"), at)
        if chosen.value == "fp16":
            yield Setting("fp16", chosen.express(lambda _: True), at)
    cpu = training.on_cpu(lowering.reader, tuning)
    if cpu is not None and cpu.value and finetune.adapter(tuning).value == "qlora":
        yield Finding(
            "4-bit weights are trained on accelerators alone",
            (Label(tuning.at("adapter", "type"), "", primary=True), Label(tuning.at("hardware"), "no accelerator")),
            help=("take `lora`, or a pool with accelerators",), severity=Severity.ERROR,
        )  # fmt: skip


def _template(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    """What it is trained with is what is served: the base's own template file, unless another is named."""
    base = finetune.base(tuning)
    written = tuning.maybe_text("template")
    file = base.maybe_text("chat_template") if base is not None else None
    if written is not None:
        yield Setting("chat_template", written, tuning.at("template"))
    elif file is not None:
        named = tuning.ref_name("base")
        path = file.map(lambda where: posixpath.normpath(posixpath.join(lowering.root, where))).because(named)
        yield Setting("chat_template", path.express(lambda _: "jinja"), tuning.at("base"))
        yield Setting("chat_template_jinja", path, tuning.at("base"))
    special = tuning.tree("tokens", "special")
    if special:
        yield Setting("special_tokens", special, tuning.at("tokens", "special"))
    ends = tuning.tree("tokens", "eot")
    if ends:
        yield Setting("eot_tokens", ends, tuning.at("tokens", "eot"))


def _distributed(tuning: View[Any]) -> Iterator[Made]:
    for name, value in (tuning.tree("distributed") or {}).items():
        at = tuning.at("distributed", name)
        if name == "fsdp" and isinstance(value, dict):
            rest = {key: one for key, one in value.items() if key != "version"}
            if "version" in value:
                yield Setting("fsdp_version", value["version"], at)
            yield Setting("fsdp_config", rest, at)
        elif name == "deepspeed":
            yield Setting("deepspeed", value, at)
        else:
            yield Unsupported(at, "it takes `fsdp`, a map, and `deepspeed`")


def output(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    written = tuning.maybe_text("output", "uri")
    at = tuning.at("output", "uri")
    if written is not None and written.value.startswith(HUB):
        yield Setting("hub_model_id", written.map(lambda text: text.removeprefix(HUB)), at)
    elif training.folder(lowering, tuning) is None:
        yield Unsupported(at, "axolotl writes to a folder, and uploads to `hf://…` alone")
    yield Setting("output_dir", folder(lowering, tuning))
    if "dataset_prepared_path" not in (tuning.value.get("params") or {}):
        yield Setting("dataset_prepared_path", literal(training.beside(lowering, tuning, "prepared")))


def folder(lowering: Lowering, tuning: View[Any]) -> Sourced[str]:
    local = training.beside(lowering, tuning, "local")
    return training.folder(lowering, tuning) or literal(local).because(tuning.get("output", "uri"))
